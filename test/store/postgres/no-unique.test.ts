import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('A PostgreSQL store refuses a unique name, and writes nothing', async () => {
  const open = await openByHand(await newPostgresStore());
  try {
    const before = await open.position();
    const change = { id: '/mail/1', event: 'unique.taken', patch: { job: 'a', at: 1, until: null } };
    const changes = [
      { kind: 'job', id: 'a', event: 'job.put', from: null, to: 'pending', patch: { name: 'work' } },
      { kind: 'unique', from: null, to: null, ...change },
    ] as const;

    await expect(open.commit({ by: 'test', changes, expect: [] }).synced).rejects.toMatchObject({
      code: 'NO_UNIQUE',
    });

    expect([await open.get('unique', '/mail/1'), await open.list('job', '')]).toEqual([undefined, []]);
    expect((await open.position()).seq).toBe(before.seq);
  } finally {
    await open.close();
  }
});
