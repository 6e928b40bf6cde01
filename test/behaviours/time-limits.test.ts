import {
  agent,
  defineJob,
  detached,
  type Job,
  type JobSettings,
  local,
  NeverRetry,
  TimeoutError,
} from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { crashHolder, startDispatchers, twoUuids } from './dispatchers.ts';
import { Faults, faultyStore } from './faulty-store.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

interface Limits {
  readonly timeout?: string;
  readonly heartbeat?: string;
  readonly deadline?: string;
  readonly grace?: string;
  readonly maxAttempts?: number;
}

/** A job that sleeps as long as its argument says, and stops when it is asked to. */
async function setUp(makeStore: MakeStore, { maxAttempts = 1, ...limits }: Limits) {
  const { hold, open, opened } = makeControlledJobs();
  const { note, notes } = makeRecordingJobs();
  const calls: number[] = [];
  const reasons: unknown[] = [];
  const retry = { maxAttempts, delay: '1m', jitter: 0, backoff: 'fixed' } as const;
  const work = defineJob({
    name: 'work',
    retry,
    ...limits,
    run: async (duration: string, beats: number) => {
      calls.push(testBox.reactor.now());
      try {
        for (let beat = 0; beat < beats; beat += 1) {
          await local.sleep('10s');
          local.heartbeat();
        }
        await local.sleep(duration);
      } catch (error) {
        reasons.push(local.signal.reason);
        throw error;
      }
      return 'worked';
    },
  });
  const deaf = defineJob({
    name: 'deaf',
    retry,
    ...limits,
    run: async (latch: string) => {
      calls.push(testBox.reactor.now());
      await opened(latch);
      return 'too late';
    },
  });
  const outer = defineJob({ name: 'outer', retry, ...limits, run: (inner: Job<unknown>) => inner });
  const promise = defineJob({
    name: 'promise',
    retry,
    ...limits,
    run: () => detached(local.sleep('1h')),
  });
  const testBox = await makeBox({
    store: makeStore(),
    jobs: [work, deaf, outer, promise, hold, note],
    queues: [''],
  });
  const queue = testBox.box.queue();
  const seconds = (start: number) => calls.map((at) => Math.round((at - start) / 1000));
  return { ...testBox, work, deaf, outer, promise, hold, note, notes, open, calls, reasons, queue, seconds };
}

async function endOf(job: Job<unknown>) {
  const { status, ending, outcome, record } = await job.refresh();
  const name = outcome?.ok === false ? outcome.failure.name : outcome?.value;
  return { status, ending, name, attempts: record.attempts };
}

const settings = (given: JobSettings): JobSettings => given;

