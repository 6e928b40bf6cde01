import { defineJob, type Job, NeverRetry, type RetryAnswer, type RetryPolicy } from 'signalbox';
import { expect, it } from 'vitest';
import { holderOf, representationOf, startDispatchers, twoUuids } from './dispatchers.ts';
import { Faults, faultyStore, has } from './faulty-store.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** Two dispatchers, and a job whose calls the test ends one by one. */
async function setUp(makeStore: MakeStore) {
  const calls: { end: (value: string) => void; fail: (error: Error) => void }[] = [];
  const { note, notes, give } = makeRecordingJobs();
  const faults = new Faults();
  const work = defineJob({
    name: 'work',
    run: () =>
      new Promise<string>((end, fail) => {
        calls.push({ end, fail });
      }),
  });
  const testBox = await makeBox({ store: faultyStore(makeStore(), faults), jobs: [work, note, give] });
  const dispatchers = await startDispatchers(testBox, twoUuids);
  /** Declares the holder of the job dead though it lives, so that the other one takes its jobs. */
  const takeOver = async (job: Job<unknown>) => {
    const holder = await holderOf(dispatchers, job);
    await (await representationOf(testBox, holder.uuid)).deactivate();
    await testBox.reactor.runUntilIdle();
    return holder;
  };
  return {
    ...testBox,
    calls,
    note,
    notes,
    give,
    work,
    dispatchers,
    takeOver,
    faults,
    queue: testBox.box.queue(),
  };
}

forEachStore('Ownership', (makeStore) => {
  it('[J-131] after a retry decision the worker looks whether the job is still its own', async () => {
    const { work, calls, queue, reactor, takeOver } = await setUp(makeStore);
    let answer: (answer: RetryAnswer) => void = () => {};
    const slow: RetryPolicy = {
      ...NeverRetry,
      name: 'slow',
      jobError: () => new Promise((resolve) => (answer = resolve)),
      interrupted: (data) => ({ answer: true, data }),
    };
    const job = await queue.put(work().with({ retryPolicy: slow }));
    await reactor.runUntilIdle();
    calls[0]?.fail(new Error('first call'));
    await reactor.runUntilIdle();
    await takeOver(job);
    const callsBefore = calls.length;

    answer(true);
    await reactor.runUntilIdle();

    expect(callsBefore).toBe(2);
    expect(calls).toHaveLength(2);
    calls[1]?.end('the other call');
    expect(await job.result()).toBe('the other call');
  });

  it('[J-131] before the failure of a commit is stored the worker looks whether the job is still its own', async () => {
    const { work, calls, queue, reactor, takeOver, faults } = await setUp(makeStore);
    let answer: (answer: RetryAnswer) => void = () => {};
    const slow: RetryPolicy = {
      ...NeverRetry,
      name: 'slow',
      commitError: () => new Promise((resolve) => (answer = resolve)),
      interrupted: (data) => ({ answer: true, data }),
    };
    const job = await queue.put(work().with({ retryPolicy: slow }));
    await reactor.runUntilIdle();
    faults.refuseNext('job.finish', new Error('refused'));
    calls[0]?.end('first call');
    await reactor.runUntilIdle();
    await takeOver(job);

    answer(false);
    await reactor.runUntilIdle();
    const between = (await job.refresh()).outcome;
    calls[1]?.end('the other call');

    expect(between).toBe(null);
    expect(await job.result()).toBe('the other call');
  });

  it('[J-131] before each callback the worker looks whether the job is still its own', async () => {
    const { work, calls, give, note, notes, queue, reactor, takeOver } = await setUp(makeStore);
    const parent = give(1);
    await parent.addCallback(work.partial());
    await parent.addCallback(note.partial('second'));
    await queue.put(parent);
    await reactor.runUntilIdle();
    const old = await takeOver(parent);

    calls[0]?.end('ended by the old worker');
    await reactor.runUntilIdle();
    const before = [...notes];
    const { reassigned } = old.getJobInfo(parent.id ?? '');
    calls[1]?.end('ended by the new worker');
    await reactor.runUntilIdle();

    expect([before, reassigned]).toEqual([[], true]);
    expect(notes).toEqual([['second', 1]]);
    expect((await parent.refresh()).status).toBe('COMPLETED');
  });

  it('[J-132] the same dispatcher and agent do not make a worker the owner: only its own claim does', async () => {
    const { work, calls, queue, reactor, dispatchers, takeOver } = await setUp(makeStore);
    const [only, other] = dispatchers;
    await other?.deactivate();
    const job = await queue.put(work());
    await reactor.runUntilIdle();
    await takeOver(job);
    await reactor.advance('10s');
    const again = await job.place();

    calls[0]?.end('old call');
    await reactor.runUntilIdle();
    const between = (await job.refresh()).status;
    calls[1]?.end('new call');
    await reactor.runUntilIdle();

    expect(again).toEqual({ queue: '', dispatcher: only?.uuid, agent: 'main' });
    expect(between).toBe('ACTIVE');
    expect(await job.result()).toBe('new call');
  });

  it('[J-132] code outside any worker is judged by the status alone', async () => {
    const { box, give, note, notes } = await setUp(makeStore);
    const job = give('alone');
    await job.addCallback(note.partial('callback'));

    const called = await box.call(job);

    expect(called).toBe('alone');
    expect(notes).toEqual([['callback', 'alone']]);
    await expect(box.call(job)).rejects.toMatchObject({ code: 'BAD_STATUS' });
  });

  it('[J-133] a worker that lost its job logs that, writes nothing, marks its record and continues', async () => {
    const { work, calls, queue, reactor, takeOver, entries, give } = await setUp(makeStore);
    const job = await queue.put(work());
    await reactor.runUntilIdle();
    const old = await takeOver(job);

    calls[0]?.end('old call');
    await reactor.runUntilIdle();

    expect((await job.refresh()).outcome).toBe(null);
    expect(old.getJobInfo(job.id ?? '').reassigned).toBe(true);
    expect(old.getActiveJobIds()).toEqual([]);
    const told = entries.filter(({ message }) => message.includes('nothing was written'));
    expect(told).toMatchObject([{ level: 'ERROR', stream: 'signalbox.events', job: job.id }]);
    await reactor.advance('10s');
    const next = await Promise.all(Array.from({ length: 3 }, () => queue.put(give('next'))));
    expect(await Promise.all(next.map((one) => one.result()))).toEqual(['next', 'next', 'next']);
    calls[1]?.end('new call');
  });

  it('[J-134] the writes of a worker that lost its job are refused by their token, whichever comes first', async () => {
    const { work, calls, note, notes, queue, reactor, takeOver, faults } = await setUp(makeStore);
    const job = work();
    await job.addCallback(note.partial('callback'));
    await queue.put(job);
    await reactor.runUntilIdle();
    await takeOver(job);

    calls[1]?.end('new call');
    calls[0]?.end('old call');
    await reactor.runUntilIdle();

    expect(await job.result()).toBe('new call');
    expect(notes).toEqual([['callback', 'new call']]);
    const finishes = faults.commits.filter((commit) => has(commit, 'job.finish', job.id));
    const beliefs = finishes.flatMap((commit) => commit.expect);
    const claims = beliefs.map((belief) => (belief.check === 'holder' ? belief.claim : 0));
    expect(new Set(claims.filter((claim) => claim > 0)).size).toBe(2);
  });
});
