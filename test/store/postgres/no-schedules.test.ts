import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('A PostgreSQL store refuses a schedule, and writes nothing', async () => {
  const open = await openByHand(await newPostgresStore());
  try {
    const before = await open.position();
    const patch = { setAt: 1, setBy: 'test' };
    const change = {
      kind: 'schedule',
      id: '/s',
      event: 'schedule.set',
      from: null,
      to: 'active',
      patch,
    } as const;

    const { synced } = open.commit({ by: 'test', changes: [change], expect: [] });

    await expect(synced).rejects.toMatchObject({ code: 'NO_SCHEDULES' });
    expect(await open.list('schedule', '')).toEqual([]);
    expect(await open.dueSchedules(1e15, 10)).toEqual([]);
    expect((await open.position()).seq).toBe(before.seq);
  } finally {
    await open.close();
  }
});
