import { defineJob, type Json, NeverRetry, type RetryCache, type RetryPolicy } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** A policy of one's own: what most programs write, on top of one that is there. */
function own(jobError: RetryPolicy['jobError'], more: Partial<RetryPolicy> = {}): RetryPolicy {
  return { ...NeverRetry, name: 'own', startsOnce: false, jobError, ...more };
}

/** A job that fails at each call, in a running box with this policy. */
async function setUp(makeStore: MakeStore, retry: RetryPolicy) {
  const calls: number[] = [];
  const fail = defineJob({
    name: 'fail',
    retry,
    run: (text: string): null => {
      calls.push(testBox.reactor.now());
      throw Object.assign(new Error(`${text} ${calls.length}`), { code: 'E_DOWN' });
    },
  });
  const testBox = await makeBox({ store: makeStore(), jobs: [fail], queues: [''] });
  await testBox.box.start();
  const gaps = () => calls.slice(1).map((at, index) => (at - (calls[index] ?? 0)) / 1000);
  const history = async (id: string | null) => {
    const found: (readonly [event: string, patch: unknown])[] = [];
    for await (const { event, patch } of testBox.box.job(id ?? '').history()) found.push([event, patch]);
    return found;
  };
  return { ...testBox, fail, calls, gaps, history, queue: testBox.box.queue() };
}

/** A database takes that long for 1,000 retries on a busy machine. */
const aMinute = 60_000;

const counted = (cache: RetryCache): number => {
  const count = Number(cache.get('count') ?? 0) + 1;
  cache.set('count', count);
  return count;
};

forEachStore('A retry policy of one’s own', (makeStore) => {
  it.each([
    ['keeps its cache by default', {}],
    ['keeps what updateData says', { updateData: (_data, cache) => ({ count: cache.get('count') ?? 0 }) }],
    ['has no updateData', { updateData: undefined as never }],
  ] as const satisfies readonly (readonly [string, Partial<RetryPolicy>])[])(
    'backs off and gives up: it counts over all calls when it %s',
    async (_what, more) => {
      const backsOff: RetryPolicy['jobError'] = (_failure, cache) => {
        const count = counted(cache);
        return count < 6 && { after: 1000 * 2 ** count };
      };
      const { fail, gaps, queue, reactor, logged } = await setUp(makeStore, own(backsOff, more));

      const job = await queue.put(fail('call'));
      await reactor.advance('1h');

      expect(gaps()).toEqual([2, 4, 8, 16, 32]);
      expect((await job.refresh()).outcome).toMatchObject({ failure: { message: 'call 6' } });
      expect(logged('ERROR').filter((message) => !/ failed /.test(message))).toEqual([]);
    },
  );

  it('sees nothing of what the runtime keeps with its data, and starts empty at the first call of each job', async () => {
    const seen: Record<string, Json>[] = [];
    const policy = own((_failure, cache) => {
      seen.push(Object.fromEntries(cache));
      return counted(cache) < 2 && { after: '1m' };
    });
    const { fail, queue, reactor } = await setUp(makeStore, policy);

    await queue.put(fail('one'));
    await reactor.advance('1h');
    await queue.put(fail('two'));
    await reactor.advance('1h');

    expect(seen).toEqual([{}, { count: 1 }, {}, { count: 1 }]);
  });

  it('gets the attempt, what is kept, the job, the time of the store and a random number', async () => {
    const told: unknown[] = [];
    const policy = own((_failure, cache, { attempt, data, job, now, random }) => {
      const chance = random();
      told.push([attempt, data.count ?? 0, job.args, job.name, now(), chance >= 0 && chance < 1]);
      return counted(cache) < 3 && { after: '1m' };
    });
    const { fail, queue, reactor } = await setUp(makeStore, policy);
    const start = reactor.now();

    await queue.put(fail('call'));
    await reactor.advance('1h');

    expect(told).toEqual([
      [1, 0, ['call'], 'fail', start, true],
      [2, 1, ['call'], 'fail', start + 60_000, true],
      [3, 2, ['call'], 'fail', start + 120_000, true],
    ]);
  });

  it('says WARNING with attempt and error when it answers true or { after }', async () => {
    const policy = own((_failure, cache) => [false, true, { after: '1m' }, false][counted(cache)] ?? false);
    const { fail, queue, reactor, entries } = await setUp(makeStore, policy);
    const at = new Date(reactor.now() + 60_000).toISOString();

    const job = await queue.put(fail('call'));
    await reactor.advance('1h');

    const warned = entries.filter(({ level, job: id }) => level === 'WARNING' && id === job.id);
    expect(warned.map(({ stream, message }) => [stream, message])).toEqual([
      [
        'signalbox.events',
        expect.stringMatching(/^fail .* failed on attempt 1, again at once: Error \[E_DOWN\]: call 1$/),
      ],
      [
        'signalbox.events',
        expect.stringMatching(`^fail .* failed on attempt 2, again at ${at}: Error .E_DOWN.: call 2$`),
      ],
    ]);
  });

  it.each(['throws', 'rejects'] as const)(
    'that always answers true is stopped after 1,000 retries without an await, when the code %s',
    async (how) => {
      const { box, queue, reactor } = await setUp(makeStore, NeverRetry);
      let calls = 0;
      const spin = defineJob({
        name: 'spin',
        retry: own(how === 'throws' ? () => true : async () => true),
        run: (): Promise<null> => {
          calls += 1;
          const error = new Error(`call ${calls}`);
          if (how === 'throws') throw error;
          return Promise.reject(error);
        },
      });
      box.define(spin);

      const job = await queue.put(spin());
      await reactor.runUntilIdle();

      expect(calls).toBe(1001);
      expect((await job.refresh()).outcome).toMatchObject({
        ok: false,
        failure: { code: 'RETRY_LOOP', cause: { message: 'call 1001' } },
      });
      await expect(job.result()).rejects.toThrow(/got 1000 immediate retries without an await of anything/);
    },
    aMinute,
  );

  it(
    'is stopped as well when no result of the job can be stored',
    async () => {
      const { box, queue, reactor } = await setUp(makeStore, NeverRetry);
      const unstorable = defineJob({
        name: 'unstorable',
        retry: own(() => false, { commitError: () => true }),
        run: (): unknown => () => 'no JSON',
      });
      box.define(unstorable);

      const job = await queue.put(unstorable());
      await reactor.runUntilIdle();

      expect((await job.refresh()).outcome).toMatchObject({ failure: { code: 'RETRY_LOOP' } });
    },
    aMinute,
  );

  it.each(['the code', 'the policy'])(
    'retries without limit when %s awaits something',
    async (which) => {
      const { box, queue, reactor } = await setUp(makeStore, NeverRetry);
      const turn = () => new Promise<void>((resolve) => reactor.callFromThread(resolve));
      let calls = 0;
      const patient = defineJob({
        name: 'patient',
        retry: own(async () => {
          if (which === 'the policy') await turn();
          return true;
        }),
        run: async () => {
          calls += 1;
          if (which === 'the code') await turn();
          if (calls <= 1100) throw new Error('not yet');
          return calls;
        },
      });
      box.define(patient);

      const job = await queue.put(patient());
      await reactor.runUntilIdle();

      expect(await job.result()).toBe(1101);
    },
    aMinute,
  );
});

