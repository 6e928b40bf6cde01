import {
  AbortedError,
  BadStatusError,
  defineJob,
  detached,
  type Job,
  type JobDefinition,
  type JobRecord,
  NeverRetry,
} from 'signalbox';
import { expect, it } from 'vitest';
import { internals } from '../../src/runtime/box/internals.ts';
import { makeControlledJobs } from './controlled-jobs.ts';
import { crashHolder, startDispatchers, twoUuids } from './dispatchers.ts';
import { disconnect, Faults, faultyStore, has } from './faulty-store.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

async function setUp(makeStore: MakeStore) {
  const controlled = makeControlledJobs();
  const recording = makeRecordingJobs();
  const jobs = [controlled.hold, recording.note, recording.give, recording.raise];
  const faults = new Faults();
  const testBox = await makeBox({ store: faultyStore(makeStore(), faults), jobs });
  const dispatchers = await startDispatchers(testBox, twoUuids);
  const crashHolderOf = (job: Job<unknown>) => crashHolder(testBox, dispatchers, job);
  return {
    ...controlled,
    ...recording,
    ...testBox,
    dispatchers,
    crashHolderOf,
    faults,
    queue: testBox.box.queue(),
  };
}

/** A job in CALLBACKS whose first callback waits, with one `below` it, while the next one is held. */
async function waitingCallback<Result>(
  { box, queue, give, hold, reactor }: Awaited<ReturnType<typeof setUp>>,
  waits: JobDefinition<readonly [], Result>,
  below: Job<unknown> | null = null,
): Promise<{ readonly parent: Job<unknown>; readonly callback: Job<Result> }> {
  box.define(waits);
  const parent = give(1);
  const callback = await parent.addCallback(waits.partial());
  if (below !== null) await callback.addCallback(below);
  await parent.addCallback(hold.partial('next'));
  await queue.put(parent);
  await reactor.runUntilIdle();
  return { parent, callback };
}

