import {
  commonRetryPolicy,
  defineJob,
  type Failure,
  type Job,
  type JobRecord,
  type Json,
  kindOfFailure,
  NeverRetry,
  type RetryAnswer,
  type RetryCache,
  RetryCommonForever,
  RetryCommonFourTimes,
  type RetryPolicy,
  type RetryTools,
} from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { crashHolder, startDispatchers, twoUuids } from './dispatchers.ts';
import { conflict, Faults, faultyStore, has, lostConnection } from './faulty-store.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** What a policy is given, for one that is asked by hand. */
const tools: RetryTools = {
  attempt: 1,
  data: {},
  job: {} as JobRecord,
  now: () => 0,
  random: () => 0,
  wait: async () => {},
  trace: () => {},
  events: () => {},
};

/** A job that throws what the test hands it, one error a call, and then succeeds. */
async function setUp(makeStore: MakeStore, retryPolicies: { readonly [name: string]: RetryPolicy } = {}) {
  const errors: unknown[] = [];
  const calls: number[] = [];
  const faults = new Faults();
  const { note, give, notes } = makeRecordingJobs();
  const work = defineJob({
    name: 'work',
    run: (): string => {
      calls.push(testBox.reactor.now());
      const error = errors.shift();
      if (error !== undefined) throw error;
      return 'worked';
    },
  });
  const jobs = [work, note, give];
  const testBox = await makeBox({
    store: faultyStore(makeStore(), faults),
    jobs,
    queues: [''],
    retryPolicies,
  });
  await testBox.box.start();
  const gaps = () => calls.slice(1).map((at, index) => (at - (calls[index] ?? 0)) / 1000);
  return { ...testBox, work, note, give, notes, errors, calls, gaps, faults, queue: testBox.box.queue() };
}

/** A policy that records its questions, and returns the given answers. */
function asked(
  name: string,
  answers: Partial<RetryPolicy> = {},
): RetryPolicy & { readonly questions: string[] } {
  const questions: string[] = [];
  const say = (question: string, failure: Failure) => {
    questions.push(`${question}: ${failure.message}`);
    return false;
  };
  return {
    ...NeverRetry,
    name,
    startsOnce: false,
    questions,
    jobError: (failure) => say('jobError', failure),
    commitError: (failure) => say('commitError', failure),
    ...answers,
  };
}

