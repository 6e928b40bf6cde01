import {
  agent,
  type Backoff,
  backoffPolicy,
  commonRetryPolicy,
  defineJob,
  NeverRetry,
  RetryAfterError,
  UnrecoverableError,
} from 'signalbox';
import { SeededRandom } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { crashHolder, startDispatchers, twoUuids } from './dispatchers.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox, type TestBoxOptions } from './stores.ts';

const evenly = { jitter: 0 } as const;

/** A job that throws what the test hands it, one error a call, and then succeeds; with the seconds between its calls. */
async function setUp(makeStore: MakeStore, retry: Backoff, options: Partial<TestBoxOptions> = {}) {
  const errors: unknown[] = [];
  const calls: number[] = [];
  const work = defineJob({
    name: 'work',
    retry,
    run: (): string => {
      calls.push(testBox.reactor.now());
      const error = errors.shift();
      if (error !== undefined) throw error;
      return 'worked';
    },
  });
  const { give, note, notes } = makeRecordingJobs();
  const testBox = await makeBox({ store: makeStore(), jobs: [work, give, note], queues: [''], ...options });
  const gaps = () => calls.slice(1).map((at, index) => (at - (calls[index] ?? 0)) / 1000);
  const failing = (count: number) => errors.push(...Array.from({ length: count }, () => new Error('no')));
  const queue = testBox.box.queue();
  return { ...testBox, work, give, note, notes, errors, failing, calls, gaps, queue };
}

