import { agent, defineJob, detached, type Job, local, NeverRetry, type RetryPolicy } from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from './barrier.ts';
import { conflict } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });
const start = Date.UTC(2030, 0, 1);
const after = (ms: number): Date => new Date(start + ms);

forEachStore('A timestamp of a job', (makeStore) => {
  const open = (jobs: Parameters<typeof makeBox>[0]['jobs'] = []) =>
    makeBox({ store: makeStore(), jobs: [seven, ...jobs], queues: [''] });

  it('[J-32] activeStart is the start of the call, through its retries; putting the job back clears it', async () => {
    const barrier = new Barrier<Error | null>();
    const again: RetryPolicy = {
      ...NeverRetry,
      name: 'again',
      startsOnce: false,
      jobError: (failure) => (failure.message === 'later' ? { after: '1h' } : true),
    };
    const slow = defineJob({
      name: 'slow',
      retry: again,
      run: async () => {
        const error = await barrier.wait();
        if (error !== null) throw error;
      },
    });
    const { box, reactor } = await open([slow]);
    const job = await box.queue().put(slow);
    reactor.run();
    await reactor.advance('10s');
    await box.start();
    await reactor.runUntilIdle();
    expect((await job.refresh()).activeStart).toEqual(after(10_000));

    await reactor.advance('20s');
    barrier.release(conflict());
    await reactor.runUntilIdle();
    expect(barrier.calls).toBe(2);
    expect((await job.refresh()).activeStart).toEqual(after(10_000));

    barrier.release(new Error('later'));
    await reactor.runUntilIdle();
    expect(await job.refresh()).toMatchObject({ status: 'PENDING', activeStart: null });

    await reactor.advance('1h');
    barrier.release(null);
    await reactor.runUntilIdle();
    expect(await job.refresh()).toMatchObject({
      status: 'COMPLETED',
      activeStart: after(30_000 + 3_600_000),
    });
  });

  it('[J-33] activeEnd is when the outcome is recorded, by the code or by fail, not the end of the callbacks', async () => {
    const inJob = new Barrier();
    const inCallback = new Barrier();
    const slow = defineJob({ name: 'slow', run: () => inJob.wait() });
    const slowToo = defineJob({ name: 'slowToo', run: (_input: unknown) => inCallback.wait() });
    const { box, reactor } = await open([slow, slowToo]);
    await box.start();
    const job = slow();
    await job.addCallback(slowToo);
    await box.queue().put(job);
    await reactor.advance('10s');
    expect((await job.refresh()).activeEnd).toBeNull();
    inJob.release('done');
    await reactor.advance('20s');
    expect(await job.refresh()).toMatchObject({ status: 'CALLBACKS', activeEnd: after(10_000) });
    inCallback.release('done');
    await reactor.runUntilIdle();
    expect(await job.refresh()).toMatchObject({ status: 'COMPLETED', activeEnd: after(10_000) });

    const failed = await box.queue().put(seven, { beginAfter: '1d' });
    await failed.fail();
    expect(failed.activeEnd).toEqual(after(30_000));
  });

  it('[J-34] callbacksEnd is when the agent filed the job, also when callbacks are added later, and null where no agent did', async () => {
    const barrier = new Barrier();
    const slow = defineJob({ name: 'slow', run: (_input: unknown) => barrier.wait() });
    const { box, reactor } = await open([slow]);
    const late = await box.queue().put(seven, { beginBy: '1s' });
    reactor.run();
    await reactor.advance('10s');
    await box.start();
    const job = seven();
    const callback = await job.addCallback(slow);
    await box.queue().put(job);
    await reactor.advance('10s');
    expect((await job.refresh()).callbacksEnd).toBeNull();
    barrier.release('');
    await reactor.advance('10s');
    expect((await job.refresh()).callbacksEnd).toEqual(after(20_000));
    await job.addCallback(seven as never);
    await reactor.runUntilIdle();
    expect((await job.refresh()).callbacksEnd).toEqual(after(20_000));

    const called = seven();
    await box.call(called);
    expect(await late.refresh()).toMatchObject({ ending: 'expired', callbacksEnd: null });
    expect(await callback.refresh()).toMatchObject({ status: 'COMPLETED', callbacksEnd: null });
    expect(await called.refresh()).toMatchObject({ status: 'COMPLETED', callbacksEnd: null });
  });

  it('[J-35] a job that waits for another or for a promise has no activeEnd before what it waits for is there', async () => {
    const inner = new Barrier();
    const promised = new Barrier();
    const slow = defineJob({ name: 'slow', run: () => inner.wait() });
    const outer = defineJob({ name: 'outer', run: (): Promise<Job<string>> => local.getQueue().put(slow) });
    const apart = defineJob({ name: 'apart', run: () => detached(promised.wait()) });
    const { box, reactor } = await open([slow, outer, apart]);
    await box.start({ agent: agent({ size: 5 }) });
    const jobs = [await box.queue().put(outer), await box.queue().put(apart)];

    await reactor.advance('1m');
    for (const job of jobs) {
      expect(await job.refresh()).toMatchObject({ status: 'ACTIVE', activeStart: after(0), activeEnd: null });
    }
    inner.release('inner');
    promised.release('promised');
    await reactor.runUntilIdle();

    for (const job of jobs) {
      expect(await job.refresh()).toMatchObject({
        status: 'COMPLETED',
        activeStart: after(0),
        activeEnd: after(60_000),
      });
    }
  });
});
