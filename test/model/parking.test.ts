import fc from 'fast-check';
import { memoryStore } from 'signalbox';
import { it } from 'vitest';
import { leavesNone, type Step, stepsOf, takesTheFirst, World } from './parking-world.ts';

async function inMemory(
  law: (world: World, steps: readonly Step[]) => Promise<void>,
  mostKeys: number,
  numRuns: number,
): Promise<void> {
  const property = fc.asyncProperty(stepsOf(mostKeys), async (steps) => {
    const world = await World.make(memoryStore());
    await law(world, steps);
    await world.open.close();
  });
  await fc.assert(property, { numRuns });
}

it('jobs with one key each are taken in the order of their places, as if none was ever parked', () =>
  inMemory(takesTheFirst, 1, 600));

it('jobs with several keys enter none that is full, and claims leave none behind that could be taken', () =>
  inMemory(leavesNone, 3, 150));