forEachStore('Retry policies', (makeStore) => {
  /** One attempt that ends as the test says, under a policy that gives one answer to every question; then half an hour. */
  async function attemptThatEnds(how: 'jobError' | 'commitError' | 'interrupted', answer: RetryAnswer) {
    const faults = new Faults();
    const questions: string[] = [];
    const calls: number[] = [];
    let askedAt = 0;
    const ask = (question: string, failure?: Failure, cache?: RetryCache): RetryAnswer => {
      questions.push(question);
      if (failure !== undefined) cache?.set(question, failure.message);
      askedAt = testBox.reactor.now();
      return answer;
    };
    const policy: RetryPolicy = {
      name: 'asked',
      jobError: (failure, cache) => ask('jobError', failure, cache),
      commitError: (failure, cache) => ask('commitError', failure, cache),
      interrupted: (data) => ({ answer: ask('interrupted'), data: { ...data, interrupted: 'noted' } }),
      updateData: (data, cache) => ({ ...data, ...Object.fromEntries(cache), updated: true }),
    };
    const work = defineJob({
      name: 'work',
      run: async (): Promise<string> => {
        calls.push(testBox.reactor.now());
        if (calls.length > 1) return 'worked';
        if (how === 'jobError') throw new Error('from the job');
        if (how === 'interrupted') await new Promise(() => {});
        return 'not committed';
      },
    });
    const testBox = await makeBox({ store: faultyStore(makeStore(), faults), jobs: [work], queues: [''] });
    const dispatchers = await startDispatchers(testBox, twoUuids);
    if (how === 'commitError') faults.refuseNext('job.finish', new Error('from the commit'));
    const job = await testBox.box.queue().put(work().with({ retryPolicy: policy }));
    await testBox.reactor.runUntilIdle();
    if (how === 'interrupted') await crashHolder(testBox, dispatchers, job);
    await testBox.reactor.advance('30m');
    await job.refresh();
    return { job, questions, calls, askedAt, stop: testBox.stop };
  }

  it.each([
    ['jobError', 'an error of its code', 'failed', { jobError: 'from the job', updated: true }],
    ['commitError', 'an error of its commit', 'failed', { commitError: 'from the commit', updated: true }],
    ['interrupted', 'an interruption', 'aborted', { interrupted: 'noted' }],
  ] as const)(
    '[J-104] %s of a policy is asked about %s; a boolean, a Date or a delay decides, and data is kept',
    async (how, _what, ending, kept) => {
      const date = new Date('2030-01-01T00:20:00Z');
      const delays: readonly (readonly [RetryAnswer, (askedAt: number) => number])[] = [
        [true, (askedAt) => askedAt],
        [{ after: '10m' }, (askedAt) => askedAt + 600_000],
        [date, () => Number(date)],
      ];
      for (const [answer, secondCallAt] of delays) {
        const { job, questions, calls, askedAt, stop } = await attemptThatEnds(how, answer);
        expect(questions).toEqual([how]);
        expect(calls.slice(1)).toEqual([secondCallAt(askedAt)]);
        expect(await job.result()).toBe('worked');
        expect(job.record.retryData).toMatchObject(kept);
        await stop();
      }

      const { job, questions, calls } = await attemptThatEnds(how, false);

      expect([questions, calls.length, job.ending]).toEqual([[how], 1, ending]);
      expect(job.record.retryData).toMatchObject(kept);
    },
  );

  it('[J-105] the cache is empty at each call, shared by both questions, and stored with the outcome', async () => {
    const { work, errors, faults, queue, reactor } = await setUp(makeStore);
    const sizes: number[] = [];
    const counting = (cache: Map<string, Json>) => {
      sizes.push(Number(cache.get('count') ?? 0));
      cache.set('count', Number(cache.get('count') ?? 0) + 1);
      return true;
    };
    const policy = asked('counting', {
      jobError: (_failure, cache) => counting(cache),
      commitError: (_failure, cache) => counting(cache),
      updateData: (data, cache) => ({ ...data, ...Object.fromEntries(cache) }),
    });
    errors.push(new Error('one'), new Error('two'));
    faults.refuseNext('job.finish', new Error('three'));

    const job = await queue.put(work().with({ retryPolicy: policy }));
    await reactor.runUntilIdle();
    errors.push(new Error('another call'));
    await queue.put(work().with({ retryPolicy: policy }));
    await reactor.runUntilIdle();

    expect(sizes).toEqual([0, 1, 2, 0]);
    expect((await job.refresh()).record.retryData).toMatchObject({ count: 3 });
  });

  it('[J-106] a job is judged by its own policy, object or name, then the registered default, then FourTimes', async () => {
    const named = asked('named');
    const own = asked('own');
    const standard = asked('standard');
    const registered = await setUp(makeStore, { named, '': standard });
    for (const retryPolicy of ['named', own, null]) {
      registered.errors.push(new Error(`${retryPolicy === null ? 'default' : 'own'}`));
      await registered.queue.put(registered.work().with({ retryPolicy }));
      await registered.reactor.runUntilIdle();
    }
    await registered.stop();
    const builtIn = await setUp(makeStore);
    builtIn.errors.push(...Array.from({ length: 9 }, conflict));
    await builtIn.queue.put(builtIn.work());
    await builtIn.reactor.runUntilIdle();

    expect([named, own, standard].map(({ questions }) => questions)).toEqual([
      ['jobError: own'],
      ['jobError: own'],
      ['jobError: default'],
    ]);
    expect(builtIn.calls).toHaveLength(5);
  });

  it('[J-107] a callback is judged by the policy registered under callback, else retried without limit', async () => {
    const ofCallbacks = asked('ofCallbacks');
    const registered = await setUp(makeStore, { callback: ofCallbacks });
    registered.errors.push(new Error('in a callback'));
    const parent = registered.give(1);
    await parent.addCallback(registered.work.partial());
    await registered.queue.put(parent);
    await registered.reactor.runUntilIdle();
    await registered.stop();
    const builtIn = await setUp(makeStore);
    builtIn.errors.push(...Array.from({ length: 20 }, conflict));
    const other = builtIn.give(1);
    const callback = await other.addCallback(builtIn.work.partial());
    await builtIn.queue.put(other);
    await builtIn.reactor.runUntilIdle();

    expect(ofCallbacks.questions).toEqual(['jobError: in a callback']);
    expect(builtIn.calls).toHaveLength(21);
    expect(await callback.result()).toBe('worked');
  });

  it('[J-108] the policy that a job used first stays its policy, though another is set or registered later', async () => {
    const first = asked('first', { jobError: () => ({ after: '1m' }) });
    const other = asked('other');
    const { work, errors, calls, queue, reactor, box } = await setUp(makeStore);
    errors.push(new Error('one'), new Error('two'));
    const job = await queue.put(work().with({ retryPolicy: first }));
    await reactor.runUntilIdle();

    await job.setRetryPolicy(other);
    box.definePolicy(other, '');
    await reactor.advance('2m');

    expect(other.questions).toEqual([]);
    expect(calls).toHaveLength(3);
    expect(await job.result()).toBe('worked');
  });

  it('[J-108] a policy and a log level that are set while the job runs count when it fails', async () => {
    const { box, queue, logged } = await setUp(makeStore);
    const { opened, open } = makeControlledJobs();
    let calls = 0;
    const slow = defineJob({
      name: 'slow',
      run: async () => {
        calls += 1;
        await opened('gate');
        throw new Error('late');
      },
    });
    box.define(slow);
    const other = asked('other', { jobError: () => calls < 2 });
    const job = await queue.put(slow());
    await job.waitFor('ACTIVE');

    await job.setRetryPolicy(other);
    await job.setFailureLogLevel('CRITICAL');
    open('gate');
    await job.waitFor('COMPLETED');

    expect([calls, job.ending]).toEqual([2, 'failed']);
    expect(logged('CRITICAL')).toEqual([expect.stringContaining('Error: late')]);
    expect(logged('ERROR')).toEqual([]);
  });

  it('[J-109] an unknown policy is waited for, with CRITICAL entries: the job neither fails nor continues', async () => {
    const { work, errors, calls, queue, reactor, box, entries } = await setUp(makeStore);
    errors.push(new Error('once'));
    const job = await queue.put(work().with({ retryPolicy: 'unheard-of' }));
    await reactor.advance('3m');
    const before = [(await job.refresh()).status, calls.length];
    const critical = entries.filter(
      ({ level, message }) => level === 'CRITICAL' && message.includes('unheard-of'),
    );

    box.definePolicy({ ...NeverRetry, name: 'unheard-of', jobError: () => true });
    await reactor.advance('2m');

    expect(before).toEqual(['ACTIVE', 1]);
    expect(critical.length).toBeGreaterThan(0);
    expect(await job.result()).toBe('worked');
  });

  it('[J-110] a policy without the asked method counts as: do not retry, with an ERROR', async () => {
    const { work, errors, calls, queue, reactor, logged } = await setUp(makeStore);
    const partial = { name: 'partial', commitError: () => true } as unknown as RetryPolicy;
    errors.push(new Error('broken'));

    const job = await queue.put(work().with({ retryPolicy: partial }));
    await reactor.runUntilIdle();

    expect((await job.refresh()).outcome?.ok).toBe(false);
    expect(calls).toHaveLength(1);
    expect(logged('ERROR').filter((message) => message.includes('has no jobError'))).toHaveLength(1);
  });

  it('[J-110] an interrupted job whose policy has no answer to that is aborted', async () => {
    const { hold } = makeControlledJobs();
    const partial = { name: 'partial', jobError: () => true } as unknown as RetryPolicy;
    const testBox = await makeBox({ store: makeStore(), jobs: [hold], queues: [''] });
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const job = await testBox.box.queue().put(hold('a').with({ retryPolicy: partial }));
    await testBox.reactor.runUntilIdle();

    await crashHolder(testBox, dispatchers, job);

    expect((await job.refresh()).ending).toBe('aborted');
    expect(testBox.logged('ERROR').some((message) => message.includes('has no interrupted'))).toBe(true);
  });

  it('[J-111] a job whose deadline has passed is not retried; one that is still in time is', async () => {
    const { work, errors, calls, queue, reactor } = await setUp(makeStore);
    errors.push(lostConnection(), lostConnection(), lostConnection());

    const late = await queue.put(work(), { beginBy: '7s' });
    await reactor.advance('1m');
    const lateCalls = calls.length;
    errors.length = 0;
    errors.push(conflict());
    const inTime = await queue.put(work(), { beginBy: '1h' });
    await reactor.runUntilIdle();

    // The first wait of 5 s ends within 7 s, the second one of 10 s after it.
    expect(lateCalls).toBe(3);
    expect((await late.refresh()).outcome?.ok).toBe(false);
    expect(calls.length - lateCalls).toBe(2);
    expect(await inTime.result()).toBe('worked');
  });

  it('[J-111] an interrupted job whose deadline has passed is aborted', async () => {
    const { hold } = makeControlledJobs();
    const testBox = await makeBox({ store: makeStore(), jobs: [hold], queues: [''] });
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const job = await testBox.box.queue().put(hold('a'), { beginBy: '10s' });
    await testBox.reactor.runUntilIdle();

    await crashHolder(testBox, dispatchers, job);

    expect((await job.refresh()).ending).toBe('aborted');
  });

  it('[J-112] the default policy retries four conflicts, counted together over job and commit', async () => {
    const { work, errors, calls, faults, queue, reactor } = await setUp(makeStore);
    errors.push(conflict(), conflict(), conflict(), conflict());
    const lucky = await queue.put(work());
    await reactor.runUntilIdle();
    const luckyCalls = calls.length;
    errors.push(conflict(), conflict(), conflict(), conflict());
    let refusals = 0;
    faults.refuse = (commit) => {
      const isResult = commit.changes.some(({ patch }) => JSON.stringify(patch ?? {}).includes('"worked"'));
      if (isResult && has(commit, 'job.finish')) refusals += 1;
      return isResult && has(commit, 'job.finish') ? conflict() : null;
    };
    const unlucky = await queue.put(work());
    await reactor.runUntilIdle();

    expect(luckyCalls).toBe(5);
    expect(await lucky.result()).toBe('worked');
    expect(calls.length - luckyCalls).toBe(5);
    expect(refusals).toBeGreaterThan(0);
    expect((await unlucky.refresh()).outcome).toMatchObject({
      ok: false,
      failure: { name: 'ConflictError' },
    });
  });

  it('[J-113] conflicts are counted anew when a job is called again', async () => {
    const { work, errors, calls, queue, reactor } = await setUp(makeStore);
    const patient: RetryPolicy = {
      ...RetryCommonFourTimes,
      name: 'patient',
      jobError: async (failure, cache, tools) =>
        failure.message === 'later' ? { after: '1m' } : RetryCommonFourTimes.jobError(failure, cache, tools),
    };
    const four = () => Array.from({ length: 4 }, conflict);
    errors.push(...four(), new Error('later'), ...four());

    const job = await queue.put(work().with({ retryPolicy: patient }));
    await reactor.advance('2m');

    expect(calls).toHaveLength(10);
    expect(await job.result()).toBe('worked');
  });

  it('[J-114] lost connections are waited for: 5, 10 … 60 s, also from the job into its commit, in its slot', async () => {
    const { work, errors, gaps, faults, queue, reactor, box } = await setUp(makeStore);
    // No policy is asked about a commit that a store lost with its connection: this error is one that only the policy takes for that.
    const retryPolicy = commonRetryPolicy({
      name: 'knowsItsStore',
      maxConflicts: 4,
      maxInterruptions: 9,
      retriesOtherCommitErrors: false,
      kindOf: (failure) => (failure.message === 'no leader' ? 'disconnect' : kindOfFailure(failure)),
    });
    errors.push(...Array.from({ length: 8 }, lostConnection));
    const away = (): Error => new Error('no leader');
    faults.refuseNext('job.finish', away(), away(), away(), away(), away(), away());

    const job = await queue.put(work().with({ retryPolicy }));
    await reactor.advance('1m');
    const held = (await job.place()).agent;
    await reactor.advance('15m');

    expect(gaps()).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 60, 60]);
    expect(held).toBe('main');
    expect(await box.job(job.id ?? '').result()).toBe('worked');
  });

  it('[J-115] the tenth interruption aborts a job; a policy may put the limit elsewhere or lift it', async () => {
    const answersOf = (policy: RetryPolicy) => {
      let data = {};
      return Array.from({ length: 12 }, () => {
        const told = policy.interrupted(data, tools);
        data = told.data;
        return told.answer;
      });
    };
    const times = (max: number | null) =>
      commonRetryPolicy({
        name: 'x',
        maxConflicts: 1,
        maxInterruptions: max,
        retriesOtherCommitErrors: false,
      });
    const { hold } = makeControlledJobs();
    const testBox = await makeBox({ store: makeStore(), jobs: [hold], queues: [''] });
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const job = await testBox.box.queue().put(hold('a'));
    await testBox.reactor.runUntilIdle();

    await crashHolder(testBox, dispatchers, job);

    expect((await job.refresh()).record.retryData).toMatchObject({ interruptions: 1 });
    expect(answersOf(RetryCommonFourTimes).indexOf(false)).toBe(9);
    expect(answersOf(times(2)).indexOf(false)).toBe(2);
    expect(answersOf(times(null))).not.toContain(false);
  });

  it('[J-116] neither common policy retries any other error of the job', async () => {
    const { work, errors, calls, queue, reactor } = await setUp(makeStore);
    for (const retryPolicy of [RetryCommonFourTimes, RetryCommonForever]) {
      errors.push(new TypeError('a bug'));
      const job = await queue.put(work().with({ retryPolicy }));
      await reactor.runUntilIdle();
      expect((await job.refresh()).outcome).toMatchObject({ ok: false, failure: { name: 'TypeError' } });
    }
    expect(calls).toHaveLength(2);
  });

  it('[J-117] the policy of callbacks retries every commit error: after 0, 1, 2 … 60 s, counted with the last one', async () => {
    const { work, gaps, faults, queue, reactor } = await setUp(makeStore);
    const errors = Array.from({ length: 64 }, (_, index) => new Error(`refused ${index + 1}`));
    faults.refuseNext('job.finish', ...errors);

    const job = await queue.put(work().with({ retryPolicy: RetryCommonForever }));
    await reactor.advance('1h');

    expect(gaps()).toEqual([...Array.from({ length: 61 }, (_, index) => index), 60, 60, 60]);
    expect((await job.refresh()).record.retryData).toMatchObject({
      other: 64,
      last_other: { message: 'refused 64' },
    });
    expect(await job.result()).toBe('worked');
  });

  it('[J-118] a job records what was retried, the last failure of each kind, and its very first start', async () => {
    const { work, errors, queue, reactor } = await setUp(makeStore);
    const start = reactor.now();
    const patient: RetryPolicy = {
      ...RetryCommonFourTimes,
      name: 'patient',
      jobError: async (failure, cache, tools) =>
        failure.message === 'later' ? { after: '1m' } : RetryCommonFourTimes.jobError(failure, cache, tools),
    };
    errors.push(conflict(), lostConnection(), new Error('later'), conflict(), conflict());

    const job = await queue.put(work().with({ retryPolicy: patient }));
    await reactor.advance('5m');

    expect((await job.refresh()).record.retryData).toMatchObject({
      transaction_error: 2,
      last_transaction_error: { name: 'ConflictError' },
      disconnected: 1,
      last_disconnected: { code: 'ECONNRESET' },
      first_active: start,
    });
    expect(Number(job.activeStart)).toBeGreaterThan(start);
  });

  it('[J-119] retries are logged the first time, every fifth time and when given up', async () => {
    const { work, errors, faults, queue, reactor, entries } = await setUp(makeStore);
    const said = (job: Job<unknown>) =>
      entries
        .filter((entry) => entry.job === job.id && /: (retry|retries|commit error) .*\d/.test(entry.message))
        .map(({ level, stream, message }) => `${level} ${stream} ${/ (\d+)( |:)/.exec(message)?.[1]}`);
    errors.push(...Array.from({ length: 6 }, conflict));
    const conflicting = await queue.put(work());
    await reactor.runUntilIdle();
    errors.length = 0;
    errors.push(...Array.from({ length: 6 }, lostConnection));
    const away = await queue.put(work());
    await reactor.advance('5m');
    faults.refuseNext('job.finish', ...Array.from({ length: 6 }, () => new Error('refused')));
    const refused = await queue.put(work().with({ retryPolicy: RetryCommonForever }));
    await reactor.advance('5m');

    const warned = 'WARNING signalbox.trace';
    expect(said(conflicting)).toEqual([`${warned} 1`, `${warned} 5`]);
    expect(said(away)).toEqual([`${warned} 1`, `${warned} 5`]);
    expect(said(refused)).toEqual(['CRITICAL signalbox.events 1', 'CRITICAL signalbox.events 5']);
    const lines: string[] = [];
    const trace = (level: string, text: string) => void lines.push(`${level} ${text}`);
    for (let interruptions = 0; interruptions < 10; interruptions += 1)
      RetryCommonFourTimes.interrupted({ interruptions }, { ...tools, trace });
    expect(lines.map((line) => `${line.split(' ')[0]} ${/\d+/.exec(line)?.[0]}`)).toEqual([
      'DEBUG 1',
      'DEBUG 5',
      'DEBUG 10',
    ]);
  });

  it('[J-120] the figures of the common policies can be chosen, and what counts as which kind of error', async () => {
    const { work, errors, gaps, calls, faults, queue, reactor, logged } = await setUp(makeStore);
    const hasty = commonRetryPolicy({
      name: 'hasty',
      maxConflicts: 1,
      maxInterruptions: 2,
      retriesOtherCommitErrors: true,
      logEvery: 2,
      kindOf: (failure) => (failure.name === 'RangeError' ? 'disconnect' : kindOfFailure(failure)),
      disconnectWaits: { first: 1000, step: 1000, max: 2000 },
      otherCommitWaits: { first: 3000, step: 0, max: 3000 },
    });
    errors.push(new RangeError('a'), new RangeError('b'), new RangeError('c'));
    faults.refuseNext('job.finish', new Error('refused'));

    const job = await queue.put(work().with({ retryPolicy: hasty }));
    await reactor.advance('1m');
    const firstGaps = gaps();
    const warnings = logged('WARNING').filter((message) => message.includes('requested')).length;
    errors.push(conflict(), conflict());
    const conflicting = await queue.put(work().with({ retryPolicy: hasty }));
    await reactor.runUntilIdle();

    expect(firstGaps).toEqual([1, 2, 2, 3]);
    expect(warnings).toBe(2);
    expect(await job.result()).toBe('worked');
    expect(calls).toHaveLength(7);
    expect((await conflicting.refresh()).outcome?.ok).toBe(false);
  });

  it('[J-121] a policy registered as default at run time judges all jobs and callbacks without one of their own', async () => {
    const { work, give, errors, queue, reactor, box } = await setUp(makeStore);
    const [jobs, callbacks] = [asked('jobs'), asked('callbacks')];
    box.definePolicy(jobs, '');
    box.definePolicy(callbacks, 'callback');
    errors.push(new Error('a'), new Error('b'));

    await queue.put(work());
    await reactor.runUntilIdle();
    const parent = give(1);
    await parent.addCallback(work.partial());
    await queue.put(parent);
    await reactor.runUntilIdle();

    expect(jobs.questions).toEqual(['jobError: a']);
    expect(callbacks.questions).toEqual(['jobError: b']);
  });

  it('[J-122] a policy is set on the job, or given to put, addCallback or addCallbacks', async () => {
    const { work, give, errors, queue, reactor } = await setUp(makeStore);
    const [onJob, onPut] = [asked('onJob'), asked('onPut')];
    const [onCallback, onCallbacks] = [asked('onCallback'), asked('onCallbacks')];
    const policies = [onJob, onPut, onCallback, onCallbacks];
    errors.push(...policies.map(({ name }) => new Error(`for ${name}`)));
    const job = work();
    job.retryPolicy = onJob;

    await queue.put(job);
    await reactor.runUntilIdle();
    await queue.put(work(), { retryPolicy: onPut });
    await reactor.runUntilIdle();
    const parent = give(1);
    await parent.addCallback(work.partial(), { retryPolicy: onCallback });
    await parent.addCallbacks({ success: work.partial() }, { retryPolicy: onCallbacks });
    await queue.put(parent);
    await reactor.runUntilIdle();

    expect(policies.map(({ questions }) => questions)).toEqual(
      policies.map(({ name }) => [`jobError: for ${name}`]),
    );
  });

  it('[J-123] once CALLBACKS is stored the code is never called again', async () => {
    const { hold, open, started } = makeControlledJobs();
    const testBox = await makeBox({ store: makeStore(), jobs: [hold], queues: [''] });
    const dispatchers = await startDispatchers(testBox, twoUuids);
    const parent = hold('parent').with({ retryPolicy: RetryCommonForever });
    await parent.addCallback(hold.partial('callback'));
    await testBox.box.queue().put(parent);
    await testBox.reactor.runUntilIdle();
    open('parent');
    await testBox.reactor.runUntilIdle();

    await crashHolder(testBox, dispatchers, parent);
    open('callback');
    await testBox.reactor.runUntilIdle();

    expect(started).toEqual(['parent', 'callback', 'callback']);
    expect((await parent.refresh()).status).toBe('COMPLETED');
  });
});
