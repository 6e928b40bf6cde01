import { type Json, memoryStore, type OpenStore } from 'signalbox';
import { expect, it } from 'vitest';
import { openByHand } from './open-by-hand.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

function job(
  id: string,
  to: string,
  parent: Record<string, string> | null,
  args: readonly Json[] = [],
): Change {
  return { kind: 'job', id, event: 'made', from: null, to, patch: { name: 'work', parent, args } };
}

function proxy(id: string, parent: string, chosen: string): Change {
  const patch = { parent: { job: parent }, order: ['callback', 0], branches: [], chosen };
  return { kind: 'proxy', id, event: 'made', from: null, to: null, patch };
}

/** A store that keeps no completed job, once it has dropped what it may of these. */
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

it('The chosen callback of a job that is at its callbacks is kept, as any other of its callbacks is', async () => {
  const store = await thinned([
    job('parent', 'callbacks', null),
    proxy('proxy', 'parent', 'chosen'),
    job('chosen', 'completed', { proxy: 'proxy' }),
    job('single', 'completed', { job: 'parent' }),
    job('other', 'completed', null),
  ]);

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['chosen', 'parent', 'single']);
  await store.close();
});

it('A job that is dropped takes the branches with it that were not chosen, and what hangs on those', async () => {
  const store = await thinned([
    job('over', 'completed', null),
    proxy('p1', 'over', 'ended'),
    job('ended', 'completed', { proxy: 'p1' }),
    job('left out', 'new', { proxy: 'p1' }),
    job('below', 'new', { job: 'left out' }),
    proxy('p2', 'below', 'x'),
    { kind: 'annotation', id: 'below/n', event: 'made', from: null, to: null, patch: { value: 1 } },
    job('referred', 'new', { proxy: 'p1' }),
    job('refers', 'pending', { queue: '' }, [{ $job: 'referred' }]),
    job('pulled', 'new', null),
  ]);

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['pulled', 'referred', 'refers']);
  expect([await store.list('proxy', ''), await store.list('annotation', '')]).toEqual([[], []]);
  await store.close();
});
