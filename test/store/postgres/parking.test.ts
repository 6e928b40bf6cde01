import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { leavesNone, type Step, stepsOf, takesTheFirst, World } from '../../model/parking-world.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

/** A series of steps of its own for each seed: to make a schema takes most of the time. */
async function onServer(
  law: (world: World, steps: readonly Step[]) => Promise<void>,
  mostKeys: number,
  seed: number,
): Promise<void> {
  const steps = fc.sample(stepsOf(mostKeys), { numRuns: 2, seed }).flat();
  const world = await World.make(newPostgresStore());
  await law(world, steps);
  await world.open.close();
}

describe('On PostgreSQL', { timeout: 60_000 }, () => {
  it.each([1, 2, 3, 4])(
    'jobs with one key each are taken in the order of their places, as if none was ever parked (seed %i)',
    (seed) => onServer(takesTheFirst, 1, seed),
  );

  it.each([1, 2, 3, 4])(
    'jobs with several keys enter none that is full, and claims leave none behind that could be taken (seed %i)',
    (seed) => onServer(leavesNone, 3, seed),
  );
});

it('A job is not parked under a key that has got room while its claim was under way', async () => {
  const schema = newSchema();
  const store = newPostgresStore({ schema });
  const world = await World.make(store);
  const other = await World.make(store);
  const put = { does: 'put', name: 'one', keys: ['k/1'], by: null } as const;
  await world.take(put);
  await world.take(put);
  expect(await world.claim(1)).toEqual(['j000']);
  const admin = await connected();
  const given =
    'text[], float8[], bigint[], bigint[], text[], integer[], integer[], bigint[], integer[], float8[], text[]';
  const values = Array.from({ length: 11 }, (_, index) => `$${index + 1}`).join();
  await admin.query(
    `ALTER FUNCTION ${schema}.park RENAME TO parked;
     CREATE FUNCTION ${schema}.park(${given}) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
       PERFORM pg_advisory_xact_lock_shared(78);
       RETURN ${schema}.parked(${values});
     END $$; SELECT pg_advisory_lock(78)`,
  );
  const claiming = world.claim(1);
  const isWaiting = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 78 AND NOT granted`;
  await expect.poll(async () => (await admin.query(isWaiting)).rowCount).toBe(1);

  await other.take({ does: 'end', at: 0 });
  await admin.query('SELECT pg_advisory_unlock(78)');

  expect(await claiming).toEqual([]);
  expect(await world.open.parked('/k/1')).toBe(0);
  expect(await world.claim(1)).toEqual(['j001']);
  await Promise.all([world.open.close(), other.open.close(), admin.end()]);
});

it('Of two claims of different jobs that see the last slot of a key free one takes it', async () => {
  const store = newPostgresStore({ schema: newSchema() });
  const [first, second] = [await World.make(store), await World.make(store)];
  for (let round = 0; round < 12; round += 1) {
    for (const name of ['one', 'other'] as const)
      await first.take({ does: 'put', name, keys: ['k/1'], by: null });
    await Promise.all([first.claim(1, false, 'one'), second.claim(1, false, 'other')]);
    expect(await first.open.quotaHolders('/k/1')).toHaveLength(1);
    await first.take({ does: 'end', at: 0 });
    const [left = ''] = await first.claim(1);
    expect(left).toMatch(/^j/);
    await first.take({ does: 'end', at: 0 });
  }
  await Promise.all([first.open.close(), second.open.close()]);
});
