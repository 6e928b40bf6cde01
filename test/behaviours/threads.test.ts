import {
  agent,
  defineJob,
  detached,
  Failure,
  type Job,
  local,
  type ThreadOptions,
  UnrecoverableError,
} from 'signalbox';
import { type ThreadFate, VirtualThreads } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

const threadModule = 'file:///jobs.js';

interface Given {
  readonly size?: number;
  readonly thread?: ThreadOptions;
  readonly fates?: Record<string, ThreadFate>;
}

/** Jobs of all kinds, in a box whose agent has virtual threads. `calls` are those of their code. */
async function setUp(makeStore: MakeStore, { size = 3, thread = {}, fates = {} }: Given = {}) {
  const calls: string[] = [];
  const retry = { maxAttempts: 3, delay: '1m', jitter: 0 } as const;
  const double = defineJob({
    name: 'double',
    run: (n: number) => {
      calls.push(`double ${n}`);
      return n * 2;
    },
  });
  const halve = defineJob({
    name: 'halve',
    run: (input: unknown = 'nothing') => {
      calls.push(`halve ${input instanceof Failure ? input.code : String(input)}`);
    },
  });
  const loop = defineJob({ name: 'loop', retry, timeout: '10s', run: () => 'ended' });
  const listen = defineJob({
    name: 'listen',
    run: async () => {
      await new Promise((resolve) => local.signal.addEventListener('abort', resolve));
      const { name, message } = local.signal.reason as Error;
      calls.push(`${name}: ${message.slice(0, 30)}`);
      throw local.signal.reason;
    },
  });
  const failing = defineJob({
    name: 'failing',
    retry,
    run: async () => {
      await local.getQueue().put(double(7));
      throw new TypeError('no');
    },
  });
  const putting = defineJob({
    name: 'putting',
    retry: { maxAttempts: 1 },
    run: async (n: number) => {
      const job = local.getJob();
      await job?.setAnnotation('note', n);
      await job?.addCallback(halve);
      await local.getQueue().put(double(n), { id: `put-${n}` });
      await local.setLiveAnnotation('live', { n });
      calls.push(
        `agent ${local.getAgentName()}, live ${JSON.stringify(await local.getLiveAnnotation('live'))}`,
      );
      return n;
    },
  });
  const outer = defineJob({ name: 'outer', run: (n: number) => double(n) });
  const argued = defineJob({ name: 'argued', run: (job: Job<number>) => `${job.name} ${job.status}` });
  const returnedFailure = defineJob({
    name: 'returnedFailure',
    run: async () => {
      await local.getQueue().put(double(1), { id: 'kept' });
      return Failure.from(new RangeError('far'));
    },
  });
  const putOff = defineJob({
    name: 'putOff',
    run: () => ((local.getJob()?.record.snoozed?.times ?? 0) === 0 ? local.snooze('1m', 'later') : 'now'),
  });
  const hooked = defineJob({
    name: 'hooked',
    setUp: () => {
      calls.push('setUp');
      return 'info';
    },
    tearDown: (info) => {
      calls.push(`tearDown ${info}`);
    },
    run: (fails: boolean) => {
      calls.push('run');
      if (fails) throw new UnrecoverableError('never');
      return 'done';
    },
  });
  const refused = defineJob({
    name: 'refused',
    retry: { maxAttempts: 1 },
    run: (what: string) =>
      what === 'detached' ? detached(Promise.resolve(1)) : local.transaction(async () => 1),
  });
  const answer = defineJob({
    name: 'answer',
    run: async () => {
      await new Promise((resolve) => local.signal.addEventListener('abort', resolve));
      return 'the answer';
    },
  });
  const beating = defineJob({
    name: 'beating',
    heartbeat: '10s',
    retry: { maxAttempts: 1 },
    run: async (beats: boolean) => {
      for (let n = 0; n < 4; n += 1) {
        await local.sleep('8s');
        if (beats) local.heartbeat();
      }
      return 'beaten';
    },
  });
  const meddling = defineJob({
    name: 'meddling',
    retry: { maxAttempts: 1 },
    run: async (waits: Job<unknown>, over: Job<unknown>) => {
      await over.addCallback(halve);
      return await waits.cancel();
    },
  });
  let open = (): void => {};
  let told: (codes: unknown[]) => void = () => {};
  const after = new Promise<unknown[]>((resolve) => {
    told = resolve;
  });
  const lingering = defineJob({
    name: 'lingering',
    run: () => {
      const codeOf = (error: { code?: unknown }) => error.code;
      void new Promise<void>((resolve) => {
        open = resolve;
      }).then(async () =>
        told([
          await local.getQueue().put(double(1)).catch(codeOf),
          await local.setLiveAnnotation('late', 1).catch(codeOf),
        ]),
      );
      return 'gone on';
    },
  });
  const waiting = defineJob({
    name: 'waiting',
    retry: { maxAttempts: 1 },
    run: (id: Job<unknown>) => id.result(),
  });
  const unstorable = defineJob({
    name: 'unstorable',
    retry: { maxAttempts: 1 },
    run: () => new Map() as never,
  });
  const exports = {
    ...{ double, loop, listen, failing, putting, outer, argued, returnedFailure, putOff, hooked, refused },
    halve,
    lists: [waiting, unstorable, answer, beating, meddling, lingering],
  };
  const missing = defineJob({ name: 'missing', retry, run: () => 1 });
  const jobs = [...Object.values(exports).flat(), missing];
  const threads = new VirtualThreads({ exports, fate: (name) => fates[name] ?? 'runs' });
  const testBox = await makeBox({ store: makeStore(), jobs, queues: [''], threads, threadModule });
  const dispatcher = await testBox.box.start({ agent: agent({ size, executor: 'thread', thread }) });
  const queue = testBox.box.queue();
  return {
    ...testBox,
    ...{ double, loop, listen, failing, putting, outer, argued, returnedFailure, putOff, hooked, refused },
    ...{ waiting, unstorable, answer, beating, meddling, lingering, after, open: () => open() },
    ...{ missing, halve, calls, queue, dispatcher, threads, fates },
  };
}

