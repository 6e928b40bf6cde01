import fc from 'fast-check';
import { afterAll, describe, it } from 'vitest';
import { leavesNone, type Step, stepsOf, takesTheFirst, World } from '../../model/parking-world.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

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
