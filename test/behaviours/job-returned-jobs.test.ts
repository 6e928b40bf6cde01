import {
  agent,
  Dispatcher,
  defineJob,
  detached,
  type Failure,
  type Job,
  local,
  RetryCommonFourTimes,
  type RetryPolicy,
  SignalboxError,
} from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from './barrier.ts';
import { conflict, Faults, faultyStore, has } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });
const note = defineJob({ name: 'note', run: (input: unknown) => `got ${String(input)}` });
const putSeven = defineJob({
  name: 'putSeven',
  run: (): Promise<Job<number>> => local.getQueue().put(seven),
});
const fail = defineJob({
  name: 'fail',
  run: () => {
    throw new RangeError('too far');
  },
});
const ids = { first: '11111111-1111-4111-8111-111111111111', second: '22222222-2222-4222-8222-222222222222' };

forEachStore('A job that returns', (makeStore) => {
  const open = async (jobs: Parameters<typeof makeBox>[0]['jobs'] = [], queues = ['']) => {
    const faults = new Faults();
    const store = faultyStore(makeStore(), faults);
    return { ...(await makeBox({ store, jobs: [seven, note, putSeven, fail, ...jobs], queues })), faults };
  };

  it('[J-61] a job stays ACTIVE and waits for it, then has its result, and its own callbacks run', async () => {
    const barrier = new Barrier();
    const inner: Job[] = [];
    const slow = defineJob({ name: 'slow', run: () => barrier.wait() });
    const outer = defineJob({
      name: 'outer',
      run: async () => {
        const job = await local.getQueue().put(slow);
        inner.push(job);
        return job;
      },
    });
    const { box, reactor, faults } = await open([slow, outer]);
    await box.start();
    const job = outer();
    const callback = await job.addCallback(note);
    await box.queue().put(job);
    await reactor.runUntilIdle();

    await job.refresh();
    expect([job.status, job.outcome, job.record.waitingOn]).toEqual(['ACTIVE', null, inner[0]?.id]);
    expect((await callback.refresh()).status).toBe('ASSIGNED');
    const wait = faults.commits.find((commit) => has(commit, 'job.wait', job.id));
    expect(wait?.changes.map(({ event, id }) => [event, id])).toContainEqual(['job.put', inner[0]?.id]);

    barrier.release('of the inner job');
    await reactor.runUntilIdle();
    expect(await job.result()).toBe('of the inner job');
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect(await callback.result()).toBe('got of the inner job');
  });

  it('[J-62] an inner job may itself return a job', async () => {
    const nested = defineJob({
      name: 'nested',
      run: async (depth: number): Promise<Job> =>
        local.getQueue().put(depth > 0 ? nested(depth - 1) : seven()),
    });
    const { box, reactor } = await open([nested]);
    await box.start({ agent: agent({ size: 10 }) });

    const job = await box.queue().put(nested(4));
    await reactor.runUntilIdle();

    expect(await job.result()).toBe(7);
    const waiting: Job[] = [];
    for await (const { event, id } of box.entries()) if (event === 'job.wait') waiting.push(box.job(id));
    expect(waiting).toHaveLength(5);
    for (const outer of waiting) expect((await outer.refresh()).outcome).toEqual({ ok: true, value: 7 });
  });

  it('[J-63] a returned job that is not put is waited for until it is put', async () => {
    const inner = seven();
    const outer = defineJob({ name: 'outer', run: () => inner });
    const { box, reactor } = await open([outer]);
    await box.start();
    const job = await box.queue().put(outer);

    await reactor.advance('5m');
    expect([(await job.refresh()).status, (await inner.refresh()).status]).toEqual(['ACTIVE', 'NEW']);
    expect(await box.queue().length()).toBe(0);

    await box.queue().put(inner);
    expect(await job.result()).toBe(7);
  });

  it('[J-64] a job that fails has its Failure, and failure callbacks get it', async () => {
    const caught: string[] = [];
    const outer = defineJob({ name: 'outer', run: (): Promise<Job> => local.getQueue().put(fail) });
    const handle = defineJob({ name: 'handle', run: (failure: Failure) => void caught.push(failure.name) });
    const { box, reactor } = await open([outer, handle]);
    await box.start();
    const job = outer();
    await job.addCallbacks({ failure: handle, success: note });

    await box.queue().put(job);
    await reactor.runUntilIdle();

    await expect(job.result()).rejects.toMatchObject({ name: 'RangeError', jobId: job.id });
    expect(caught).toEqual(['RangeError']);
  });

  it('[J-65] a job keeps its place in its agent while its worker is free: an agent full of such jobs claims nothing', async () => {
    const { box, reactor } = await open();
    const dispatcher = await box.start({ agent: agent({ size: 1 }) });
    const representation = await box.queue().dispatchers.get(box.uuid);
    const job = await box.queue().put(putSeven);

    await reactor.advance('5m');
    const main = await representation.agents.get('main');
    expect((await main?.jobs())?.map(({ id }) => id)).toEqual([job.id]);
    expect(dispatcher.getActiveJobIds()).toEqual([]);
    expect((await box.queue().jobs()).map(({ name, status }) => [name, status])).toEqual([
      ['seven', 'PENDING'],
    ]);

    await representation.agents.set('main', agent({ size: 2 }));
    await reactor.advance('5s');
    expect(await job.result()).toBe(7);
    expect(await main?.length()).toBe(0);
  });

  it('[J-66] a job that is completed already completes at once with its result', async () => {
    const give = defineJob({ name: 'give', run: (job: Job) => job });
    const { box, reactor } = await open([give]);
    await box.start({ agent: agent({ size: 1 }) });
    const done = [await box.queue().put(seven), await box.queue().put(fail)] as Job[];
    await reactor.runUntilIdle();

    const outers = [await box.queue().put(give(done[0] as Job)), await box.queue().put(give(done[1] as Job))];
    await reactor.runUntilIdle();

    for (const outer of outers) expect((await outer.refresh()).status).toBe('COMPLETED');
    expect(outers[0]?.outcome).toEqual({ ok: true, value: 7 });
    expect(outers[1]?.outcome).toMatchObject({ ok: false, failure: { name: 'RangeError' } });
  });

  it('[J-66] a returned job that is gone fails the outer job at once, and its callbacks get that Failure', async () => {
    const outer = defineJob({ name: 'outer', run: (): Job => box.job('dropped') });
    const { box, reactor } = await open([outer]);
    await box.start();
    const job = outer();
    const callback = await job.addCallback(note);
    await box.queue().put(job);
    await reactor.runUntilIdle();

    await expect(job.result()).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect((await callback.refresh()).status).toBe('COMPLETED');
  });

  it('[J-67] a job that another dispatcher finishes is completed all the same, and filed by the agent that holds it', async () => {
    const elsewhere = defineJob({ name: 'elsewhere', run: (inner: Job<number>) => inner });
    const { box, reactor, logged } = await open([elsewhere], ['here', 'there']);
    box.on('dispatcherActivated', async ({ representation: { queue, uuid, agents } }) => {
      if ((queue === 'here') === (uuid === ids.first)) await agents.set('main', agent({ size: 1 }));
    });
    for (const uuid of [ids.first, ids.second]) new Dispatcher(box, { uuid }).activate();
    reactor.run();
    await reactor.runUntilIdle();
    const inner = seven();
    const outer = await box.queue('here').put(elsewhere(inner));
    await reactor.runUntilIdle();
    expect((await outer.refresh()).status).toBe('ACTIVE');

    await box.queue('there').put(inner);
    await reactor.runUntilIdle();

    expect((await inner.refresh()).record.parent).toMatchObject({ queue: 'there', dispatcher: ids.second });
    expect((await outer.refresh()).status).toBe('COMPLETED');
    expect(await outer.result()).toBe(7);
    expect(outer.callbacksEnd).not.toBeNull();
    const main = await (await box.queue('here').dispatchers.get(ids.first)).agents.get('main');
    expect(await main?.length()).toBe(0);
    expect((await main?.completed())?.map(({ id }) => id)).toEqual([outer.id]);
    expect([...logged('ERROR'), ...logged('CRITICAL')]).toEqual([]);
    expect(box.dispatchers.get(ids.first)?.getJobInfo(outer.id as string).reassigned).toBe(false);
  });

  it('[J-68] a detached promise frees its worker, and what it settles to is stored through any number of conflicts', async () => {
    const barrier = new Barrier();
    const apart = defineJob({ name: 'apart', run: () => detached(barrier.wait()) });
    const { box, reactor, faults } = await open([apart]);
    const dispatcher = await box.start({ agent: agent({ size: 2 }) });
    const jobs = [apart(), apart()];
    const callbacks = await Promise.all(jobs.map((job) => job.addCallback(note)));
    for (const job of jobs) {
      await box.queue().put(job);
      await reactor.runUntilIdle();
      await job.refresh();
      expect([job.status, job.outcome]).toEqual(['ACTIVE', null]);
      expect(dispatcher.getJobInfo(job.id as string).thread).toBe('main:0');
    }

    faults.refuseNext('job.finish', ...Array.from({ length: 20 }, conflict));
    barrier.release('settled');
    await reactor.runUntilIdle();
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['settled', 'settled']);
    expect(await Promise.all(callbacks.map((callback) => callback.result()))).toEqual([
      'got settled',
      'got settled',
    ]);
    expect(barrier.calls).toBe(2);

    const failing = await box.queue().put(apart);
    await reactor.runUntilIdle();
    barrier.fail(new RangeError('too far'));
    await expect(failing.result()).rejects.toMatchObject({ name: 'RangeError' });
  });

  it.each([
    ['is full', () => new SignalboxError('STORE_FULL', { path: 'the disk', needed: 1 })],
    ['cannot be written for a while', () => new SignalboxError('STORE_REPLICA', { reason: 'read-only' })],
  ])(
    'waits once its store takes that again, when the store %s: the code is not called again',
    async (_, refusal) => {
      let calls = 0;
      const barrier = new Barrier();
      const outer = defineJob({
        name: 'outer',
        run: (): Promise<Job<number>> => {
          calls += 1;
          return local.getQueue().put(seven);
        },
      });
      const apart = defineJob({ name: 'apart', run: () => detached(barrier.wait()) });
      const { box, reactor, faults } = await open([outer, apart]);
      await box.start();
      for (const result of [7, 'settled']) {
        faults.refuseNext('job.wait', refusal(), refusal());
        const job: Job<unknown> = await (result === 7 ? box.queue().put(outer()) : box.queue().put(apart()));
        await reactor.runUntilIdle();
        if (result === 'settled') barrier.release(result);
        expect((await job.refresh()).status).toBe('ACTIVE');

        await reactor.advance('15s');

        expect(await job.result()).toBe(result);
        const waits = faults.commits.filter((commit) => has(commit, 'job.wait', job.id));
        expect(waits.map(({ changes }) => changes.length)).toEqual(
          Array.from({ length: 3 }, () => waits[0]?.changes.length),
        );
      }
      expect(calls).toBe(1);
    },
  );

  it('[J-69] a detached promise dies with its process: the job is found ACTIVE and interrupted like any other', async () => {
    const store = makeStore();
    let interruptions = 0;
    const policy: RetryPolicy = {
      ...RetryCommonFourTimes,
      name: 'watched',
      interrupted: (data, tools) => {
        interruptions += 1;
        return RetryCommonFourTimes.interrupted(data, tools);
      },
    };
    const barrier = new Barrier();
    const apart = (run: () => unknown) => defineJob({ name: 'apart', retry: policy, run });
    const before = apart(() => detached(barrier.wait()));
    const first = await makeBox({ store, jobs: [before], queues: [''] });
    const dispatcher = await first.box.start();
    const { id } = await first.box.queue().put(before());
    await first.reactor.runUntilIdle();
    dispatcher.abandon();
    await first.stop();

    const second = await makeBox({ store, jobs: [apart(() => 'run again')] });
    const job = second.box.job<string>(id as string);
    expect([(await job.refresh()).status, job.outcome]).toEqual(['ACTIVE', null]);
    await second.box.start();

    expect(await job.result()).toBe('run again');
    expect(interruptions).toBe(1);
  });
});