forEachStore('Backoff', (makeStore) => {
  it('a job with a backoff is called again after 1, 2, 4 … s, at most maxAttempts times, and no more', async () => {
    const { box, work, failing, gaps, queue, reactor } = await setUp(makeStore, {
      maxAttempts: 5,
      ...evenly,
    });
    await box.start();
    failing(9);

    const job = await queue.put(work());
    await reactor.advance('1h');

    expect(gaps()).toEqual([1, 2, 4, 8]);
    expect((await job.refresh()).outcome).toMatchObject({ ok: false, failure: { message: 'no' } });
    expect(job.record.retryData).toMatchObject({ policy: 'work.retry', failures: 5 });
  });

  it('while a job waits for its next attempt its slot and its quotas are free', async () => {
    const { box, work, note, notes, failing, queue, reactor } = await setUp(makeStore, { delay: '1m' });
    await queue.quotas.create('one', { size: 1 });
    await box.start({ agent: agent({ size: 1 }) });
    failing(1);

    const job = await queue.put(work(), { quotaNames: ['one'] });
    await reactor.runUntilIdle();
    await queue.put(note('meanwhile'), { quotaNames: ['one'] });
    await reactor.runUntilIdle();

    expect((await job.refresh()).status).toBe('PENDING');
    expect(notes).toEqual([['meanwhile']]);
  });

  it('an interruption is counted apart from the failures', async () => {
    const { started, opened } = makeControlledJobs();
    let calls = 0;
    const flaky = defineJob({
      name: 'flaky',
      retry: { maxAttempts: 3, delay: '10s', ...evenly },
      run: async () => {
        calls += 1;
        if (calls === 2) await opened('never');
        throw new Error(`call ${calls}`);
      },
    });
    const testBox = await makeBox({ store: makeStore(), jobs: [flaky], queues: [''] });
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const job = await testBox.box.queue().put(flaky());
    await testBox.reactor.advance('11s');
    expect([started, (await job.refresh()).status]).toEqual([[], 'ACTIVE']);

    await crashHolder(testBox, dispatchers, job);
    await testBox.reactor.advance('10m');

    expect(calls).toBe(4);
    expect((await job.refresh()).record.retryData).toMatchObject({ failures: 3, interruptions: 1 });
  });

  it('a backoff may be given for one job: with it, to put, or later; every process knows it by its name', async () => {
    const store = makeStore();
    const first = await setUp(() => store, { maxAttempts: 1 });
    const given = { maxAttempts: 3, backoff: 'linear', delay: '10s', ...evenly } as const;
    const jobs = [
      await first.queue.put(first.work().with({ retryPolicy: given })),
      await first.queue.put(first.work(), { retryPolicy: given }),
      await first.queue.put(first.work()),
    ];
    await jobs[2]?.setRetryPolicy(given);
    const names = await Promise.all(jobs.map(async (job) => (await job.refresh()).retryPolicy));
    await first.stop();

    const second = await setUp(() => store, { maxAttempts: 1 });
    second.failing(9);
    await second.box.start({ agent: agent({ size: 1 }) });
    await second.reactor.advance('1h');

    expect(new Set(names).size).toBe(1);
    expect(second.calls).toHaveLength(9);
    for (const job of jobs)
      expect((await second.box.job(job.id ?? '').refresh()).record).toMatchObject({ attempts: 3 });
  });

  it('jitter comes from the randomness of the box: the same seed gives the same delays', async () => {
    const delays: number[][] = [];
    for (const seed of [7, 7, 8]) {
      const random = new SeededRandom(seed);
      const testBox = await setUp(makeStore, { maxAttempts: 9, backoff: 'fixed', delay: '100s' }, { random });
      await testBox.box.start();
      testBox.failing(8);
      await testBox.queue.put(testBox.work());
      await testBox.reactor.advance('1h');
      delays.push(testBox.gaps());
      await testBox.stop();
    }

    expect(delays[1]).toEqual(delays[0]);
    expect(delays[2]).not.toEqual(delays[0]);
    expect(delays[0]).toHaveLength(8);
    for (const delay of delays.flat()) expect(Math.abs(delay - 100)).toBeLessThanOrEqual(20);
  });

  it('only failures for which retryIf says so are worth another attempt', async () => {
    const { box, work, errors, calls, queue, reactor } = await setUp(makeStore, {
      retryIf: (failure) => failure.name !== 'TypeError',
    });
    await box.start();
    errors.push(new Error('try again'), new TypeError('a bug'));

    const job = await queue.put(work());
    await reactor.advance('1h');

    expect(calls).toHaveLength(2);
    expect((await job.refresh()).outcome).toMatchObject({ failure: { name: 'TypeError' } });
  });

  it('a callback, which cannot be put back, waits in its place', async () => {
    const { box, give, work, failing, gaps, queue, reactor, logged } = await setUp(makeStore, evenly);
    await box.start();
    failing(2);
    const parent = give(1);
    const callback = await parent.addCallback(work.partial());

    await queue.put(parent);
    await reactor.advance('1m');

    expect(gaps()).toEqual([1, 2]);
    expect(await callback.result()).toBe('worked');
    expect(logged('CRITICAL')).toEqual([]);
  });

  it('RetryAfterError waits for the longer of what it says and the delay, and counts as an attempt', async () => {
    const testBox = await setUp(makeStore, { maxAttempts: 5, backoff: 'fixed', delay: '30s', ...evenly });
    const { box, work, errors, gaps, queue, reactor } = testBox;
    await box.start();
    errors.push(
      new RetryAfterError('90s'),
      new RetryAfterError('1s'),
      new RetryAfterError(new Date(reactor.now() + 300_000)),
      new RetryAfterError(new Date(0)),
      new RetryAfterError('5s', { cause: new Error('429') }),
    );

    const job = await queue.put(work());
    await reactor.advance('1h');

    expect(gaps()).toEqual([90, 30, 180, 30]);
    expect((await job.refresh()).outcome).toMatchObject({
      ok: false,
      failure: { name: 'RetryAfterError', data: { cause: { message: '429' } } },
    });
  });

  it('the common policies honour RetryAfterError 25 times a job; NeverRetry does not', async () => {
    const { box, work, errors, gaps, calls, queue, reactor } = await setUp(makeStore, {});
    await box.start();
    errors.push(...Array.from({ length: 40 }, () => new RetryAfterError('7s')));

    const polite = await queue.put(work(), { retryPolicy: 'RetryCommonFourTimes' });
    await reactor.advance('1h');
    const politeCalls = calls.length;
    const never = await queue.put(work(), { retryPolicy: NeverRetry });
    await reactor.advance('1h');

    expect(gaps().slice(0, 25)).toEqual(Array.from({ length: 25 }, () => 7));
    expect(politeCalls).toBe(26);
    expect(calls).toHaveLength(27);
    for (const job of [polite, never])
      expect((await job.refresh()).outcome).toMatchObject({ failure: { name: 'RetryAfterError' } });
  });

  it('an UnrecoverableError fails the job at once, and no policy is asked', async () => {
    class CardStolen extends UnrecoverableError {
      override readonly name = 'CardStolen';
    }
    const { box, work, errors, calls, queue, reactor } = await setUp(makeStore, { maxAttempts: 9 });
    await box.start();
    const asked: string[] = [];
    const eager = {
      ...NeverRetry,
      name: 'eager',
      startsOnce: false,
      jobError: () => asked.push('jobError') > 0,
    };

    for (const error of [new UnrecoverableError('gone'), new CardStolen('stolen')])
      for (const settings of [{}, { retryPolicy: eager }]) {
        errors.push(error);
        const job = await queue.put(work(), settings);
        await reactor.advance('1h');
        expect((await job.refresh()).outcome).toMatchObject({ failure: { message: error.message } });
      }

    expect(calls).toHaveLength(4);
    expect(asked).toEqual([]);
  });

  it('a failed commit is answered as by the common policies', async () => {
    const figures = { name: 'either', maxConflicts: 4, maxInterruptions: 9, retriesOtherCommitErrors: false };
    const policies = [backoffPolicy({ name: 'either', ...evenly }), commonRetryPolicy(figures)];
    const { box, queue, reactor, logged } = await setUp(makeStore, {});
    await box.start();
    const unstorable = defineJob({ name: 'unstorable', run: (): unknown => () => 'no JSON' });
    box.define(unstorable);

    for (const retryPolicy of policies) {
      const job = await queue.put(unstorable(), { retryPolicy });
      await reactor.advance('1h');
      expect((await job.refresh()).outcome).toMatchObject({ failure: { code: 'ARGS_NOT_JSON' } });
      expect(job.record.attempts).toBe(1);
    }
    expect(logged('ERROR').filter((message) => message.includes('ARGS_NOT_JSON'))).toHaveLength(2);
  });

  it.each([
    [{ maxAttempts: 0 }, 'maxAttempts'],
    [{ maxAttempts: 1.5 }, 'maxAttempts'],
    [{ backoff: 'cubic' }, 'backoff'],
    [{ delay: 'soon' }, 'delay'],
    [{ maxDelay: '4000d' }, 'maxDelay'],
    [{ factor: 0.5 }, 'factor'],
    [{ jitter: 2 }, 'jitter'],
    [{ retryIf: true }, 'retryIf'],
    [{ maxInterruptions: -1 }, 'maxInterruptions'],
    [{ tries: 3 }, 'tries'],
  ])('a backoff of %o is refused where it is given', async (figures, option) => {
    const { work, queue } = await setUp(makeStore, {});
    const retry = figures as Backoff;

    expect(() => defineJob({ name: 'x', run: () => 1, retry })).toThrow(`Expected \`${option}\` to be`);
    expect(() => work().with({ retryPolicy: retry })).toThrow(`Expected \`${option}\` to be`);
    await expect(queue.put(work(), { retryPolicy: retry })).rejects.toThrow(`Expected \`${option}\` to be`);
  });

  it('a backoff for one job may not have retryIf, which no store can keep', async () => {
    const { work, queue } = await setUp(makeStore, {});

    const put = queue.put(work(), { retryPolicy: { retryIf: () => true } });

    await expect(put).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('pass backoffPolicy({ name, retryIf, … })'),
    });
  });
});
