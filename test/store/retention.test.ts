import { memoryStore, type OpenStore } from 'signalbox';
import { expect, it } from 'vitest';
import { madeJob, madeProxy, overWithBranches } from './made-records.ts';
import { openByHand } from './open-by-hand.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

/** A store that keeps no completed job, after it has dropped those of these that it may. */
async function thinned(changes: readonly Change[]): Promise<OpenStore> {
  const store = await openByHand(memoryStore({ completedMaxCount: 0 }));
  const isDropped = new Promise<void>((resolve) => {
    store.follow((lines) => {
      if (lines.some(({ entries }) => entries.some(({ gone }) => gone))) resolve();
    });
  });
  await store.commit({ by: 'client', changes, expect: [] }).synced;
  await isDropped;
  return store;
}

it('The chosen callback of a job in CALLBACKS is kept, as any other of its callbacks is', async () => {
  const store = await thinned([
    madeJob('parent', 'callbacks', null),
    madeProxy('proxy', 'parent', 'chosen'),
    madeJob('chosen', 'completed', { proxy: 'proxy' }),
    madeJob('single', 'completed', { job: 'parent' }),
    madeJob('other', 'completed', null),
  ]);

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['chosen', 'parent', 'single']);
  await store.close();
});

it('A dropped job takes with it the branches that were not chosen, and what belongs to those', async () => {
  const store = await thinned(overWithBranches);

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['pulled', 'referred', 'refers']);
  expect([await store.list('proxy', ''), await store.list('annotation', '')]).toEqual([[], []]);
  await store.close();
});