forEachStore('Resuming callbacks', (makeStore) => {
  it('[J-79] resumeCallbacks is refused in every status but CALLBACKS', async () => {
    const { queue, give, hold, open, reactor } = await setUp(makeStore);
    const pending = await queue.put(give(1), { beginAfter: '1h' });
    const active = await queue.put(hold('active'));
    const completed = await queue.put(give(2));
    await reactor.runUntilIdle();

    for (const job of [pending, active, completed]) {
      await expect(job.resumeCallbacks()).rejects.toBeInstanceOf(BadStatusError);
    }
    expect([(await active.refresh()).status, (await completed.refresh()).status]).toEqual([
      'ACTIVE',
      'COMPLETED',
    ]);
    open('active');
  });

  it('[J-80] completed callbacks are left alone, the others are called, failed when too late, or resumed', async () => {
    const { queue, give, note, notes, hold, open, started, reactor, crashHolderOf } = await setUp(makeStore);
    const parent = give(1);
    await parent.addCallback(note.partial('completed'));
    const interrupted = await parent.addCallback(hold.partial('interrupted'));
    await interrupted.addCallback(note.partial('below the interrupted one'));
    const late = await parent.addCallback(note.partial('late'), {
      beginAfter: reactor.now(),
      beginBy: '30s',
    });
    await parent.addCallback(note.partial('not begun'));
    await queue.put(parent);
    await reactor.runUntilIdle();

    await crashHolderOf(parent);
    open('interrupted', 'held');
    await reactor.runUntilIdle();

    expect(started).toEqual(['interrupted', 'interrupted']);
    expect(notes).toEqual([
      ['completed', 1],
      ['below the interrupted one', 'held'],
      ['not begun', 1],
    ]);
    expect((await late.refresh()).ending).toBe('expired');
    expect((await parent.refresh()).status).toBe('COMPLETED');
  });

  it('[J-80] a callback that was at its own callbacks is resumed and not called again', async () => {
    const { queue, give, note, notes, hold, open, reactor, crashHolderOf } = await setUp(makeStore);
    const parent = give(1);
    const callback = await parent.addCallback(note.partial('callback'));
    await callback.addCallback(hold.partial('deep'));
    await queue.put(parent);
    await reactor.runUntilIdle();

    await crashHolderOf(parent);
    open('deep');
    await reactor.runUntilIdle();

    expect(notes).toEqual([['callback', 1]]);
    expect([(await callback.refresh()).status, (await parent.refresh()).status]).toEqual([
      'COMPLETED',
      'COMPLETED',
    ]);
  });

  it('[J-81] the interruption of a callback is refused unless it is ACTIVE and its parent in CALLBACKS', async () => {
    const { box, queue, give, note, hold, open, reactor } = await setUp(makeStore);
    const parent = give(1);
    const done = await parent.addCallback(note.partial('done'));
    const active = await parent.addCallback(hold.partial('active'));
    await queue.put(parent);
    const running = await queue.put(hold('running'));
    await reactor.runUntilIdle();
    const { callbacks } = internals(box);
    const recordOf = async (job: Job<unknown>) => (await job.refresh()).record;

    const [finished, atIt, waiting, busy] = await Promise.all([done, parent, active, running].map(recordOf));

    const ofCompleted = callbacks.handleInterrupt(finished as JobRecord, atIt as JobRecord);
    const underActive = callbacks.handleInterrupt(waiting as JobRecord, busy as JobRecord);

    await Promise.all(
      [ofCompleted, underActive].map((refused) => expect(refused).rejects.toBeInstanceOf(BadStatusError)),
    );
    expect((await active.refresh()).status).toBe('ACTIVE');
    open('active');
    open('running');
  });

  it('[J-82] an interrupted callback is reset and called again with the result of its parent', async () => {
    const inputs: unknown[] = [];
    const { box, queue, give, hold, open, reactor, crashHolderOf, entries } = await setUp(makeStore);
    const takes = defineJob({
      name: 'takes',
      run: async (input: unknown) => {
        inputs.push(input);
        if (inputs.length === 1) await new Promise(() => {});
        return 'second call';
      },
    });
    box.define(takes);
    const parent = give('value');
    const callback = await parent.addCallback(takes.partial());
    await parent.addCallback(hold.partial('next'));
    await queue.put(parent);
    await reactor.runUntilIdle();
    const firstStart = (await callback.refresh()).activeStart;

    await crashHolderOf(parent);
    const secondStart = (await callback.refresh()).activeStart;
    open('next');
    await reactor.runUntilIdle();

    expect(inputs).toEqual(['value', 'value']);
    expect(await callback.result()).toBe('second call');
    expect(Number(secondStart)).toBeGreaterThan(Number(firstStart));
    const events = [];
    for await (const { event, patch } of callback.history()) events.push([event, patch?.activeStart]);
    expect(events).toContainEqual(['callback.reset', null]);
    const retried = entries.filter(({ message }) => message.includes('retrying interrupted callback'));
    expect(retried).toMatchObject([{ level: 'DEBUG', stream: 'signalbox.trace', job: callback.id }]);
  });

  it('[J-83] an interrupted callback cannot be put back: it is retried at once, with an ERROR', async () => {
    const { queue, give, hold, started, reactor, crashHolderOf, logged, open } = await setUp(makeStore);
    const later = {
      ...NeverRetry,
      name: 'later',
      interrupted: () => ({ answer: { after: '1h' }, data: {} }),
    };
    const parent = give(1);
    const callback = await parent.addCallback(hold.partial('callback'), { retryPolicy: later });
    await queue.put(parent);
    await reactor.runUntilIdle();

    await crashHolderOf(parent);

    expect(started).toEqual(['callback', 'callback']);
    expect(logged('ERROR').filter((message) => message.includes('cannot be put back'))).toHaveLength(1);
    open('callback');
    await reactor.runUntilIdle();
    expect(await callback.result()).toBe('callback');
  });

  it('[J-84] an interrupted callback that is not retried ends with AbortedError, and its own callbacks run', async () => {
    const { queue, give, hold, note, notes, started, reactor, crashHolderOf } = await setUp(makeStore);
    const parent = give(1);
    const callback = await parent.addCallback(hold.partial('callback'), { retryPolicy: NeverRetry });
    await callback.addCallback(note.partial('below'));
    await parent.addCallback(note.partial('next'));
    await queue.put(parent);
    await reactor.runUntilIdle();

    await crashHolderOf(parent);
    await reactor.runUntilIdle();

    expect(started).toEqual(['callback']);
    expect((await callback.refresh()).ending).toBe('aborted');
    const [below, next] = notes;
    expect(below?.[1]).toContain(new AbortedError({ id: callback.id ?? '' }).message);
    expect(next).toEqual(['next', 1]);
    expect((await parent.refresh()).status).toBe('COMPLETED');
  });

  it('[J-85] an interrupted callback that waits for a job continues to wait', async () => {
    const about = await setUp(makeStore);
    const { note, notes, hold, box, started, open, reactor, crashHolderOf } = about;
    const waits = defineJob({ name: 'waits', run: () => box.queue().put(hold('inner')) });
    const { parent, callback } = await waitingCallback(about, waits, note.partial('below'));

    await crashHolderOf(parent);
    open('next');
    await reactor.runUntilIdle();
    const during = (await callback.refresh()).status;
    open('inner', 'inner result');
    await reactor.runUntilIdle();

    expect(during).toBe('ACTIVE');
    expect(started.filter((name) => name === 'inner').length).toBeLessThanOrEqual(2);
    expect(notes).toEqual([['below', 'inner result']]);
    const events = [];
    for await (const { event } of callback.history()) events.push(event);
    expect(events.filter((event) => event === 'job.start')).toHaveLength(1);
  });

  it('[J-85] one that missed the end of the job it waited for takes its result, with a WARNING', async () => {
    const about = await setUp(makeStore);
    const { box, note, notes, hold, open, reactor, logged, faults } = about;
    const waits = defineJob({ name: 'waits', run: () => box.queue().put(hold('inner')) });
    const { parent, callback } = await waitingCallback(about, waits, note.partial('below'));
    faults.refuse = (commit) => (has(commit, 'job.finish', callback.id) ? disconnect() : null);
    open('inner', 'inner result');
    await reactor.runUntilIdle();
    faults.refuse = () => null;
    const before = (await callback.refresh()).status;

    await internals(box).callbacks.handleInterrupt(callback.record, (await parent.refresh()).record);

    expect(before).toBe('ACTIVE');
    expect(await callback.result()).toBe('inner result');
    expect(notes).toEqual([['below', 'inner result']]);
    expect(logged('WARNING').filter((message) => message.includes('has not got the outcome'))).toHaveLength(
      1,
    );
    open('next');
  });

  it('[J-85] one that waited for a promise is called again: the promise died with its process', async () => {
    const about = await setUp(makeStore);
    const { open, reactor, crashHolderOf } = about;
    let calls = 0;
    const waits = defineJob({
      name: 'waits',
      run: () => {
        calls += 1;
        return detached(calls === 1 ? new Promise<string>(() => {}) : Promise.resolve('second promise'));
      },
    });
    const { parent, callback } = await waitingCallback(about, waits);

    await crashHolderOf(parent);
    open('next');
    await reactor.runUntilIdle();

    expect(calls).toBe(2);
    expect(await callback.result()).toBe('second promise');
  });
});