async function endOf(job: Job<unknown>) {
  const { status, ending, outcome } = await job.refresh();
  return { status, ending, code: outcome?.ok === false ? outcome.failure.code : outcome?.value };
}

forEachStore('An agent with threads', (makeStore) => {
  it('calls code in threads, and keeps one of them for the next job', async () => {
    const { queue, double, threads, dispatcher, box, calls } = await setUp(makeStore);
    const jobs = await queue.putAll([1, 2, 3].map((n) => double(n)));

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([2, 4, 6]);
    expect(await (await queue.put(double(4))).result()).toBe(8);

    expect(calls).toHaveLength(4);
    // Some stores give an agent a part of what it may hold at a time.
    expect([1, 2, 3]).toContain(threads.started);
    const [started, idle] = [threads.started, threads.alive];
    expect(dispatcher.getStatusInfo().threads).toEqual([
      { queue: '', agent: 'main', busy: 0, idle, started },
    ]);
    expect(idle).toBe(started);
    const { agents } = await queue.dispatchers.get(box.uuid);
    expect((await agents.get('main'))?.executor).toBe('thread');
  });

  it('calls the same definition inline where the agent has no threads', async () => {
    const { queue, double, threads, box, reactor, calls } = await setUp(makeStore);
    const { agents } = await queue.dispatchers.get(box.uuid);
    await agents.set('main', agent({ size: 3 }));
    const job = await queue.put(double(21));

    expect(await job.result()).toBe(42);
    await reactor.advance('1m');

    expect([calls, threads.started, (await agents.get('main'))?.executor]).toEqual([
      ['double 21'],
      0,
      'inline',
    ]);
  });

  it('commits what the code put and changed with its result', async () => {
    const { queue, putting, calls, box } = await setUp(makeStore);
    const job = await queue.put(putting(4));

    expect(await job.result()).toBe(4);
    await job.waitFor('COMPLETED');

    expect(await box.job('put-4').result()).toBe(8);
    expect((await job.refresh()).annotations).toEqual({ note: 4, live: { n: 4 } });
    expect(calls).toContain('halve 4');
    expect(calls).toContain('agent main, live {"n":4}');
  });

  it('drops what the code put and changed when it throws, and asks the policy', async () => {
    const { queue, failing, calls, reactor } = await setUp(makeStore);
    const job = await queue.put(failing());

    await reactor.advance('10m');

    expect(await endOf(job)).toEqual({ status: 'COMPLETED', ending: 'failed', code: null });
    expect([job.record.attempts, (await job.attempts()).length, calls]).toEqual([3, 3, []]);
    expect(job.outcome?.ok === false && job.outcome.failure.check('TypeError')).toBe(true);
  });

  it('goes on with whatever the code returns: a job, a failure that keeps its changes, a snooze', async () => {
    const { queue, outer, returnedFailure, putOff, argued, double, box, reactor } = await setUp(makeStore);
    const snoozed = await queue.put(putOff());
    const failed = await queue.put(returnedFailure());
    const waiting = await queue.put(outer(4));
    const other = await queue.put(argued(await queue.put(double(1))));
    await reactor.runUntilIdle();

    expect(await other.result()).toMatch(/^double /);
    expect(await endOf(failed)).toMatchObject({ ending: 'failed' });
    expect(await box.job('kept').result()).toBe(2);
    const { state, waitingOn } = (await waiting.refresh()).record;
    expect(state).toBe('active.waiting');
    await queue.put(await box.job<number>(waitingOn ?? '').refresh());
    expect(await waiting.result()).toBe(8);
    await reactor.advance('1m');
    expect(await snoozed.result()).toBe('now');
  });

  it('calls setUp, the code and tearDown in the same thread, after a failure as well', async () => {
    const { queue, hooked, calls, threads, dispatcher } = await setUp(makeStore, { size: 1 });
    await (await queue.put(hooked(false))).waitFor('COMPLETED');
    const failed = await queue.put(hooked(true));
    await failed.waitFor('COMPLETED');

    expect(calls).toEqual(['setUp', 'run', 'tearDown info', 'setUp', 'run', 'tearDown info']);
    expect([threads.started, failed.ending]).toEqual([1, 'failed']);
    expect(dispatcher.getStatusInfo().threads[0]).toMatchObject({ busy: 0, idle: 1 });
  });

  it('refuses local.transaction, detached and the wait for a result with NOT_IN_THREADS', async () => {
    const { queue, refused, waiting, double } = await setUp(makeStore);
    const jobs = [
      await queue.put(refused('detached')),
      await queue.put(refused('transaction')),
      await queue.put(waiting(await queue.put(double(1), { beginAfter: '1h' }))),
    ];
    for (const job of jobs) await job.waitFor('COMPLETED');

    for (const job of jobs)
      expect(await endOf(job)).toMatchObject({ ending: 'failed', code: 'NOT_IN_THREADS' });
  });

  it('fails a job whose definition the module does not export, and asks no policy', async () => {
    const { queue, missing } = await setUp(makeStore);
    const job = await queue.put(missing());
    await job.waitFor('COMPLETED');

    expect(await endOf(job)).toMatchObject({ ending: 'failed', code: 'THREAD_MODULE' });
    expect([job.record.attempts, job.outcome?.ok === false && job.outcome.failure.message]).toEqual([
      1,
      expect.stringContaining('got one that exports answer, argued'),
    ]);
  });

  it('fails a job whose result cannot be stored, as inline code', async () => {
    const { queue, unstorable } = await setUp(makeStore);
    const job = await queue.put(unstorable());
    await job.waitFor('COMPLETED');

    expect(await endOf(job)).toMatchObject({ ending: 'failed', code: 'ARGS_NOT_JSON' });
  });
});

