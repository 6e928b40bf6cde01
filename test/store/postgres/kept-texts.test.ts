import { createSignalbox, defineJob, type RetryPolicy } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('An outcome is stored whatever text its retry policy keeps beside it', async () => {
  const policy: RetryPolicy = {
    name: 'binary',
    jobError: () => ({ after: 0 }),
    commitError: () => true,
    interrupted: (data) => ({ answer: false, data }),
    updateData: (data) => ({ ...data, 'k\u0000': ['a\u0000', 'b\ud800', { c: '\u{1F600}' }] }),
  };
  let count = 0;
  const work = defineJob({
    name: 'work',
    run: () => {
      count += 1;
      if (count === 1) throw new Error('once');
      return count;
    },
  });
  const store = newPostgresStore({ clock: 'database' });
  const box = await createSignalbox({ store, jobs: [work], retryPolicies: { binary: policy } });
  await box.start({ pollInterval: '50ms' });

  const job = await box.queue().put(work().with({ retryPolicy: 'binary' }));

  expect(await job.result()).toBe(2);
  expect((await job.refresh()).record.retryData).toMatchObject({ 'k�': ['a�', 'b�', { c: '\u{1F600}' }] });
  await box.stop();
});
