import {
  agent,
  commonRetryPolicy,
  Dispatcher,
  defineJob,
  detached,
  type Job,
  type JobDefinition,
  local,
  NeverRetry,
  RetryCommonForever,
  RetryCommonFourTimes,
  type RetryPolicy,
  SignalboxError,
} from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from './barrier.ts';
import {
  type Commit,
  conflict,
  disconnect,
  Faults,
  faultyStore,
  forgetfulStore,
  has,
  interceptedStore,
  lostConnection,
} from './faulty-store.ts';
import { forEachStore, type MakeStore, makeBox, type TestBox } from './stores.ts';

interface Shaky extends TestBox {
  readonly faults: Faults;
  readonly dispatcher: Dispatcher;
  readonly seen: string[];
  /** A callback that keeps what it is called with. */
  readonly note: JobDefinition<readonly [input: unknown], null>;
}

const uuid = '11111111-1111-4111-8111-111111111111';

/** A started dispatcher with an agent of size 1, on a store that a test can let fail. */
async function shaky(makeStore: MakeStore, jobs: readonly unknown[]): Promise<Shaky> {
  const faults = new Faults();
  const seen: string[] = [];
  const note = defineJob({
    name: 'note',
    run: (input: unknown): void => {
      seen.push(String(input));
    },
  });
  const testBox = await makeBox({
    store: faultyStore(makeStore(), faults),
    jobs: [...(jobs as []), note],
    queues: [''],
  });
  testBox.box.on('dispatcherActivated', async ({ representation }) => {
    if ((await representation.agents.get('main')) === null)
      await representation.agents.set('main', agent({ size: 1 }));
  });
  const dispatcher = new Dispatcher(testBox.box, { uuid });
  dispatcher.activate();
  testBox.reactor.run();
  await testBox.reactor.runUntilIdle();
  return { ...testBox, faults, dispatcher, seen, note };
}

/** Returns an error so many times, then always null. */
function times(count: number, error: () => Error): () => Error | null {
  let left = count;
  return () => {
    left -= 1;
    return left >= 0 ? error() : null;
  };
}

/** A job that throws these errors, one a call, and then ends well. */
function throwing(errors: readonly (() => Error)[]) {
  const calls: number[] = [];
  const definition = defineJob({
    name: 'throwing',
    run: (): string => {
      const error = errors[calls.length];
      calls.push(calls.length);
      if (error !== undefined) throw error();
      return 'done';
    },
  });
  return { calls, definition };
}

async function eventsOf({ box }: Shaky, job: Job<unknown>): Promise<string[]> {
  const events: string[] = [];
  for await (const { event } of box.store.history('job', job.id ?? '')) events.push(event);
  return events;
}

const always = <Value>(value: Value): readonly Value[] => Array.from({ length: 500 }, () => value);

