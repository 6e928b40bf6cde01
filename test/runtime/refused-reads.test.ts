import { defineJob, memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { conflict, interceptedStore } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

const once = defineJob({ name: 'once', unique: { key: (key: string) => key }, run: (key: string) => key });

it.each([1, 2, 3])(
  'A put in a transaction whose read %d of its name is refused is made once',
  async (nth) => {
    let reads = 0;
    const store = interceptedStore(memoryStore(), (call, [kind]) => {
      if (call !== 'get' || kind !== 'unique') return null;
      reads += 1;
      return reads === nth ? conflict() : null;
    });
    const { box } = await makeBox({ store, jobs: [once], queues: ['mail'] });

    await box.transaction(async (tx) => {
      await tx.queue('mail').put(once('a'));
    });

    expect(await box.queue('mail').length()).toBe(1);
    await box.stop();
  },
);