forEachStore('A failed attempt that is made again', (makeStore) => {
  it('keeps its failure in the history, and the last one on the job', async () => {
    const policy = own((_failure, cache) => [false, true, { after: '1m' }, false][counted(cache)] ?? false);
    const { fail, queue, reactor, history } = await setUp(makeStore, policy);
    const start = reactor.now();

    const job = await queue.put(fail('call'));
    await reactor.advance('1h');

    const kept = (await history(job.id)).filter(([event]) => /retry|reschedule/.test(event));
    expect(kept).toMatchObject([
      [
        'job.retry',
        { attempts: 2, lastFailure: { at: start, failure: { message: 'call 1', code: 'E_DOWN' } } },
      ],
      ['job.reschedule', { lastFailure: { at: start, failure: { name: 'Error', message: 'call 2' } } }],
    ]);
    await job.refresh();
    expect(job.lastFailure?.data).toMatchObject({
      name: 'Error',
      message: 'call 2',
      code: 'E_DOWN',
      stack: expect.stringContaining('own-policies.test.ts'),
    });
    expect(job.outcome).toMatchObject({ failure: { message: 'call 3' } });
  });

  it('is listed by job.attempts() with its instants, its duration and its failure', async () => {
    const store = makeStore();
    let calls = 0;
    const slow = defineJob({
      name: 'slow',
      retry: own(async (_failure, cache, { wait }) => {
        if (counted(cache) > 1) return { after: '1m' };
        await wait(5000);
        return true;
      }),
      run: async () => {
        calls += 1;
        await new Promise<void>((resolve) => void testBox.reactor.callLater(calls * 1000, resolve));
        if (calls < 3) throw new Error(`call ${calls}`);
        return 'done';
      },
    });
    const testBox = await makeBox({ store, jobs: [slow], queues: [''] });
    await testBox.box.start();
    const start = testBox.reactor.now();
    const job = await testBox.box.queue().put(slow());
    await testBox.reactor.advance('6500ms');
    const running = await job.attempts();
    await testBox.reactor.advance('1h');

    const seconds = (at: Date | null | undefined) => at && (at.getTime() - start) / 1000;
    expect(running.at(-1)).toMatchObject({
      attempt: 2,
      endedAt: null,
      ms: null,
      ending: null,
      failure: null,
    });
    expect(
      (await job.attempts()).map(({ attempt, startedAt, endedAt, ms, ending, failure }) => [
        attempt,
        seconds(startedAt),
        seconds(endedAt),
        ms,
        ending,
        failure?.message,
      ]),
    ).toEqual([
      [1, 0, 1, 1000, 'failed', 'call 1'],
      [2, 6, 8, 2000, 'failed', 'call 2'],
      [3, 68, 71, 3000, 'succeeded', undefined],
    ]);
  });
});
