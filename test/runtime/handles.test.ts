import { createSignalbox, type Dispatcher, defineJob, memoryStore, type Representation } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { decorated } from '../behaviours/faulty-store.ts';

const add = defineJob({ name: 'add', run: (n: number) => n });

describe('job.result()', () => {
  /** Turns of the microtask queue between the answer for `result()` and the late answer for `refresh()`. */
  const gaps = Array.from({ length: 40 }, (_, gap) => gap);

  it('gives the outcome, also when a refresh that read the job before answers at the same time', async () => {
    const rejected: number[] = [];
    for (const gap of gaps) {
      const refreshIsRead = deferred();
      const refreshMayAnswer = deferred();
      let isRefreshing = true;
      let id: string | null = null;
      const store = decorated(memoryStore(), (open) => ({
        async annotations(job) {
          const found = await open.annotations(job);
          if (!isRefreshing) return found;
          isRefreshing = false;
          refreshIsRead.resolve();
          await refreshMayAnswer.promise;
          return found;
        },
        async settled() {
          await open.settled();
          if (id === null || (await open.get('job', id))?.outcome == null) return;
          void turns(gap).then(refreshMayAnswer.resolve);
        },
      }));
      const box = await createSignalbox({ store, jobs: [add], queues: [''] });
      const job = await box.queue().put(add(7));
      const refreshed = job.refresh();
      await refreshIsRead.promise;
      const result = job.result().catch(() => rejected.push(gap));
      id = job.id;

      await box.start();
      await result;
      refreshMayAnswer.resolve();
      await refreshed;
      await box.stop();
    }

    expect(rejected).toEqual([]);
  });
});

describe('A representation', () => {
  it('of a transaction that failed refuses every command', async () => {
    const { box, uuid } = await boxWithDispatcher();
    let representation: Representation | undefined;
    const failed = box.transaction(async (tx) => {
      [representation] = await tx.queue().dispatchers.all();
      throw new Error('changed my mind');
    });
    await expect(failed).rejects.toThrow('changed my mind');

    await expect(representation?.deactivate()).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });

    expect((await box.queue().dispatchers.get(uuid)).activated).not.toBeNull();
    await box.stop();
  });

  it('is current after a command that was refused', async () => {
    const { box, uuid } = await boxWithDispatcher();
    const early = await box.queue().dispatchers.get(uuid);
    await (await box.queue().dispatchers.get(uuid)).deactivate();

    await expect(early.deactivate()).rejects.toMatchObject({ code: 'BAD_STATUS' });

    expect(early.activated).toBeNull();
    await box.stop();
  });
});

describe('What is added to a job that was put in a transaction of the program', () => {
  it('is a commit of its own once the job is known to be stored: no rollback of the put takes it back', async () => {
    const dropped = new Set<string>();
    const store = decorated(memoryStore(), (open) => ({
      // A memory store has no transactions: it makes the commit at once, as if the program had committed.
      commit: ({ within: _within, ...commit }) => open.commit(commit),
      get: async (kind, id) => (dropped.has(id) ? undefined : open.get(kind, id)),
    }));
    const box = await createSignalbox({ store, jobs: [add], queues: [''] });
    const job = await box.queue().put(add(1), { client: {} });
    await job.refresh();
    const callback = await job.addCallback(add.partial(2));
    dropped.add(callback.id ?? '');

    await expect(box.queue().put(callback)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });

    expect(job.isStored).toBe(true);
    await box.stop();
  });
});

describe('queue.claim()', () => {
  it('judges a job by the time at which the store offers it', async () => {
    let now = 1_000_000;
    const store = decorated(memoryStore(), (open) => ({
      claim(request) {
        now += 60_000;
        return open.claim(request);
      },
    }));
    const box = await createSignalbox({ store, clock: { now: () => now }, jobs: [add], queues: [''] });
    await box.queue().put(add(1), { beginBy: '1s' });

    const claimed = await box.queue().claim();

    expect([claimed?.name, claimed?.record.beginAfter]).toEqual(['signalbox.fail', now]);
    await box.stop();
  });
});

async function boxWithDispatcher() {
  const box = await createSignalbox({ store: memoryStore(), jobs: [add], queues: [''] });
  const dispatcher: Dispatcher = await box.start();
  return { box, uuid: dispatcher.uuid };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await null;
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
