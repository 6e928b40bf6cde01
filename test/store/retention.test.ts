import { memoryStore, NodeReactor, type OpenStore, randomIds } from 'signalbox';
import { expect, it } from 'vitest';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

function job(id: string, to: string, parent: Record<string, string> | null): Change {
  return { kind: 'job', id, event: 'made', from: null, to, patch: { name: 'work', parent } };
}

it('The chosen callback of a job that is at its callbacks is kept, as any other of its callbacks is', async () => {
  const reactor = new NodeReactor();
  const store = await memoryStore({ completedMaxCount: 0 }).open({
    now: () => 1000,
    defer: (run) => reactor.callFromThread(run),
    newId: () => randomIds.newUuid(),
    report: () => {},
  });
  const isDropped = new Promise<void>((resolve) => {
    store.follow((lines) => {
      if (lines.some(({ entries }) => entries.some(({ gone }) => gone))) resolve();
    });
  });
  const chosen = { parent: { job: 'parent' }, order: ['callback', 0], branches: [], chosen: 'chosen' };
  await store.commit({
    by: 'client',
    changes: [
      job('parent', 'callbacks', null),
      { kind: 'proxy', id: 'proxy', event: 'made', from: null, to: null, patch: chosen },
      job('chosen', 'completed', { proxy: 'proxy' }),
      job('single', 'completed', { job: 'parent' }),
      job('other', 'completed', null),
    ],
    expect: [],
  }).synced;

  await isDropped;
  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['chosen', 'parent', 'single']);
  await store.close();
});
