import { defineJob, memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { decorated } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

it('Pulls at once give a job each, and look once more for each that another one has got', async () => {
  let looks = 0;
  const store = decorated(memoryStore(), () => ({
    read: (call, name) => {
      if (name === 'waiting') looks += 1;
      return call();
    },
  }));
  const count = defineJob({ name: 'count', run: (n: number) => n });
  const { box } = await makeBox({ store, jobs: [count], queues: [''] });
  const put = await box.queue().putAll([1, 2, 3, 4, 5].map((n) => count(n)));

  const pulled = await Promise.all([1, 2, 3, 4, 5].map(() => box.queue().pull()));

  expect(pulled.map(({ id }) => id).toSorted()).toEqual(put.map(({ id }) => id).toSorted());
  expect(looks).toBe(5 + 4);
});