forEachStore('store errors', (makeStore) => {
  it('[C-1] a claim that conflicts is tried again in the same poll, without an error', async () => {
    const { calls, definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    about.faults.refuseClaim = times(4, conflict);

    const job = await about.box.queue().put(definition());
    await about.reactor.runUntilIdle();

    expect(await job.result()).toBe('done');
    expect(about.dispatcher.polls.newest()?.queues['']?.main).toMatchObject({
      error: null,
      newJobs: [job.names],
    });
    expect(calls).toHaveLength(1);
  });

  it('[C-2] after five conflicts the failure is in the poll record, and the next poll starts afresh', async () => {
    const { definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    about.faults.refuseClaim = times(5, conflict);

    const job = await about.box.queue().put(definition());
    await about.reactor.runUntilIdle();

    expect(about.dispatcher.polls.newest()?.queues['']?.main?.error).toContain('ConflictError');
    expect(about.logged('CRITICAL')).toHaveLength(1);
    expect((await job.refresh()).status).toBe('PENDING');
    await about.reactor.advance('5s');
    expect(about.dispatcher.polls.newest()?.queues['']?.main?.error).toBeNull();
    expect(await job.result()).toBe('done');
  });

  it('[C-3] a job whose claim was lost with the connection stays in the queue and runs when the store is back', async () => {
    const { calls, definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    about.faults.refuseClaim = () => disconnect();

    const job = await about.box.queue().put(definition());
    await about.reactor.advance('11s');
    expect((await job.refresh()).status).toBe('PENDING');
    expect(calls).toHaveLength(0);

    about.faults.refuseClaim = () => null;
    await about.reactor.advance('5s');
    expect(await job.result()).toBe('done');
    expect(calls).toHaveLength(1);
  });

  it('[C-4] a poll that cannot read an agent records the failure beside its size, and the next one claims', async () => {
    const { definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    about.faults.refuseHeld = () => disconnect();
    await about.reactor.advance('5s');

    expect(about.dispatcher.polls.newest()?.queues['']?.main).toMatchObject({
      error: expect.stringMatching(/database to answer a call, got no answer/),
      newJobs: [],
      size: 1,
      len: 0,
    });
    about.faults.refuseHeld = () => null;
    const job = await about.box.queue().put(definition());
    await about.reactor.advance('5s');
    expect(await job.result()).toBe('done');
  });

  it('[C-5] polling continues after every error of the store', async () => {
    const about = await shaky(makeStore, []);
    about.faults.refuseHeld = () => new RangeError('out of order');
    about.faults.refuse = () => new RangeError('out of order');

    const before = about.dispatcher.polls.length;
    await about.reactor.advance('60s');

    expect(about.dispatcher.polls.length - before).toBe(12);
    expect(about.dispatcher.getStatusInfo().status).toBe('RUNNING');
    about.faults.refuse = () => null;
  });

  it('[C-6] a job that was claimed and never started goes to the end of the line at cleaning', async () => {
    const once = defineJob({ name: 'once', run: () => 'ran', retry: NeverRetry });
    const about = await shaky(makeStore, [once]);
    about.faults.refuseNext('job.start', disconnect());
    const first = await about.box.queue().put(once());
    const second = await about.box.queue().put(once());
    await about.reactor.runUntilIdle();
    expect((await first.refresh()).status).toBe('ASSIGNED');

    about.dispatcher.abandon();
    await (await about.box.queue().dispatchers.get(uuid)).deactivate();

    expect((await about.box.queue().jobs()).map((job) => job.id)).toEqual([second.id, first.id]);
  });

  it('a job that may start once only is called once when the answer to its start was lost', async () => {
    const calls: string[] = [];
    const once = defineJob({ name: 'once', run: () => calls.push('once'), retry: NeverRetry });
    const unknown = times(1, () => disconnect('unknown'));
    const about = await shaky(
      () => forgetfulStore(makeStore(), (commit) => (has(commit, 'job.start') ? unknown() : null)),
      [once],
    );
    const job = await about.box.queue().put(once());
    const next = await about.box.queue().put(about.note('next'));

    await about.reactor.advance('5s');

    expect(await job.result()).toBe(1);
    expect(calls).toHaveLength(1);
    await next.result();
    const events = await eventsOf(about, job);
    expect(events.filter((event) => event === 'job.start')).toHaveLength(1);
  });

  it('a job that is failed between its claim and its start is not started, and its slot is free', async () => {
    const calls: string[] = [];
    const once = defineJob({ name: 'once', run: () => calls.push('once'), retry: NeverRetry });
    const about = await shaky(makeStore, [once]);
    about.faults.refuseNext('job.start', disconnect());
    const job = await about.box.queue().put(once());
    await about.reactor.runUntilIdle();
    await job.fail(new RangeError('not wanted any more'));
    const next = await about.box.queue().put(about.note('next'));

    await about.reactor.advance('5s');

    await expect(job.result()).rejects.toMatchObject({ name: 'RangeError' });
    await next.result();
    expect(calls).toEqual([]);
    expect(about.dispatcher.getActiveJobIds()).toEqual([]);
    expect(about.logged('ERROR')).toContainEqual(expect.stringContaining('could not start'));
    // Waits for the workers.
    await about.dispatcher.deactivate();
  });

  it('[C-18] a callable that raises conflicts is called five times, and normally when it succeeds before', async () => {
    const lasting = throwing(always(conflict));
    const about = await shaky(makeStore, [lasting.definition]);
    const job = await about.box.queue().put(lasting.definition());
    await expect(job.result()).rejects.toMatchObject({ name: 'ConflictError' });
    expect(lasting.calls).toHaveLength(5);
    await about.stop();

    const passing = throwing([conflict, conflict]);
    const other = await shaky(makeStore, [passing.definition]);
    expect(await (await other.box.queue().put(passing.definition())).result()).toBe('done');
    expect(passing.calls).toHaveLength(3);
    expect(other.logged('ERROR')).toEqual([]);
  });

  it('[C-19] a callable that loses its connection is tried until it succeeds, waiting 5, 10 … 60 seconds', async () => {
    const { calls, definition } = throwing(Array.from({ length: 49 }, () => lostConnection));
    const about = await shaky(makeStore, [definition]);
    const job = await about.box.queue().put(definition());
    await about.reactor.runUntilIdle();
    expect(calls).toHaveLength(1);
    for (const [index, seconds] of [5, 10, 15, 20].entries()) {
      await about.reactor.advance((seconds - 1) * 1000);
      expect(calls).toHaveLength(index + 1);
      await about.reactor.advance('1s');
      expect(calls).toHaveLength(index + 2);
    }

    await about.reactor.advance('1h');

    expect(await job.result()).toBe('done');
    expect(calls).toHaveLength(50);
  });

  it('[C-20] an ordinary exception is not tried again: ERROR for a job, CRITICAL for a callback', async () => {
    const { calls, definition } = throwing(always(() => new TypeError('no such customer')));
    const about = await shaky(makeStore, [definition]);
    const job = definition();
    const callback = await job.addCallback(definition);
    await about.box.queue().put(job);
    await about.reactor.runUntilIdle();

    expect(calls).toHaveLength(2);
    expect((await job.refresh()).ending).toBe('failed');
    expect((await callback.refresh()).ending).toBe('failed');
    expect(about.logged('ERROR')).toEqual([expect.stringContaining('no such customer')]);
    expect(about.logged('CRITICAL')).toEqual([expect.stringContaining('no such customer')]);
  });

  it('[C-21] a commit that fails otherwise replaces the result, which is logged, and callbacks get the failure', async () => {
    const { calls, definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    about.faults.refuseNext('job.finish', new RangeError('the store does not like it'));
    const job = definition();
    await job.addCallback(about.note);
    await about.box.queue().put(job);
    await about.reactor.runUntilIdle();

    await expect(job.result()).rejects.toMatchObject({ name: 'RangeError' });
    expect(calls).toHaveLength(1);
    expect(about.seen).toEqual([expect.stringContaining('the store does not like it')]);
    expect(about.logged('INFO').filter((message) => message.includes('masks'))).toHaveLength(1);
    expect(about.logged('DEBUG').filter((message) => message.includes('masks'))).toEqual([
      expect.stringContaining("'done'"),
    ]);
  });

  it('[C-22] a commit that conflicts runs the callable again, five times in all', async () => {
    const { calls, definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    about.faults.refuse = (commit) => {
      const isOutcome = commit.changes.some(
        (change) =>
          change.event === 'job.finish' &&
          (change.patch?.outcome as { ok: boolean } | undefined)?.ok === true,
      );
      return isOutcome ? conflict() : null;
    };
    const job = await about.box.queue().put(definition());
    await about.reactor.runUntilIdle();

    await expect(job.result()).rejects.toMatchObject({ name: 'ConflictError' });
    expect(calls).toHaveLength(5);
  });

  it('[C-23] an outcome is kept while the store is away, tried after 5, 10 … 60 s without limit, and the code called once', async () => {
    for (const retry of [RetryCommonFourTimes, RetryCommonForever, NeverRetry]) {
      const { calls, definition } = throwing([]);
      const about = await shaky(makeStore, [definition]);
      about.faults.refuseNext('job.finish', ...Array.from({ length: 20 }, () => disconnect()));
      const job = await about.box.queue().put(definition().with({ retryPolicy: retry }));
      const next = await about.box.queue().put(about.note('next'));

      // 5 + 10 + … + 60 s, and eight times 60 s.
      await about.reactor.advance((390 + 8 * 60) * 1000 - 1);
      expect((await job.refresh()).status).toBe('ACTIVE');
      // Its agent has one slot.
      expect((await next.refresh()).status).toBe('PENDING');
      await about.reactor.advance(1);

      expect(await job.result()).toBe('done');
      expect(calls).toHaveLength(1);
      await next.result();
      expect(about.logged('ERROR').filter((message) => message.includes('committing the outcome'))).toEqual([
        expect.stringMatching(/^error 1 while .*: again in 5 s: .*got no answer/),
        expect.stringMatching(/^error 10 while .*: again in 50 s/),
        expect.stringMatching(/^error 20 while .*: again in 60 s/),
      ]);
      expect(about.logged('CRITICAL')).toEqual([]);
      await about.stop();
    }
  });

  it('[C-23] an outcome whose answer was lost with the connection is not written again, and its callbacks are called once', async () => {
    const { calls, definition } = throwing([]);
    const isLost = times(1, () => disconnect('unknown'));
    const about = await shaky(
      () => forgetfulStore(makeStore(), (commit) => (has(commit, 'job.finish') ? isLost() : null)),
      [definition],
    );
    const job = definition();
    await job.addCallback(about.note);

    await about.box.queue().put(job);
    await about.reactor.advance('5s');

    expect((await job.refresh()).status).toBe('COMPLETED');
    expect([calls.length, about.seen]).toEqual([1, ['done']]);
    const events = await eventsOf(about, job);
    expect(events.filter((event) => event === 'job.finish')).toHaveLength(1);
  });

  it('[C-23] a store of a program that throws the error of its socket is away as well', async () => {
    const { calls, definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    about.faults.refuseNext('job.finish', lostConnection(), lostConnection());
    const job = await about.box.queue().put(definition());

    await about.reactor.advance('15s');

    expect(await job.result()).toBe('done');
    expect(calls).toHaveLength(1);
  });

  it.each([
    ['cannot be written for a while', () => new SignalboxError('STORE_REPLICA', { reason: 'read-only' })],
    ['denies its user', () => new SignalboxError('STORE_DENIED', { call: 'a commit', reason: 'no' })],
    ['refuses statements', () => new SignalboxError('STORE_STATEMENT', { call: 'a commit', reason: 'no' })],
  ])(
    'an outcome is kept while the store %s, and written without another call of the code',
    async (_, refusal) => {
      const { calls, definition } = throwing([]);
      const about = await shaky(makeStore, [definition]);
      about.faults.refuseNext('job.finish', refusal(), refusal(), refusal());
      const job = await about.box.queue().put(definition());
      const next = await about.box.queue().put(about.note('next'));

      await about.reactor.advance('29s');
      expect((await job.refresh()).status).toBe('ACTIVE');
      await about.reactor.advance('1s');

      expect(await job.result()).toBe('done');
      expect(calls).toHaveLength(1);
      // Its agent has one slot.
      await next.result();
      expect(about.logged('ERROR').filter((message) => message.includes('again in'))).toHaveLength(1);
    },
  );

  it('an outcome that conflicts once the store is back is judged as any other: the code is called again', async () => {
    const { calls, definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    const away = new SignalboxError('STORE_REPLICA', { reason: 'read-only' });
    about.faults.refuseNext('job.finish', away, conflict(), conflict());
    const job = await about.box.queue().put(definition());

    await about.reactor.advance('5s');

    expect(await job.result()).toBe('done');
    expect(calls).toHaveLength(2);
  });

  it('[C-25] a callback with a permanent commit error never ends, and logs the first and every fifth', async () => {
    const { definition } = throwing([]);
    const about = await shaky(makeStore, [definition]);
    const job = definition();
    const callback = await job.addCallback(about.note);
    await about.box.queue().put(job);
    about.faults.refuse = (commit) =>
      commit.changes.some((change) => change.event === 'job.finish' && change.id === callback.id)
        ? new RangeError('a broken hook')
        : null;

    await about.reactor.advance('45s');

    expect(about.seen).toHaveLength(11);
    expect((await job.refresh()).status).toBe('CALLBACKS');
    expect(about.logged('CRITICAL').filter((message) => message.includes('a broken hook'))).toHaveLength(3);
    about.faults.refuse = () => null;
    await about.reactor.advance('60s');
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it.each([
    ['refuses to answer', () => new SignalboxError('STORE_STATEMENT', { call: 'a read', reason: 'a lock' })],
    ['breaks', () => new RangeError('the store does not like it')],
  ])(
    '[C-25] a callback that has begun is called, also when the store %s while it is read',
    async (_, error) => {
      for (const read of ['get', 'annotations']) {
        for (let moment = 1; moment <= 3; moment += 1) {
          const reads = { of: '', left: moment };
          const store = interceptedStore(makeStore(), (call, args) => {
            if (call === 'commit' && has(args[0] as Commit, 'job.start', reads.of)) reads.of = 'all';
            if (call !== read || reads.of !== 'all') return null;
            reads.left -= 1;
            return reads.left === 0 ? error() : null;
          });
          const { definition, calls } = throwing([]);
          const { box, reactor, stop } = await makeBox({ store, jobs: [definition], queues: [''] });
          const job = definition();
          const callback = await job.addCallback(definition);
          await box.queue().put(job);
          reads.of = callback.id ?? '';
          await box.start();

          await reactor.advance('1m');
          reads.of = '';

          const statuses = [(await job.refresh()).status, (await callback.refresh()).status];
          expect([read, moment, ...statuses]).toEqual([read, moment, 'COMPLETED', 'COMPLETED']);
          expect(calls).toHaveLength(2);
          await stop();
        }
      }
    },
  );

  it('what a store has made is gone on with, whichever answer gets lost', async () => {
    const work = defineJob({ name: 'work', run: (_label: string, _input?: unknown) => 'done' });
    const give = defineJob({ name: 'give', run: (_input?: unknown) => local.getQueue().put(work('inner')) });
    const later = defineJob({ name: 'later', run: (_input: unknown) => detached(Promise.resolve('later')) });
    let rounds = 0;
    for (let isLost = true; isLost; rounds += 1) {
      let left = Number.POSITIVE_INFINITY;
      const store = forgetfulStore(makeStore(), ({ by, expect: believed }) => {
        // A program gets the error and asks again.
        if (by === 'client' && !believed.some(({ check }) => check === 'holder')) return null;
        left -= 1;
        return left === 0 ? disconnect('unknown') : null;
      });
      const { box, reactor, stop } = await makeBox({ store, jobs: [give, later, work], queues: [''] });
      const job = give();
      const callbacks: Job<unknown>[] = [await job.addCallback(give.partial())];
      for (const next of [later.partial(), work.partial('next'), work.partial('last')])
        callbacks.push(await (callbacks.at(-1) as Job<unknown>).addCallback(next));
      await box.start();
      left = rounds + 1;
      await box.queue().put(job);

      await reactor.advance('2m');
      isLost = left <= 0;
      left = Number.POSITIVE_INFINITY;

      for (const one of [job, ...callbacks])
        expect([rounds, one.name, (await one.refresh()).status]).toEqual([rounds, one.name, 'COMPLETED']);
      await stop();
    }
    expect(rounds).toBeGreaterThan(12);
  });

  it('[C-26] a policy that asks to wait puts the job first in line, or holds it until then', async () => {
    const answers: RetryPolicy = {
      ...commonRetryPolicy({
        name: 'answers',
        maxConflicts: 0,
        maxInterruptions: 0,
        retriesOtherCommitErrors: false,
      }),
      jobError: (failure) => ({ after: failure.message }),
    };
    const calls: string[] = [];
    const late = defineJob({
      name: 'late',
      retry: answers,
      run: (after: string): string => {
        calls.push(after);
        if (calls.filter((call) => call === after).length === 1) throw new Error(after);
        return 'done';
      },
    });
    const about = await shaky(makeStore, [late]);
    const held = await about.box.queue().put(late('1h'));
    await about.reactor.runUntilIdle();
    expect((await held.refresh()).status).toBe('PENDING');
    expect(held.beginAfter?.getTime()).toBe(about.reactor.now() + 3_600_000);

    await about.box.transaction(async (tx) => {
      await tx.queue().put(late('0ms'));
      await tx.queue().put(late('2h'));
    });
    await about.reactor.runUntilIdle();

    expect(calls).toEqual(['1h', '0ms', '0ms', '2h']);
    await about.reactor.advance('1h');
    expect(await held.result()).toBe('done');
  });

  it('[C-27] a job of a full quota keeps its slot when it is retried now, and gives it up when later', async () => {
    const barrier = new Barrier();
    const block = defineJob({ name: 'block', run: () => barrier.wait(), quotas: ['one'] });
    const later = defineJob({
      name: 'later',
      quotas: ['one'],
      retry: { ...NeverRetry, name: 'later', startsOnce: false, jobError: () => ({ after: '1h' }) },
      run: (): never => {
        throw new Error('not yet');
      },
    });
    const about = await shaky(makeStore, [block, later]);
    await about.box.queue().quotas.create('one');
    const interrupted = await about.box.queue().put(block());
    const next = await about.box.queue().put(block());
    await about.reactor.runUntilIdle();

    await about.dispatcher.deactivate();
    expect((await about.box.queue().quotas.get('one')).jobs).toEqual([interrupted.id]);
    about.dispatcher.activate();
    await about.reactor.runUntilIdle();
    expect((await interrupted.refresh()).status).toBe('ACTIVE');
    expect((await next.refresh()).status).toBe('PENDING');

    barrier.release('');
    await about.reactor.runUntilIdle();
    barrier.release('');
    await about.reactor.runUntilIdle();
    const postponed = await about.box.queue().put(later());
    const meanwhile = (await about.box.queue().put(block())) as Job<string>;
    await about.reactor.runUntilIdle();
    expect((await postponed.refresh()).status).toBe('PENDING');
    expect((await meanwhile.refresh()).status).toBe('ACTIVE');
    expect((await about.box.queue().quotas.get('one')).jobs).toEqual([meanwhile.id]);
  });

  it('[C-33] a step of the dispatcher is tried five times on conflict, and any other error ends it at once', async () => {
    const about = await shaky(makeStore, []);
    let pings = 0;
    about.faults.refuse = (commit) => {
      if (!commit.changes.some((change) => change.event === 'ping')) return null;
      pings += 1;
      return conflict();
    };
    await about.reactor.advance('31s');
    expect(pings).toBeGreaterThanOrEqual(5);
    expect(pings % 5).toBe(0);
    const conflicts = about.logged('CRITICAL').length;
    expect(conflicts).toBe(pings / 5);

    pings = 0;
    about.faults.refuse = (commit) => {
      if (!commit.changes.some((change) => change.event === 'ping')) return null;
      pings += 1;
      return new RangeError('no');
    };
    await about.reactor.advance('5s');
    expect(pings).toBe(1);
    expect(about.logged('CRITICAL')).toHaveLength(conflicts + 1);
    about.faults.refuse = () => null;
  });
});
