import { agent, BadStatusError, defineJob, Failure, type Job, local } from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from './barrier.ts';
import { forEachStore, makeBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });
const note = defineJob({ name: 'note', run: (input: unknown) => `got ${String(input)}` });

/** The statuses that the history of a job goes through. */
async function way(job: Job): Promise<string[]> {
  const states: string[] = [];
  for await (const { from, to } of job.history()) if (to !== null && to !== from) states.push(to);
  return states;
}

forEachStore('The status of a job', (makeStore) => {
  const open = (jobs: Parameters<typeof makeBox>[0]['jobs'] = []) =>
    makeBox({ store: makeStore(), jobs: [seven, note, ...jobs], queues: [''] });

  it('[J-17] goes through the queue and the agent, or straight from NEW to ACTIVE when the job is called', async () => {
    const { box, reactor } = await open();
    await box.start();
    const queued = seven();
    const called = seven();
    await queued.addCallback(note);
    await called.addCallback(note);

    await box.queue().put(queued);
    await reactor.runUntilIdle();
    expect(await box.call(called)).toBe(7);

    expect(await way(queued)).toEqual(['pending', 'assigned', 'active.running', 'callbacks', 'completed']);
    expect(await way(called)).toEqual(['new', 'active.running', 'callbacks', 'completed']);
    expect((await called.refresh()).record).toMatchObject({ parent: null, outcome: { ok: true, value: 7 } });
  });

  it('[J-18] of a job that was not called follows its place: queue, agent, or nowhere', async () => {
    const { box } = await open();
    const job = await box.queue().put(seven);
    expect([(await job.refresh()).status, job.record.parent]).toEqual(['PENDING', { queue: '' }]);

    await box.queue().pull();
    expect([(await job.refresh()).status, job.record.parent]).toEqual(['NEW', null]);

    await box.queue().put(job);
    await box.queue().claim();
    expect((await job.refresh()).status).toBe('ASSIGNED');
    expect(job.record.parent).toEqual({ queue: '', dispatcher: box.uuid, agent: 'client' });
  });

  it('[J-19] of a callback that was not called, or of an undecided pair, is that of the job above it', async () => {
    const { box } = await open();
    const job = seven();
    const callback = await job.addCallback(note);
    const further = await callback.addCallback(note);
    const branch = note.partial();
    const pair = await job.addCallbacks({ success: branch });
    const statuses = async (): Promise<unknown[]> => [
      (await callback.refresh()).status,
      (await further.refresh()).status,
      (await branch.refresh()).status,
      await pair.status(),
    ];

    await box.queue().put(job);
    expect(await statuses()).toEqual(['PENDING', 'PENDING', 'PENDING', 'PENDING']);
    await box.queue().pull();
    expect(await statuses()).toEqual(['NEW', 'NEW', 'NEW', 'NEW']);
    await box.queue().put(job);
    await box.queue().claim();
    expect(await statuses()).toEqual(['ASSIGNED', 'ASSIGNED', 'ASSIGNED', 'ASSIGNED']);
  });

  it('[J-20] cannot be assigned, and neither can the outcome', async () => {
    const { box } = await open();
    const job = await box.queue().put(seven);

    expect(() => Object.assign(job, { status: 'COMPLETED' })).toThrow(TypeError);
    expect(() => Object.assign(job, { outcome: { ok: true, value: 1 } })).toThrow(TypeError);

    expect([job.status, job.outcome]).toEqual(['PENDING', null]);
  });

  it('[J-21] lets the job be called while it is NEW or ASSIGNED, and at no other time', async () => {
    const inJob = new Barrier();
    const inCallback = new Barrier();
    const slow = defineJob({ name: 'slow', run: () => inJob.wait() });
    const slowToo = defineJob({ name: 'slowToo', run: (_input: unknown) => inCallback.wait() });
    const { box, reactor } = await open([slow, slowToo]);
    const refused = async (job: Job, status: string): Promise<void> => {
      expect((await job.refresh()).status).toBe(status);
      await expect(box.call(job)).rejects.toBeInstanceOf(BadStatusError);
      await expect(box.call(job)).rejects.toMatchObject({ details: { status } });
    };
    const job = slow();
    await job.addCallback(slowToo);

    await box.queue().put(job);
    await refused(job, 'PENDING');
    await box.queue().claim();
    const called = box.call(job);
    await reactor.runUntilIdle();
    await refused(job, 'ACTIVE');
    inJob.release('done');
    await reactor.runUntilIdle();
    await refused(job, 'CALLBACKS');
    inCallback.release('done too');
    expect(await called).toBe('done');
    await refused(job, 'COMPLETED');

    expect(await box.call(seven())).toBe(7);
    expect([inJob.calls, inCallback.calls]).toEqual([1, 1]);
  });

  it('[J-22] keeps a job from calling itself: the refusal becomes its Failure', async () => {
    const again = defineJob({
      name: 'again',
      run: () => box.call(local.getJob() as Job) as Promise<unknown>,
    });
    const { box } = await open([again]);
    await box.start();
    const job = await box.queue().put(again);

    await job.waitFor('COMPLETED');

    expect(job.outcome).toMatchObject({ ok: false, failure: { name: 'BadStatusError', code: 'BAD_STATUS' } });
    expect(job.record.attempts).toBe(1);
  });

  it('[J-23] keeps a callback from calling its parent, which completes with its own result', async () => {
    const callIt = defineJob({
      name: 'callIt',
      run: (job: Job, _input?: unknown) => box.call(job) as Promise<unknown>,
    });
    const { box, reactor } = await open([callIt]);
    await box.start();
    const job = seven();
    const callback = await job.addCallback(callIt.partial(job));

    await box.queue().put(job);
    await reactor.runUntilIdle();

    expect(await job.refresh()).toMatchObject({ status: 'COMPLETED', outcome: { ok: true, value: 7 } });
    await callback.refresh();
    expect(callback.outcome).toMatchObject({ ok: false, failure: { name: 'BadStatusError' } });
    expect(callback.outcome?.ok === false && callback.outcome.failure).toBeInstanceOf(Failure);
  });

  it('[J-24] stays COMPLETED when callbacks are added and run later', async () => {
    const barrier = new Barrier();
    const slow = defineJob({ name: 'slow', run: (_input: unknown) => barrier.wait() });
    const { box, reactor } = await open([slow]);
    await box.start({ agent: agent({ size: 1 }) });
    const job = await box.queue().put(seven);
    await reactor.runUntilIdle();

    const late = note.partial();
    await job.addCallback(late);
    void job.addCallback(slow);
    await reactor.runUntilIdle();

    expect(await late.result()).toBe('got 7');
    expect(barrier.calls).toBe(1);
    expect((await job.refresh()).status).toBe('COMPLETED');
    barrier.release('now');
    await reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('COMPLETED');
    expect((await way(job)).filter((state) => state === 'completed')).toHaveLength(1);
  });
});
