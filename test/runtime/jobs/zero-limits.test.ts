import { agent, defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

const calls: string[] = [];
const work = defineJob({ name: 'work', run: (name: string) => void calls.push(name) });
const hold = defineJob({ name: 'hold', run: (job: Job) => job.status });
const jobs = [work, hold];
const epoch = new Date(0);

forEachStore('A deadline or a start of 0', (makeStore) => {
  it('is kept: a job that is put with beginBy 0 and starts later than that expires', async () => {
    calls.length = 0;
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: null });

    const job = await box.queue().put(work('late'), { beginBy: 0 });
    expect(job.beginBy).toBe(0);
    await reactor.advance('1s');
    await (await box.queue().dispatchers.get(box.uuid)).agents.set('late', agent());
    await reactor.advance('10s');

    await job.waitFor('COMPLETED');
    expect([job.ending, calls]).toEqual(['expired', []]);
  });

  it('is kept: a callback of a limit that has passed long ago is not called', async () => {
    calls.length = 0;
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();

    const job = work('parent');
    const callback = await job.addCallback(work.partial('callback'), { beginBy: 0, beginAfter: epoch });
    await box.queue().put(job);
    await reactor.runUntilIdle();
    await job.waitFor('COMPLETED');
    const late = await job.addCallback(work.partial('late'), { beginBy: 0, beginAfter: epoch });
    await reactor.runUntilIdle();

    for (const { record, ending } of [await callback.refresh(), await late.refresh()])
      expect([record.beginAfter, record.beginBy, ending]).toEqual([0, 0, 'expired']);
    expect(calls).toEqual(['parent']);
  });

  it('is kept: of jobs in arguments, of callbacks of a pair, and of both after a restart', async () => {
    const store = makeStore();
    const { box, stop } = await makeBox({ store, jobs, queues: [''] });
    const settings = { beginBy: 0, beginAfter: epoch };
    const inner = work('inner').with(settings);
    const outer = hold(inner);
    const pair = await outer.addCallbacks({ success: work.partial('pair') }, settings);
    await box.queue().put(outer, { beginAfter: epoch });
    const ids = [outer, inner, pair.success].map((job) => job?.id ?? '');
    await stop();

    const again = await makeBox({ store, jobs });

    const limits: unknown[] = [];
    for (const id of ids) {
      const { beginAfter, beginBy } = await again.box.job(id).refresh();
      limits.push([beginAfter, beginBy]);
    }
    expect(limits).toEqual([
      [epoch, null],
      [epoch, 0],
      [epoch, 0],
    ]);
  });
});
