import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineJob, handleSignals, local, memoryStore, NeverRetry, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import {
  createTestBox,
  simulatedJsonStore,
  type TestBoxOptions,
  VirtualReactor,
  waitForStart,
} from 'signalbox/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Barrier } from '../behaviours/barrier.ts';
import { decorated } from '../behaviours/faulty-store.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-crash-'));
  folders.push(folder);
  return join(folder, 'store');
}

const stores: readonly (readonly [string, () => Required<TestBoxOptions>['store']])[] = [
  ['memory', () => memoryStore()],
  ['json', () => jsonStore(newFolder())],
  ['simulated json', () => simulatedJsonStore],
];

/** Jobs that charge a card, take ten minutes, and are done. */
function chargingJobs() {
  const charged: string[] = [];
  const run = async (order: string): Promise<string> => {
    charged.push(order);
    await local.sleep('10m');
    return `${order} is charged`;
  };
  return { charged, charge: defineJob({ name: 'charge', run }) };
}

describe.each(stores)('A test box that crashes, on a %s store,', (_, makeStore) => {
  it('leaves its jobs to the next one, which calls them again', async () => {
    const { charged, charge } = chargingJobs();
    const reactor = new VirtualReactor();
    const first = await createTestBox({ reactor, store: makeStore(), jobs: [charge] });
    const { id } = await waitForStart(await first.box.queue().put(charge('order 1')));
    await reactor.advance('9m');

    await first.crash();
    await reactor.advance('1h');
    expect(charged).toEqual(['order 1']);
    const second = await first.reopen();

    const job = await second.box.job(id ?? '').waitFor('ACTIVE');
    expect([charged, job.record.attempts]).toEqual([['order 1', 'order 1'], 2]);
    await reactor.advance('10m');
    expect(await job.result()).toBe('order 1 is charged');
    await second.tearDown();
  });

  it('leaves a job that must not run twice to its policy: the next one aborts it', async () => {
    const { charged, charge } = chargingJobs();
    const reactor = new VirtualReactor();
    const first = await createTestBox({ reactor, store: makeStore(), jobs: [charge] });
    const putting = first.box.queue().put(charge('order 1'), { retryPolicy: NeverRetry });
    const { id } = await waitForStart(await putting);

    await first.crash();
    const second = await first.reopen();

    const job = await second.box.job(id ?? '').waitFor('COMPLETED');
    expect([charged, job.ending]).toEqual([['order 1'], 'aborted']);
    await second.tearDown();
  });

  it('has no timers left, and polls no more', async () => {
    const { charge } = chargingJobs();
    const reactor = new VirtualReactor();
    const first = await createTestBox({ reactor, store: makeStore(), jobs: [charge] });
    await waitForStart(await first.box.queue().put(charge('order 1')));
    const polls = first.dispatcher.polls.length;

    await first.crash();

    expect(reactor.pending).toBe(0);
    expect(await reactor.advance('1h')).toBe(0);
    expect(first.dispatcher.polls.length).toBe(polls);
  });

  it('refuses what its code still writes and asks for, and what the test asks it for, and logs nothing', async () => {
    let answer: () => void = () => {};
    const refusals: unknown[] = [];
    const keep = (error: { code: string }): number => refusals.push(error.code);
    const ask = defineJob({
      name: 'ask',
      run: async () => {
        if (refusals.length > 0) return 'asked again';
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        await local.setLiveAnnotation('answer', 'late').catch(keep);
        await local.getLiveAnnotation('answer').catch(keep);
        return 'answered';
      },
    });
    const reactor = new VirtualReactor();
    const lines: string[] = [];
    const log = { level: 'DEBUG', write: (line: string) => lines.push(line) } as const;
    const first = await createTestBox({ reactor, store: makeStore(), jobs: [ask], log });
    const job = await waitForStart(await first.box.queue().put(ask()));
    const { length } = lines;

    await first.crash();
    answer();
    await reactor.runUntilIdle();
    await first.box.queue().put(ask()).catch(keep);
    await job.refresh().catch(keep);

    expect(refusals).toEqual(Array.from({ length: 4 }, () => 'STORE_CLOSED'));
    expect(lines.slice(length)).toEqual([]);
    const second = await first.reopen();
    const again = await second.box.job(job.id ?? '').waitFor('COMPLETED');
    expect([again.outcome, again.annotations]).toEqual([{ ok: true, value: 'asked again' }, {}]);
    expect(await second.box.queue().length()).toBe(0);
    await second.tearDown();
  });

  it('may crash from within a job, and the one after it may crash, too', async () => {
    const reactor = new VirtualReactor();
    const crashes: Promise<void>[] = [];
    let testBox = await createTestBox({ reactor, store: makeStore(), log: null });
    const fall = defineJob({
      name: 'fall',
      run: async () => {
        if (crashes.length === 3) return 'stood';
        crashes.push(testBox.crash({ unsynced: 'kept' }));
        return 'fell';
      },
    });
    testBox.box.define(fall);
    const { id } = await testBox.box.queue().put(fall());
    for (let count = 1; count <= 3; count += 1) {
      await reactor.runUntilIdle();
      expect(crashes).toHaveLength(count);
      testBox = await testBox.reopen({ jobs: [fall] });
    }

    const job = await testBox.box.job(id ?? '').waitFor('COMPLETED');
    expect([job.outcome, job.record.attempts]).toEqual([{ ok: true, value: 'stood' }, 4]);
    await testBox.tearDown();
  });

  it('is gone for the next test: it can crash again, stop and be torn down, and its signal handlers are removed', async () => {
    const handlers = process.listenerCount('SIGTERM');
    const first = await createTestBox({ reactor: new VirtualReactor(), store: makeStore() });
    handleSignals(first.box);

    await first.crash();
    await first.crash();
    await first.box.stop();
    await first.tearDown();

    expect(process.listenerCount('SIGTERM')).toBe(handlers);
  });
});

