import {
  agent,
  Detached,
  defineJob,
  Failure,
  type Job,
  local,
  NeverRetry,
  type RetryPolicy,
} from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from './barrier.ts';
import { conflict, disconnect, Faults, faultyStore, has, interceptedStore } from './faulty-store.ts';
import { forEachStore, makeBox, type TestBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });
const note = defineJob({ name: 'note', run: (input: unknown) => `got ${String(input)}` });

/** A policy that returns the given answers in turn, then never retries, and adds each question to a list. */
function answering(asked: string[], ...answers: readonly ReturnType<RetryPolicy['jobError']>[]): RetryPolicy {
  const left = [...answers];
  return {
    ...NeverRetry,
    name: 'answering',
    startsOnce: false,
    jobError: (failure) => {
      asked.push(`jobError ${failure.message}`);
      return left.shift() ?? false;
    },
    commitError: (failure) => {
      asked.push(`commitError ${failure.message}`);
      return left.shift() ?? false;
    },
  };
}

forEachStore('Running a job', (makeStore) => {
  const open = async (
    jobs: Parameters<typeof makeBox>[0]['jobs'] = [],
  ): Promise<TestBox & { readonly faults: Faults }> => {
    const faults = new Faults();
    const store = faultyStore(makeStore(), faults);
    return { ...(await makeBox({ store, jobs: [seven, note, ...jobs], queues: [''] })), faults };
  };

  it('a call whose job has begun calls it, though the store cannot be read meanwhile', async () => {
    let left = 1;
    const store = interceptedStore(makeStore(), (call) => {
      left -= call === 'annotations' ? 1 : 0;
      return call === 'annotations' && left === 0 ? disconnect() : null;
    });
    const { box, reactor } = await makeBox({ store, jobs: [seven] });

    reactor.run();

    const called = box.call(seven());

    expect(await reactor.until(called)).toBe(7);
  });

  it('[J-45] first stores that it is ACTIVE and since when, however often that fails, and only then calls the code', async () => {
    const seen: unknown[] = [];
    const look = defineJob({
      name: 'look',
      retry: NeverRetry,
      run: async () => {
        const { status, activeStart } = await box.job((local.getJob() as Job).id as string).refresh();
        seen.push(status, activeStart?.toISOString());
      },
    });
    const { box, reactor, faults } = await open([look]);
    await box.start();
    faults.refuseNext('job.start', conflict(), conflict(), disconnect(), disconnect());
    const job = await box.queue().put(look);
    await reactor.runUntilIdle();
    expect([(await job.refresh()).status, seen]).toEqual(['ASSIGNED', []]);

    await reactor.advance('1m');

    expect([(await job.refresh()).status, job.ending]).toEqual(['COMPLETED', 'succeeded']);
    expect(seen).toEqual(['ACTIVE', job.activeStart?.toISOString()]);
    expect(faults.commits.filter((commit) => has(commit, 'job.start', job.id))).toHaveLength(5);

    faults.refuseNext('job.start', conflict(), disconnect());
    const called = box.call(seven());
    expect(await reactor.until(called)).toBe(7);
  });

  it('[J-46] makes the job the current one, then sets up, then calls the code', async () => {
    const seen: unknown[] = [];
    const see = (what: string): void => void seen.push([what, local.getJob()?.id]);
    const look = defineJob({ name: 'look', setUp: () => see('setUp'), run: () => see('run') });
    const { box } = await open([look]);
    await box.start();

    const job = await box.queue().put(look);
    await job.result();

    expect(seen).toEqual([
      ['setUp', job.id],
      ['run', job.id],
    ]);
  });

  it('[J-47] drops the changes of an attempt that threw, then tears down, then asks the policy', async () => {
    const seen: string[] = [];
    const put: Job[] = [];
    const waiting = async (): Promise<number> => box.queue().length();
    const careless = defineJob({
      name: 'careless',
      retry: {
        ...answering(seen),
        jobError: async () => {
          seen.push(`jobError ${await waiting()}`);
          return false;
        },
      },
      setUp: () => void seen.push('setUp'),
      tearDown: async () => void seen.push(`tearDown ${await waiting()}`),
      run: async () => {
        seen.push('run');
        put.push(await local.getQueue().put(seven, { beginAfter: '1d' }));
        throw new Error('no');
      },
    });
    const { box } = await open([careless]);
    await box.start();

    await expect((await box.queue().put(careless)).result()).rejects.toThrow('no');

    expect(seen).toEqual(['setUp', 'run', 'tearDown 0', 'jobError 0']);
    await expect(put[0]?.refresh()).rejects.toMatchObject({ code: 'TRANSACTION_ENDED' });
  });

  it('[J-48] after an error runs the job again in the same call, puts it back, or stores the Failure, as the policy says', async () => {
    const asked: string[] = [];
    let calls = 0;
    const careless = defineJob({
      name: 'careless',
      retry: answering(asked, true, true, { after: '1h' }),
      run: () => {
        calls += 1;
        throw new Error(`call ${calls}`);
      },
    });
    const { box, reactor } = await open([careless]);
    const dispatcher = await box.start();
    const job = await box.queue().put(careless);
    await reactor.runUntilIdle();

    expect(await job.refresh()).toMatchObject({ status: 'PENDING', outcome: null });
    expect(job.record.attempts).toBe(3);
    const claims: string[] = [];
    for await (const { event } of job.history()) if (event === 'job.claim') claims.push(event);
    expect(claims).toHaveLength(1);
    expect(dispatcher.getJobInfo(job.id as string).thread).toBe('main:0');

    await reactor.advance('1h');
    expect(await job.refresh()).toMatchObject({ status: 'COMPLETED', ending: 'failed' });
    expect(job.outcome).toMatchObject({ ok: false, failure: { message: 'call 4' } });
    expect(asked).toEqual(['jobError call 1', 'jobError call 2', 'jobError call 3', 'jobError call 4']);
  });

  it('[J-49] commits the result, the status, the end, the data of the policy and what the code did in one piece', async () => {
    const asked: string[] = [];
    let calls = 0;
    const busy = defineJob({
      name: 'busy',
      retry: { ...answering(asked, true), updateData: () => ({ counted: calls }) },
      run: async () => {
        calls += 1;
        if (calls === 1) throw conflict();
        await local.getQueue().put(seven, { beginAfter: '1d' });
        await (local.getJob() as Job).setAnnotation('done', true);
        return 'busy';
      },
    });
    const { box, reactor, faults } = await open([busy]);
    await box.start();
    const job = busy();
    await job.addCallback(note);

    await box.queue().put(job);
    await reactor.runUntilIdle();

    const finishes = faults.commits.filter((commit) => has(commit, 'job.finish', job.id));
    expect(finishes).toHaveLength(1);
    const changes = finishes[0]?.changes ?? [];
    expect(changes.map(({ event }) => event).sort()).toEqual(['annotation.set', 'job.finish', 'job.put']);
    const finish = changes.find(({ event }) => event === 'job.finish');
    expect(finish).toMatchObject({
      to: 'callbacks',
      patch: { outcome: { ok: true, value: 'busy' }, activeEnd: expect.any(Number) },
    });
    expect(finish?.patch?.retryData).toMatchObject({ counted: 2 });
    expect({ ...(await job.refresh()).annotations }).toEqual({ done: true });
  });

  it('[J-50] after a refused commit drops the changes, tears down, asks the policy, and runs the code again or puts it back', async () => {
    const seen: string[] = [];
    let calls = 0;
    const busy = defineJob({
      name: 'busy',
      retry: answering(seen, true, { after: '1h' }),
      setUp: () => void seen.push('setUp'),
      tearDown: async () => void seen.push(`tearDown ${await box.queue().length()}`),
      run: async () => {
        calls += 1;
        seen.push(`run ${calls}`);
        await local.getQueue().put(seven, { beginAfter: '1d' });
        return calls;
      },
    });
    const { box, reactor, faults } = await open([busy]);
    await box.start();
    faults.refuseNext('job.finish', new Error('first'), new Error('second'));
    const job = await box.queue().put(busy);
    await reactor.runUntilIdle();

    const attempt = (number: number, failure: string): string[] => [
      'setUp',
      `run ${number}`,
      'tearDown 0',
      `commitError ${failure}`,
    ];
    expect(seen).toEqual([...attempt(1, 'first'), ...attempt(2, 'second')]);
    expect(await job.refresh()).toMatchObject({ status: 'PENDING', outcome: null });
    await reactor.advance('1h');
    expect(await job.result()).toBe(3);
    expect(seen.slice(8)).toEqual(['setUp', 'run 3', 'tearDown 1']);

    faults.refuseNext('job.finish', new Error('third'));
    const refused = await box.queue().put(busy);
    await reactor.runUntilIdle();
    await expect(refused.result()).rejects.toThrow('third');
  });

  it('[J-51] stores a commit error that is not retried however long it takes, then runs the callbacks', async () => {
    const asked: string[] = [];
    let calls = 0;
    const once = defineJob({ name: 'once', retry: answering(asked), run: () => ++calls });
    const { box, reactor, faults } = await open([once]);
    await box.start();
    const job = once();
    const callback = await job.addCallback(note);
    const others = Array.from({ length: 12 }, () => new Error('still not'));
    const refusals = [new Error('not storable'), conflict(), conflict(), ...others, conflict()];
    faults.refuse = (commit) => (has(commit, 'job.finish', job.id) ? (refusals.shift() ?? null) : null);
    await box.queue().put(job);

    await reactor.advance('5m');
    expect(await job.refresh()).toMatchObject({ status: 'ACTIVE', outcome: null });
    await reactor.advance('10m');

    expect(await job.refresh()).toMatchObject({ status: 'COMPLETED', ending: 'failed' });
    expect(job.outcome).toMatchObject({ ok: false, failure: { message: 'not storable' } });
    expect([calls, asked, refusals]).toEqual([1, ['commitError not storable'], []]);
    expect(await callback.result()).toContain('not storable');
  });

  it('[J-52] logs the outcome that a commit error replaces: a value at INFO, a failure at its own level', async () => {
    const asked: string[] = [];
    const good = defineJob({ name: 'good', retry: answering(asked), run: () => 'a fine value' });
    const bad = defineJob({
      name: 'bad',
      retry: answering(asked),
      failureLogLevel: 'WARNING',
      run: () => {
        throw new RangeError('too far');
      },
    });
    const odd = defineJob({ name: 'odd', retry: answering(asked), run: () => ({ big: new Map() }) });
    const retried = defineJob({ name: 'retried', retry: answering(asked, true), run: () => 'not masked' });
    const { box, reactor, faults, entries } = await open([good, bad, odd, retried]);
    await box.start();
    const masked = (id: string | null): unknown =>
      entries.filter(
        ({ job, message, stream }) =>
          job === id && stream === 'signalbox.events' && message.includes('masks'),
      );
    const run = async (job: Job, ...errors: Error[]): Promise<string | null> => {
      faults.refuseNext('job.finish', ...errors);
      await box.queue().put(job);
      await reactor.runUntilIdle();
      return (await job.refresh()).id;
    };

    const entry = (level: string, text: string): unknown[] => [
      expect.objectContaining({ level, message: expect.stringContaining(text) }),
    ];
    expect(masked(await run(good(), new Error('refused')))).toEqual(entry('INFO', "'a fine value'"));
    expect(masked(await run(bad(), new Error('refused')))).toEqual(entry('WARNING', 'job-running.test.ts'));
    expect(masked(await run(odd()))).toEqual(entry('INFO', 'big'));
    expect(masked(await run(retried(), new Error('refused')))).toEqual([]);
  });

  it('[J-53] tears down after the result is committed', async () => {
    const seen: unknown[] = [];
    const look = defineJob({
      name: 'look',
      run: () => 'result',
      tearDown: async () => {
        const job = await box.job((local.getJob() as Job).id as string).refresh();
        seen.push([job.status, job.outcome]);
      },
    });
    const { box, reactor } = await open([look]);
    await box.start();

    const job = await box.queue().put(look);
    await reactor.runUntilIdle();

    expect(seen).toEqual([['CALLBACKS', { ok: true, value: 'result' }]]);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('[J-54] logs the outcome before the callbacks start, and these run until none is left', async () => {
    const seen: unknown[] = [];
    const told = (job: Job): boolean =>
      testBox.entries.some((entry) => entry.job === job.id && /succeeded|failed with/.test(entry.message));
    const fail = defineJob({
      name: 'fail',
      run: () => {
        throw new Error('no');
      },
    });
    const witness = defineJob({
      name: 'witness',
      run: async (job: Job, more: boolean, _input?: unknown) => {
        seen.push(told(job));
        if (more) await box.job(job.id as string).addCallback(witness.partial(job, false));
      },
    });
    const testBox = await open([fail, witness]);
    const { box, reactor } = testBox;
    await box.start();

    for (const job of [seven(), fail()] as Job[]) {
      await job.addCallback(witness.partial(job, true));
      await box.queue().put(job);
      await reactor.runUntilIdle();
      expect((await job.refresh()).status).toBe('COMPLETED');
    }

    expect(seen).toEqual([true, true, true, true]);
  });

  it('[J-55] ends without a current job and gives the value, the Failure, the inner job, the promise, or the job put back', async () => {
    const barrier = new Barrier();
    const current: (Job | null)[] = [];
    const jobs = {
      value: seven,
      failure: defineJob({
        name: 'failure',
        run: () => {
          throw new Error('no');
        },
      }),
      inner: defineJob({ name: 'inner', run: (): Promise<Job<number>> => local.getQueue().put(seven) }),
      promise: defineJob({ name: 'promise', run: () => new Detached(barrier.wait()) }),
      putBack: defineJob({
        name: 'putBack',
        retry: {
          ...answering([]),
          jobError: () => {
            current.push(local.getJob());
            return { after: '1h' };
          },
        },
        run: () => {
          throw new Error('later');
        },
      }),
    };
    const { box } = await open([jobs.failure, jobs.inner, jobs.promise, jobs.putBack]);

    expect(await box.call(jobs.value)).toBe(7);
    expect(await box.call(jobs.failure)).toBeInstanceOf(Failure);
    const inner = (await box.call(jobs.inner)) as Job;
    expect([inner.name, inner.status]).toEqual(['seven', 'PENDING']);
    const promise = await box.call(jobs.promise);
    expect(promise).toBeInstanceOf(Detached);
    barrier.release('settled');
    expect(await (promise as Detached<string>).promise).toBe('settled');
    const held = await box.queue().put(jobs.putBack);
    await box.queue().claim((job) => job.id === held.id);
    expect(await box.call(held)).toBe(held);
    expect(held.status).toBe('PENDING');
    expect([...current, local.getJob()]).toEqual([null, null]);
  });

  it('[J-56] shows the result as soon as the job is at its callbacks', async () => {
    const barrier = new Barrier();
    const slow = defineJob({ name: 'slow', run: (_input: unknown) => barrier.wait() });
    const { box, reactor } = await open([slow]);
    await box.start({ agent: agent({ size: 1 }) });
    const job = seven();
    await job.addCallback(slow);
    await box.queue().put(job);
    await reactor.runUntilIdle();

    const other = box.job<number>(job.id as string);

    expect(await other.result()).toBe(7);
    expect(await other.refresh()).toMatchObject({ status: 'CALLBACKS', outcome: { ok: true, value: 7 } });
    barrier.release('');
  });
});
