import { BadStatusError, defineJob, local, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { startDispatchers, twoUuids } from './dispatchers.ts';
import { type Commit, decorated, has } from './faulty-store.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** More turns than a completion or an addition takes: among them are all ways in which the two can interleave. */
const interleavings = Array.from({ length: 41 }, (_, index) => index - 20);
const farAhead = 1_000_000;

async function setUp(makeStore: MakeStore, store = makeStore()) {
  const { hold, open, started } = makeControlledJobs();
  const { give } = makeRecordingJobs();
  const calls: { readonly label: string; readonly agent: string | null }[] = [];
  const where = defineJob({
    name: 'where',
    run: (label: string) => {
      calls.push({ label, agent: local.getAgentName() });
      return label;
    },
  });
  const testBox = await makeBox({ store, jobs: [hold, give, where], queues: [''] });
  return { ...testBox, hold, open, started, give, where, calls, queue: testBox.box.queue() };
}

/** A store on which some commits are made only after something else has happened. */
function slowStore(store: Store, after: (commit: Commit) => Promise<void> | null): Store {
  return decorated(store, (open) => ({
    commit(commit) {
      const waiting = after(commit);
      if (waiting === null) return open.commit(commit);
      const ticket = waiting.then(() => open.commit(commit));
      const [written, synced] = [ticket.then((made) => made.written), ticket.then((made) => made.synced)];
      for (const promise of [written, synced]) promise.catch(() => {});
      return { written, synced };
    },
  }));
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

forEachStore('Adding callbacks while a job completes', (makeStore) => {
  it('[J-141] [J-142] a callback added while its job completes is run exactly once, by the worker or by the code that adds it', async () => {
    const { box, queue, hold, open, where, calls, reactor } = await setUp(makeStore);
    await box.start();
    for (const lead of [...interleavings, farAhead]) {
      const name = `job ${lead}`;
      const job = await queue.put(hold(name));
      await reactor.runUntilIdle();

      const adding = turns(-lead).then(() => job.addCallback(where.partial(name)));
      // Far ahead: however long the store takes, the callback is stored first.
      const ending = (lead === farAhead ? adding : turns(lead)).then(() => open(name));
      await ending;
      const callback = await adding;
      await reactor.runUntilIdle();

      expect(calls.filter(({ label }) => label === name)).toHaveLength(1);
      expect([(await job.refresh()).status, (await callback.refresh()).status]).toEqual([
        'COMPLETED',
        'COMPLETED',
      ]);
    }
    // Both ends of the race were seen: the worker came upon some, and found others after it had completed the job.
    expect(new Set(calls.map(({ agent }) => agent))).toEqual(new Set(['main', null]));
  });

  it('[J-142] a callback that is stored before COMPLETED is run first, though the worker had seen no more', async () => {
    let isAdded: () => void = () => {};
    const added = new Promise<void>((resolve) => {
      isAdded = resolve;
    });
    let isAsked: (value: unknown) => void = () => {};
    const asked = new Promise((resolve) => {
      isAsked = resolve;
    });
    const store = slowStore(makeStore(), (commit) => {
      if (!has(commit, 'job.complete', 'parent') || has(commit, 'job.finish')) return null;
      isAsked(null);
      return added;
    });
    const { box, queue, give, where, calls, reactor } = await setUp(makeStore, store);
    await box.start();
    const job = give(1).with({ id: 'parent' });
    await job.addCallback(where.partial('first'));
    await queue.put(job);
    await asked;

    const callback = await job.addCallback(where.partial('added'));
    isAdded();
    await reactor.runUntilIdle();

    expect(calls.map(({ label }) => label)).toEqual(['first', 'added']);
    expect([(await job.refresh()).status, (await callback.refresh()).status]).toEqual([
      'COMPLETED',
      'COMPLETED',
    ]);
  });

  it('[J-142] COMPLETED is refused while a callback waits, and made once the last one ran', async () => {
    const { box, queue, hold, open, where, calls, reactor } = await setUp(makeStore);
    await box.start();
    const job = hold('parent');
    await job.addCallback(hold.partial('first callback'));
    await queue.put(job);
    open('parent');
    await reactor.runUntilIdle();
    await Promise.all([job.addCallback(where.partial('a')), job.addCallback(where.partial('b'))]);
    const during = (await job.refresh()).status;

    open('first callback');
    await job.addCallback(where.partial('c'));
    await reactor.runUntilIdle();

    expect(during).toBe('CALLBACKS');
    expect(calls.map(({ label }) => label)).toEqual(['a', 'b', 'c']);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('[J-143] two boxes that add callbacks to a completed job at the same time each run their own', async () => {
    const { box, queue, give, hold, open, where, calls, reactor } = await setUp(makeStore);
    await box.start();
    const job = await queue.put(give(1));
    await reactor.runUntilIdle();
    const slow = job.addCallback(hold.partial('slow'));
    await reactor.runUntilIdle();

    const quick = await Promise.all([
      job.addCallback(where.partial('a')),
      job.addCallback(where.partial('b')),
    ]);
    const statuses = await Promise.all(quick.map(async (callback) => (await callback.refresh()).status));
    open('slow');
    await slow;

    expect(statuses).toEqual(['COMPLETED', 'COMPLETED']);
    expect(calls.map(({ label }) => label).sort()).toEqual(['a', 'b']);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('[J-144] a job is started once, however many processes try: the claim is the one write that counts', async () => {
    const testBox = await setUp(makeStore);
    const { box, queue, where, hold, open, started, calls, reactor } = testBox;
    const labels = Array.from({ length: 30 }, (_, index) => `job ${index}`);
    for (const label of labels) await queue.put(where(label));
    await startDispatchers(testBox, twoUuids);
    await reactor.advance('30s');
    await testBox.box.createQueue('byHand');
    const job = await box.queue('byHand').put(hold('byHand'));

    const second = await box.queue('byHand').claim();
    const first = box.call(job);
    await reactor.runUntilIdle();
    const again = box.call(second ?? job);

    await expect(again).rejects.toBeInstanceOf(BadStatusError);
    open('byHand');
    expect(await first).toBe('byHand');
    expect(started).toEqual(['byHand']);
    expect(calls.map(({ label }) => label).sort()).toEqual(labels.sort());
  });
});