it('a test box opens again after a tear-down, with the jobs of a new release', async () => {
  const reactor = new VirtualReactor();
  const greet = (text: string) => defineJob({ name: 'greet', run: () => text });
  const old = greet('old');
  const first = await createTestBox({ reactor, jobs: [old] });
  const { id } = await first.box.queue().put(old(), { beginAfter: '1h' });
  await expect(first.reopen()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await first.tearDown();

  const second = await first.reopen({ jobs: [greet('new')] });
  await reactor.advance('1h');

  expect(await second.box.job(id ?? '').result()).toBe('new');
  await second.tearDown();
});

it('a test box crashes in real time, too', async () => {
  const wait = defineJob({ name: 'wait', run: () => local.sleep('1h') });
  const first = await createTestBox({ jobs: [wait] });
  const { id } = await waitForStart(await first.box.queue().put(wait()));

  await first.crash();
  const second = await first.reopen();

  expect((await waitForStart(second.box.job(id ?? ''))).record.attempts).toBe(2);
  await second.crash();
});

describe('What a crash does with commits that are not synced', () => {
  it.each([
    ['kept', 2],
    ['lost', 1],
    [undefined, 1],
  ] as const)('unsynced: %s leaves the job after %d attempts', async (unsynced, attempts) => {
    const crashes: Promise<void>[] = [];
    const bake = defineJob({
      name: 'bake',
      // The start of the job is written when its code is called, and not synced yet.
      run: () => {
        if (crashes.length === 0) crashes.push(first.crash(unsynced === undefined ? {} : { unsynced }));
      },
    });
    const reactor = new VirtualReactor();
    const first = await createTestBox({ reactor, store: simulatedJsonStore, jobs: [bake] });
    const { id } = await first.box.queue().put(bake());
    await reactor.runUntilIdle();

    const second = await first.reopen();

    const job = await second.box.job(id ?? '').waitFor('COMPLETED');
    expect([crashes.length, job.record.attempts]).toEqual([1, attempts]);
    await second.tearDown();
  });

  it.each(stores.slice(0, 2))(
    'on a %s store they are kept, and losing them is refused',
    async (_, makeStore) => {
      const first = await createTestBox({ reactor: new VirtualReactor(), store: makeStore() });

      await expect(first.crash({ unsynced: 'lost' })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        details: { option: 'unsynced' },
      });

      expect((await first.box.queues()).length).toBe(1);
      await first.crash({ unsynced: 'kept' });
    },
  );

  it.each([
    [{ unsynced: 'all' }, 'unsynced'],
    [{ unsynked: 'lost' }, 'unsynked'],
  ])('%j is refused', async (options, option) => {
    const first = await createTestBox({ reactor: new VirtualReactor() });

    await expect(first.crash(options as never)).rejects.toMatchObject({ details: { option } });

    await first.tearDown();
  });
});

it.each<[string, string, () => Store, (startable: Barrier<void>) => void]>([
  ['memory', 'written', () => memoryStore(), (startable) => startable.release()],
  ['memory', 'refused', () => memoryStore(), (startable) => startable.fail(new Error('the store is gone'))],
  ['json', 'written', () => jsonStore(newFolder()), (startable) => startable.release()],
  ['json', 'refused', () => jsonStore(newFolder()), (startable) => startable.fail(new Error('it is gone'))],
])(
  'A test box on a %s store that dies after the claim of a job calls and logs nothing when the claim is then %s',
  async (_kind, _how, makeStore, settle) => {
    const { charged, charge } = chargingJobs();
    const lines: string[] = [];
    const log = { level: 'ERROR', write: (line: string) => lines.push(line) } as const;
    const reactor = new VirtualReactor();
    const startable = new Barrier<void>();
    const store = decorated(makeStore(), (open) => ({
      async claim(request) {
        const claimed = await open.claim(request);
        return claimed.jobs.length === 0 ? claimed : { ...claimed, startable: startable.wait() };
      },
    }));
    const first = await createTestBox({ reactor, store, jobs: [charge], log });
    await first.box.queue().put(charge('order 1'));
    await reactor.runUntilIdle();

    await first.crash();
    settle(startable);
    await reactor.runUntilIdle();

    expect([startable.calls, charged, lines]).toEqual([1, [], []]);
  },
);
