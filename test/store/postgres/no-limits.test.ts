import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it.each([
  ['a keyed quota', { kind: 'quota', id: '/k', event: 'quota.created', patch: { size: 1, keyed: true } }],
  ['a quota without a size', { kind: 'quota', id: '/k', event: 'quota.created', patch: { size: null } }],
  [
    'a rate',
    {
      kind: 'quota',
      id: '/k',
      event: 'quota.created',
      patch: { size: 1, rate: { limit: 1, per: 1, burst: 1 } },
    },
  ],
  ['a closed limit', { kind: 'limit', id: '/k', event: 'limit.closed', patch: { closedUntil: 1 } }],
  ['a job with keys', { kind: 'job', id: 'a', event: 'job.put', patch: { name: 'work', keys: ['k/1'] } }],
] as const)('a PostgreSQL store refuses %s, and writes nothing', async (_what, change) => {
  const open = await openByHand(await newPostgresStore());
  try {
    const before = await open.position();
    const commit = { by: 'test', changes: [{ from: null, to: null, ...change }], expect: [] };

    await expect(open.commit(commit).synced).rejects.toMatchObject({ code: 'NO_LIMITS' });

    expect(await open.list('quota', '')).toEqual([]);
    expect(await open.list('limit', '')).toEqual([]);
    expect((await open.position()).seq).toBe(before.seq);
  } finally {
    await open.close();
  }
});
