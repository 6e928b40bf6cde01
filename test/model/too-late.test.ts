import { memoryStore, type OpenStore } from 'signalbox';
import { expect, it } from 'vitest';
import { openByHand } from '../store/open-by-hand.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

async function commit(open: OpenStore, ...changes: readonly object[]): Promise<void> {
  await open.commit({ by: 'test', changes: changes as readonly Change[], expect: [] }).written;
}

function put(id: string, settings: object): object {
  const patch = {
    name: 'work',
    args: [],
    parent: { queue: '' },
    line: 'now',
    beginAfter: 0,
    ...settings,
  };
  return { kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch };
}

function pull(id: string): object {
  const patch = { parent: null, line: null };
  return { kind: 'job', id, event: 'job.pull', from: 'pending', to: 'new', patch };
}

it('a store says when a waiting job is too late, as long as it waits', async () => {
  const open = await openByHand(memoryStore(), () => 0);
  await commit(open, put('a', { deadline: 500 }), put('b', { beginBy: 300 }), put('c', {}));
  await commit(open, put('d', { beginAfter: 100, beginBy: 50, line: 'held' }));

  const all = [await open.due(0), await open.due(100), await open.due(151), await open.due(301)];
  await commit(open, pull('b'), pull('d'));
  const left = [await open.due(0), await open.due(501)];
  await commit(open, pull('a'));

  expect(all).toEqual([100, 151, 301, 501]);
  expect(left).toEqual([501, null]);
  expect(await open.due(0)).toBeNull();
});

it('a store says when a parked job is too late', async () => {
  const open = await openByHand(memoryStore(), () => 0);
  const patch = { size: 1, keyed: true };
  await commit(open, { kind: 'quota', id: '/k', event: 'quota.created', from: null, to: null, patch });
  await commit(open, put('a', { keys: ['k/1'] }), put('b', { keys: ['k/1'], deadline: 700 }));
  await open.claim({
    ...{ queue: '', limit: 9, by: 'test', agent: null, choose: null },
    accepts: { lane: () => true, job: null },
    take: ({ job, quotas }) => {
      const place = { parent: { queue: '', dispatcher: 'd', agent: 'main' }, line: 'claimed', quotas };
      const change = {
        kind: 'job',
        id: job.id,
        event: 'job.claim',
        from: 'pending',
        to: 'assigned',
        patch: place,
      };
      return [change as unknown as Change];
    },
  });

  expect(await open.parked('/k/1')).toBe(1);
  expect(await open.due(0)).toBe(701);
});

it('of many jobs with deadlines only one that still waits counts', async () => {
  const open = await openByHand(memoryStore(), () => 0);
  await commit(open, put('last', { deadline: 2_000_000 }));
  for (let round = 0; round < 50; round += 1) {
    const ids = Array.from({ length: 200 }, (_, n) => `${round}-${n}`);
    await commit(open, ...ids.map((id) => put(id, { deadline: 1_000_000 - round })));
    await commit(open, ...ids.map(pull));
  }

  expect(await open.due(0)).toBe(2_000_001);
});