forEachStore('A job with a time limit', (makeStore) => {
  it('whose attempt takes longer than its timeout fails with a TimeoutError, and its signal aborts', async () => {
    const { box, queue, work, reasons, reactor } = await setUp(makeStore, { timeout: '1m' });
    await box.start();
    const job = await queue.put(work('1h', 0));

    await reactor.advance('59s');
    expect((await job.refresh()).record.state).toBe('active.running');
    await reactor.advance('2s');

    expect(await endOf(job)).toEqual({
      status: 'COMPLETED',
      ending: 'failed',
      name: 'TimeoutError',
      attempts: 1,
    });
    expect(reasons).toEqual([expect.any(TimeoutError)]);
    expect(job.outcome?.ok === false && job.outcome.failure.message).toContain('within 1 minute');
  });

  it('that ends in time is not touched, and its timer is gone', async () => {
    const { box, queue, work, reactor } = await setUp(makeStore, { timeout: '1m', deadline: '1h' });
    await box.start();
    const job = await queue.put(work('50s', 0));

    await reactor.advance('2h');

    expect(await endOf(job)).toMatchObject({ ending: 'succeeded', name: 'worked' });
    expect(job.record.stop).toBeNull();
  });

  it('is tried again as its policy says; each attempt has the whole time', async () => {
    const { box, queue, work, reactor, seconds } = await setUp(makeStore, { timeout: '1m', maxAttempts: 3 });
    await box.start();
    const start = reactor.now();
    const job = await queue.put(work('1h', 0));

    await reactor.advance('1h');

    expect(seconds(start)).toEqual([0, 120, 240]);
    expect(await endOf(job)).toMatchObject({ ending: 'failed', name: 'TimeoutError', attempts: 3 });
    expect((await job.attempts()).map(({ ending, ms }) => [ending, ms])).toEqual([
      ['failed', 60_000],
      ['failed', 60_000],
      ['failed', 60_000],
    ]);
  });

  it('whose code does not stop is tried again after the grace, elsewhere, and never in the same call', async () => {
    const { box, queue, deaf, reactor, seconds, open } = await setUp(makeStore, {
      timeout: '1m',
      grace: '10s',
      maxAttempts: 2,
    });
    await box.start({ agent: agent({ size: 2 }) });
    const start = reactor.now();
    const job = await queue.put(deaf('latch'));

    await reactor.advance('5m');

    expect(seconds(start)).toEqual([0, 130]);
    expect(await endOf(job)).toMatchObject({ ending: 'failed', name: 'TimeoutError', attempts: 2 });
    expect(box.getDispatcher()?.getStatusInfo().abandoned).toBe(2);
    open('latch');
    await reactor.runUntilIdle();
    expect(box.getDispatcher()?.getStatusInfo().abandoned).toBe(0);
    expect(await endOf(job)).toMatchObject({ ending: 'failed' });
  });

  it('whose code returns a value within the grace has succeeded', async () => {
    const { box, queue, deaf, reactor, open } = await setUp(makeStore, { timeout: '1m' });
    await box.start();
    const job = await queue.put(deaf('latch'));
    await reactor.advance('62s');
    expect((await job.refresh()).record.state).toBe('active.timingOut');

    open('latch');
    await reactor.runUntilIdle();

    expect(await endOf(job)).toMatchObject({ ending: 'succeeded', name: 'too late' });
  });

  it('that misses a heartbeat stops; each beat gives it the whole interval again', async () => {
    const { box, queue, work, reactor, reasons } = await setUp(makeStore, { heartbeat: '15s' });
    await box.start();
    const beating = await queue.put(work('1s', 12));
    await reactor.advance('3m');
    const silent = await queue.put(work('16s', 2));
    await reactor.advance('1m');

    expect(await endOf(beating)).toMatchObject({ ending: 'succeeded' });
    expect(await endOf(silent)).toMatchObject({ ending: 'failed', name: 'TimeoutError' });
    expect(silent.record.stop?.cause).toBe('heartbeat');
    expect(String(reasons[0])).toContain('a heartbeat of job');
  });

  it('that waits beyond its deadline expires, whether it waits for an agent or for a retry', async () => {
    const { box, queue, work, note, notes, reactor } = await setUp(makeStore, {
      deadline: '5m',
      maxAttempts: 9,
      timeout: '50s',
    });
    const late = await queue.put(note('late'), { deadline: new Date(box.store.now() - 1) });
    await box.start();
    const retried = await queue.put(work('1h', 0));
    await reactor.advance('1h');

    expect(await endOf(late)).toMatchObject({ ending: 'expired', name: 'TimeoutError', attempts: 0 });
    expect(notes).toEqual([]);
    // Attempts at 0, 110 and 220 s; the wait after the third would end after the deadline.
    expect(await endOf(retried)).toMatchObject({ ending: 'failed', attempts: 3 });
  });

  it('that waits beyond its deadline, or the time in which it has to begin, expires at that instant, not at a poll', async () => {
    const { box, queue, note, reactor } = await setUp(makeStore, {});
    await box.start();
    await queue.pause();
    const jobs = await Promise.all([
      queue.put(note('deadline'), { deadline: '1300ms' }),
      queue.put(note('beginBy'), { beginBy: '1300ms' }),
      queue.put(note('held'), { beginAfter: '1s', beginBy: '300ms' }),
    ]);

    await reactor.advance('1300ms');
    const inTime = await Promise.all(jobs.map(async (job) => (await job.refresh()).status));
    await reactor.advance('1ms');

    expect(inTime).toEqual(['PENDING', 'PENDING', 'PENDING']);
    for (const job of jobs) expect(await endOf(job)).toMatchObject({ ending: 'expired', attempts: 0 });
  });

  it('that runs beyond its deadline stops and expires, and no policy is asked', async () => {
    const { box, queue, work, reactor } = await setUp(makeStore, { deadline: '5m', maxAttempts: 9 });
    await box.start();
    const job = await queue.put(work('1h', 0));

    await reactor.advance('1h');

    expect(await endOf(job)).toMatchObject({ ending: 'expired', name: 'TimeoutError', attempts: 1 });
    expect(job.record.stop?.cause).toBe('deadline');
  });

  it('that waits for another job does not use up its timeout, but its deadline', async () => {
    const { box, queue, outer, hold, open, reactor } = await setUp(makeStore, {
      timeout: '1m',
      deadline: '30m',
    });
    await box.start({ agent: agent({ size: 9 }) });
    const inner = await queue.put(hold('inner'));
    const other = await queue.put(hold('other'));
    const [first, second] = [await queue.put(outer(inner)), await queue.put(outer(other))];

    await reactor.advance('20m');
    open('inner', 'from inside');
    await reactor.advance('20m');

    expect(await endOf(first)).toMatchObject({ ending: 'succeeded', name: 'from inside' });
    expect(await endOf(second)).toMatchObject({ ending: 'expired', name: 'TimeoutError' });
    expect((await other.refresh()).record.state).toBe('active.running');
  });

  it('that waits for a promise uses up its timeout', async () => {
    const { box, queue, promise, reactor } = await setUp(makeStore, { timeout: '1m' });
    await box.start();
    const job = await queue.put(promise());

    await reactor.advance('2m');

    expect(await endOf(job)).toMatchObject({ ending: 'failed', name: 'TimeoutError' });
  });

  it('is cancelled while it times out: the request wins', async () => {
    const { box, queue, deaf, reactor } = await setUp(makeStore, { timeout: '1m', maxAttempts: 9 });
    await box.start();
    const job = await queue.put(deaf('latch'));
    await reactor.advance('62s');

    expect(await job.cancel()).toBe('cancelling');
    await reactor.advance('10m');

    expect(await endOf(job)).toMatchObject({ ending: 'cancelled', attempts: 1 });
  });

  it('whose process is lost while it times out is decided about by its policy, as a failure', async () => {
    const rest = await setUp(makeStore, { timeout: '1m', maxAttempts: 2, grace: '10m' });
    const dispatchers = await startDispatchers(rest, twoUuids);
    const job = await rest.queue.put(rest.deaf('latch'));
    await rest.reactor.advance('62s');
    expect((await job.refresh()).record.state).toBe('active.timingOut');

    await crashHolder(rest, dispatchers, job);
    await rest.reactor.advance('5m');

    expect((await job.refresh()).record).toMatchObject({ attempts: 2, retryData: { failures: 1 } });
    expect(job.record.retryData).not.toHaveProperty('interruptions');
  });

  it('may be a callback, which is then called again or fails, and its parent goes on', async () => {
    const { box, queue, note, work, reactor, calls } = await setUp(makeStore, {
      timeout: '1m',
      maxAttempts: 2,
    });
    await box.start();
    const job = note('parent');
    const callback = await job.addCallback(work.partial('1h', 0) as never);
    await queue.put(job);

    await reactor.advance('1h');

    expect(calls).toHaveLength(2);
    expect(await endOf(callback)).toMatchObject({ ending: 'failed', name: 'TimeoutError' });
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('has the limits of its definition unless it, or its put, says otherwise', async () => {
    const { box, queue, work } = await setUp(makeStore, { timeout: '1m', deadline: '1h' });
    const at = box.store.now();

    const jobs = await queue.putAll([
      work('1s', 0),
      work('1s', 0).with(settings({ timeout: '2m', deadline: null })),
      work('1s', 0).with(settings({ timeout: null, deadline: new Date(at + 5000) })),
    ]);
    const put = await queue.put(work('1s', 0), { timeout: '3m', deadline: '2h', beginAfter: '1h' });

    expect(jobs.map(({ record }) => [record.timeout, record.deadline])).toEqual([
      [60_000, at + 3_600_000],
      [120_000, null],
      [null, at + 5000],
    ]);
    expect([put.record.timeout, put.record.deadline]).toEqual([180_000, at + 3 * 3_600_000]);
  });

  it('a definition with a wrong limit is refused', () => {
    const run = () => 1;
    expect(() => defineJob({ name: 'a', run, timeout: 'soon' })).toThrow('`timeout`');
    expect(() => defineJob({ name: 'a', run, grace: -1 })).toThrow('`grace`');
    expect(() => defineJob({ name: 'a', run, timeout: '1m', heartbeat: '1m' })).toThrow('`heartbeat`');
  });

  it('that is not let wait for a promise is not watched any more', async () => {
    const faults = new Faults();
    faults.refuseNext('job.wait', new Error('no room'));
    const never = defineJob({
      name: 'never',
      timeout: '1m',
      retry: { maxAttempts: 1 },
      run: () => detached(new Promise(() => {})),
    });
    const store = faultyStore(makeStore(), faults);
    const { box, reactor, stop } = await makeBox({ store, jobs: [never], queues: [''] });
    await box.start();
    const job = await box.queue().put(never());
    await reactor.advance('2m');

    expect(await endOf(job)).toMatchObject({ ending: 'failed', name: 'Error' });
    await stop();
    expect(reactor.pending).toBe(0);
  });
});

forEachStore('A job that is put off by its code', (makeStore) => {
  async function setUpSnooze(times: number) {
    let calls = 0;
    const { note, notes } = makeRecordingJobs();
    const later = defineJob({
      name: 'later',
      retry: { maxAttempts: 2, delay: '1m', jitter: 0 },
      run: async () => {
        calls += 1;
        if (calls > times) throw new Error('no');
        await local.getQueue().put(note(`call ${calls}`));
        return local.snooze('10m', 'not ready');
      },
    });
    const nap = defineJob({ name: 'nap', run: (_input: unknown) => local.snooze('20ms') });
    const testBox = await makeBox({ store: makeStore(), jobs: [later, nap, note], queues: [''] });
    return { ...testBox, later, nap, note, notes, queue: testBox.box.queue(), calls: () => calls };
  }

  it('is called again when it said; what it put is committed, and nothing counts as failed', async () => {
    const { box, queue, later, notes, calls, reactor } = await setUpSnooze(3);
    await queue.quotas.create('one', { size: 1 });
    await box.start();
    const job = await queue.put(later(), { quotaNames: ['one'] });
    await reactor.runUntilIdle();

    expect(await endOf(job)).toMatchObject({ status: 'PENDING', attempts: 1 });
    expect(job.record).toMatchObject({
      snoozed: { times: 1, reason: 'not ready' },
      quotas: [],
      retryData: null,
    });
    await reactor.advance('9m');
    expect(calls()).toBe(1);
    await reactor.advance('40m');

    expect(notes).toEqual([['call 1'], ['call 2'], ['call 3']]);
    // Two failures after three snoozes.
    expect(await endOf(job)).toMatchObject({ ending: 'failed', attempts: 5 });
    expect((await job.attempts()).map(({ ending }) => ending)).toEqual([
      ...Array.from({ length: 3 }, () => 'snoozed'),
      'failed',
      'failed',
    ]);
  });

  it('fails when it is put off for ever', async () => {
    const { box, queue, nap, reactor } = await setUpSnooze(0);
    await box.start();
    const job = await queue.put(nap(null));

    await reactor.advance('1m');

    expect(await endOf(job)).toMatchObject({ ending: 'failed', name: 'SignalboxError' });
    expect(job.outcome?.ok === false && job.outcome.failure.code).toBe('TOO_MANY');
    expect(job.record.attempts).toBe(1001);
  });

  it('cannot be a callback', async () => {
    const { box, queue, nap, note, reactor } = await setUpSnooze(1);
    await box.start();
    const job = note('parent');
    const callback = await job.addCallback(nap);
    await queue.put(job);
    await reactor.runUntilIdle();

    expect(await endOf(callback)).toMatchObject({ ending: 'failed' });
    expect(callback.outcome?.ok === false && callback.outcome.failure.code).toBe('INVALID_OPTION');
  });
});

forEachStore('An orderly stop', (makeStore) => {
  it('lets what runs end, asks the rest to stop, and hands it back without a failure', async () => {
    const store = makeStore();
    const run = async () => {
      const { hold, open } = makeControlledJobs();
      const { note, notes } = makeRecordingJobs();
      const sleep = defineJob({ name: 'sleep', run: (duration: string) => local.sleep(duration) });
      const testBox = await makeBox({ store, jobs: [hold, note, sleep], queues: [''] });
      return { ...testBox, hold, open, note, notes, sleep, queue: testBox.box.queue() };
    };
    const first = await run();
    await first.box.start({ agent: agent({ size: 9 }) });
    const [short, long] = await first.queue.putAll([first.sleep('10s'), first.sleep('1h')]);
    await first.reactor.runUntilIdle();

    const stopped = first.box.stop({ grace: '30s', abort: '5s' });
    await first.reactor.advance('40s');
    await stopped;

    const second = await run();
    const ends = [short, long].map((job) => second.box.job(job?.id ?? ''));
    expect(await endOf(ends[0] as Job)).toMatchObject({ ending: 'succeeded' });
    expect(await endOf(ends[1] as Job)).toMatchObject({ status: 'PENDING', attempts: 1 });
    expect(ends[1]?.record).toMatchObject({ retryData: null, line: 'putBack' });
    expect((await ends[1]?.attempts())?.map(({ ending }) => ending)).toEqual(['handedBack']);
  });

  it('makes a callback new again that it stopped: it is called anew, counts no interruption, and those after it wait', async () => {
    const store = makeStore();
    const run = async (duration: string) => {
      const { note, notes } = makeRecordingJobs();
      const sleep = defineJob({ name: 'sleep', run: () => local.sleep(duration) });
      const testBox = await makeBox({ store, jobs: [note, sleep], queues: [''] });
      return { ...testBox, note, notes, sleep };
    };
    const first = await run('1h');
    await first.box.start();
    const job = first.note('job');
    const callback = await job.addCallback(first.sleep);
    const next = await job.addCallback(first.note.partial('next'));
    await first.box.queue().put(job);
    await first.reactor.runUntilIdle();

    const stopped = first.box.stop({ grace: '1s', abort: '5s' });
    await first.reactor.advance('20s');
    await stopped;

    const second = await run('1s');
    const again = [job, callback, next].map(({ id }) => second.box.job(id ?? ''));
    const statuses = [];
    for (const each of again) statuses.push((await each.refresh()).status);
    // A callback that is NEW waits to be called.
    expect(statuses).toEqual(['CALLBACKS', 'PENDING', 'PENDING']);
    expect([again[1]?.record.state, again[2]?.record.state]).toEqual(['new', 'new']);
    expect(again[1]?.record.retryData).toBeNull();
    await second.box.start();
    await second.reactor.advance('1m');
    expect((await again[0]?.refresh())?.status).toBe('COMPLETED');
    expect(await endOf(again[1] as Job)).toMatchObject({ ending: 'succeeded', attempts: 2 });
    expect(await endOf(again[2] as Job)).toMatchObject({ ending: 'succeeded', attempts: 1 });
    expect(again[1]?.record.retryData).toBeNull();
  });

  it('leaves a stopped callback that may not start twice to its policy, and those after it to the next process', async () => {
    const store = makeStore();
    const run = async () => {
      const { note, notes } = makeRecordingJobs();
      const once = defineJob({ name: 'once', retry: NeverRetry, run: () => local.sleep('1h') });
      const testBox = await makeBox({ store, jobs: [note, once], queues: [''] });
      return { ...testBox, note, notes, once };
    };
    const first = await run();
    await first.box.start();
    const job = first.note('job');
    const callback = await job.addCallback(first.once);
    const next = await job.addCallback(first.note.partial('next'));
    await first.box.queue().put(job);
    await first.reactor.runUntilIdle();

    const stopped = first.box.stop({ grace: '1s', abort: '5s' });
    await first.reactor.advance('20s');
    await stopped;
    const before = [...first.notes];
    const second = await run();
    await second.box.start();
    await second.reactor.advance('1m');

    const [root, again, last] = [job, callback, next].map(({ id }) => second.box.job(id ?? ''));
    expect(before).toHaveLength(1);
    expect((await root?.refresh())?.status).toBe('COMPLETED');
    expect(await endOf(again as Job)).toMatchObject({ ending: 'aborted', attempts: 1 });
    expect(await endOf(last as Job)).toMatchObject({ ending: 'succeeded', attempts: 1 });
  });
});
