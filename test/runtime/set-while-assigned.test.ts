import { defineJob, memoryStore, NeverRetry } from 'signalbox';
import { expect, it } from 'vitest';
import { decorated } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

it('a job that starts once is called with the arguments that were set right before its start', async () => {
  const once = defineJob({ name: 'once', retry: NeverRetry, run: (text: string) => text });
  let sets = 0;
  // Another process sets them between the claim and the start, as it may while the job is ASSIGNED.
  const store = decorated(memoryStore(), (open) => ({
    commit(commit) {
      const { id } = commit.changes.find(({ event }) => event === 'job.start') ?? {};
      if (id !== undefined && sets === 0) {
        sets += 1;
        const set = { kind: 'job' as const, id, event: 'args.set', from: 'assigned', to: 'assigned' };
        open.commit({ by: 'other', changes: [{ ...set, patch: { args: ['new'] } }], expect: [] });
      }
      return open.commit(commit);
    },
  }));
  const { box, reactor } = await makeBox({ store, jobs: [once], queues: [''] });
  await box.start();

  const job = await box.queue().put(once('old'));
  await reactor.runUntilIdle();

  expect([sets, (await job.refresh()).args, job.outcome]).toEqual([1, ['new'], { ok: true, value: 'new' }]);
  expect(job.record.attempts).toBe(1);
});