forEachStore('Code in a thread', (makeStore) => {
  it('that listens stops when its job is cancelled, with the same reason as inline', async () => {
    const { queue, listen, calls, threads, reactor } = await setUp(makeStore);
    const job = await queue.put(listen());
    await job.waitFor('ACTIVE');
    await reactor.runUntilIdle();

    expect(await job.cancel({ reason: 'enough' })).toBe('cancelling');
    await job.waitFor('COMPLETED');

    expect(await endOf(job)).toMatchObject({ ending: 'cancelled', code: 'CANCELLED' });
    expect([calls.length, calls[0], threads.alive]).toEqual([1, expect.stringMatching(/^CancelledError/), 1]);
  });

  it('that hangs is ended when its job is cancelled, and its slot is free only when the thread is gone', async () => {
    const given = await setUp(makeStore, { size: 1, fates: { loop: 'survives' } });
    const { queue, loop, double, threads, reactor, logged } = given;
    const job = await queue.put(loop());
    await job.waitFor('ACTIVE');
    const next = await queue.put(double(1));

    await job.cancel();
    await reactor.advance('9s');

    expect([(await job.refresh()).record.state, threads.jobs]).toEqual(['active.cancelling', [job.id]]);
    expect(logged('CRITICAL')).toEqual([]);
    await reactor.advance('2s');
    expect(logged('CRITICAL')).toEqual([expect.stringContaining('does not exit')]);
    expect((await next.refresh()).status).toBe('PENDING');
    threads.release();
    expect(await next.result()).toBe(2);
    expect(await endOf(job)).toMatchObject({ ending: 'cancelled' });
  });

  it('that exceeds its timeout is ended, and its job is tried again in another thread', async () => {
    const { queue, loop, threads, reactor, fates, logged } = await setUp(makeStore, {
      fates: { loop: 'hangs' },
    });
    const job = await queue.put(loop());
    await job.waitFor('ACTIVE');

    await reactor.advance('14s');
    expect([(await job.refresh()).record.state, threads.alive]).toEqual(['active.timingOut', 1]);
    await reactor.advance('2s');
    expect([(await job.refresh()).status, threads.alive]).toEqual(['PENDING', 0]);
    fates.loop = 'runs';
    await reactor.advance('1m');

    expect(await job.result()).toBe('ended');
    expect([job.record.attempts, threads.started, logged('CRITICAL')]).toEqual([2, 2, []]);
    expect(logged('WARNING').filter((text) => text.includes('goes on without its code'))).toEqual([]);
  });

  it.each([
    ['exits', 'THREAD_EXITED'],
    ['runsOutOfMemory', 'THREAD_OUT_OF_MEMORY'],
  ] as const)('whose thread %s has failed with %s, and leaves nothing of what it put', async (fate, code) => {
    const given = await setUp(makeStore, { thread: { maxHeapMb: 64 }, fates: { putting: fate } });
    const { queue, putting, box, double } = given;
    const job = await queue.put(putting(4));
    await job.waitFor('COMPLETED');

    expect(await endOf(job)).toMatchObject({ ending: 'failed', code });
    await expect(box.job('put-4').refresh()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect(await (await queue.put(double(3))).result()).toBe(6);
  });

  it('is ended when the box stops, and its job is handed back', async () => {
    const { box, queue, loop, listen, threads, entries } = await setUp(makeStore, {
      fates: { loop: 'hangs' },
    });
    const jobs = [await queue.put(loop()), await queue.put(listen())];
    for (const job of jobs) await job.waitFor('ACTIVE');

    await box.stop();

    expect(threads.alive).toBe(0);
    const texts = entries.map(({ message }) => message);
    expect(texts.filter((text) => text.includes('was handed back'))).toHaveLength(2);
    expect(texts.filter((text) => text.includes('handed on'))).toEqual([]);
  });

  it('that listens stops by itself when the box says so, and nothing has to be ended', async () => {
    const { box, queue, listen, calls, entries, reactor } = await setUp(makeStore);
    await (await queue.put(listen())).waitFor('ACTIVE');
    await reactor.runUntilIdle();

    const stopped = box.stop({ abort: '2s' });
    await reactor.advance('1s');
    await stopped;

    expect(calls).toEqual([expect.stringMatching(/^ShutdownError/)]);
    expect(entries.filter(({ message }) => message.includes('was handed back'))).toHaveLength(1);
  });

  it('is gone before its dispatcher releases its jobs', async () => {
    const { queue, loop, threads, dispatcher, reactor } = await setUp(makeStore, {
      fates: { loop: 'survives' },
    });
    const job = await queue.put(loop());
    await job.waitFor('ACTIVE');

    const deactivated = dispatcher.deactivate();
    await reactor.advance('4s');
    expect((await job.refresh()).status).toBe('ACTIVE');
    threads.release();
    await deactivated;

    expect([(await job.refresh()).status, job.record.retryData, threads.alive]).toEqual(['PENDING', null, 0]);
  });

  it('keeps a value that it gives within its grace', async () => {
    const { queue, answer, reactor } = await setUp(makeStore);
    const job = await queue.put(answer());
    await job.waitFor('ACTIVE');
    await reactor.runUntilIdle();

    await job.cancel();

    expect(await job.result()).toBe('the answer');
    expect((await job.refresh()).ending).toBe('succeeded');
  });

  it('beats for its job', async () => {
    const { queue, beating, reactor } = await setUp(makeStore);
    const [beats, silent] = [await queue.put(beating(true)), await queue.put(beating(false))];
    await beats.waitFor('ACTIVE');

    await reactor.advance('1m');

    expect(await endOf(beats)).toMatchObject({ code: 'beaten' });
    expect(await endOf(silent)).toMatchObject({ ending: 'failed', code: 'TIMEOUT' });
  });

  it('cancels other jobs, and adds callbacks to completed ones, in its own commit', async () => {
    const { queue, meddling, double, halve, calls, reactor } = await setUp(makeStore);
    const [waits, over] = [await queue.put(double(1), { beginAfter: '1h' }), await queue.put(double(5))];
    await waits.addCallback(halve);
    await over.waitFor('COMPLETED');

    const job = await queue.put(meddling(waits, over));
    expect(await job.result()).toBe('cancelled');
    await waits.waitFor('COMPLETED');
    await reactor.runUntilIdle();

    expect(await endOf(waits)).toMatchObject({ ending: 'cancelled' });
    expect(calls.filter((call) => call.startsWith('halve'))).toEqual(['halve 10', 'halve CANCELLED']);
  });

  it('can do nothing for its job once it has ended', async () => {
    const { queue, lingering, open, after, reactor } = await setUp(makeStore);
    const job = await queue.put(lingering());
    await job.result();

    open();
    await reactor.runUntilIdle();

    expect(await after).toEqual(['TRANSACTION_ENDED', 'TRANSACTION_ENDED']);
    expect((await job.refresh()).annotations).toEqual({});
  });
});

forEachStore('The threads of an agent', (makeStore) => {
  it('end when they were idle for long, and when they have had as many jobs as they may', async () => {
    const { queue, double, threads, reactor } = await setUp(makeStore, {
      size: 1,
      thread: { idle: '1m', maxJobs: 2 },
    });
    for (const n of [1, 2, 3]) await (await queue.put(double(n))).result();
    await reactor.runUntilIdle();
    expect([threads.started, threads.alive]).toEqual([2, 1]);

    await reactor.advance('59s');
    expect(threads.alive).toBe(1);
    await reactor.advance('2s');
    expect(threads.alive).toBe(0);
  });

  it('are replaced when the agent gets other settings, and end when it has none', async () => {
    const { box, queue, double, threads, reactor, dispatcher } = await setUp(makeStore, { size: 1 });
    await (await queue.put(double(1))).result();
    const { agents } = await queue.dispatchers.get(box.uuid);

    await agents.set('main', agent({ size: 1, executor: 'thread', thread: { maxHeapMb: 64 } }));
    await (await queue.put(double(2))).result();
    await reactor.runUntilIdle();
    expect([threads.started, threads.alive]).toEqual([2, 1]);
    await agents.set('main', agent({ size: 1 }));
    await (await queue.put(double(3))).result();
    await reactor.runUntilIdle();

    expect([threads.started, threads.alive, dispatcher.getStatusInfo().threads]).toEqual([2, 0, []]);
  });

  it('need a module: without one agents.set and box.start refuse them', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [], queues: [''] });
    const threaded = agent({ executor: 'thread' });
    const dispatcher = await box.start();
    const { agents } = await box.queue().dispatchers.get(box.uuid);

    await expect(agents.set('main', threaded)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect((await agents.get('main'))?.executor).toBe('inline');
    await dispatcher.deactivate();
    await expect(box.start({ agent: threaded })).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('that no module serves any more claim nothing, and their agent says why', async () => {
    const [store, uuid] = [makeStore(), '7b1f6c0e-43a5-4d3f-9f53-0f7a3c5d2e11'];
    const note = defineJob({ name: 'note', run: () => 'noted' });
    const common = { store, uuid, jobs: [note], queues: [''] };
    const first = await makeBox({ ...common, threads: new VirtualThreads(), threadModule });
    await first.box.createQueue('other');
    const { agents } = await first.box
      .start({ agent: agent({ executor: 'thread' }) })
      .then(() => first.box.queue().dispatchers.get(uuid));
    expect((await agents.get('main'))?.thread).toEqual({ maxHeapMb: null, idle: 30_000, maxJobs: null });
    await first.stop();

    const second = await makeBox(common);
    await second.box.start();
    const job = await second.box.queue().put(note());
    await second.reactor.runUntilIdle();

    const now = await (await second.box.queue().dispatchers.get(uuid)).agents.get('main');
    expect([(await job.refresh()).status, now?.failure?.code]).toEqual(['PENDING', 'INVALID_OPTION']);
  });
});
