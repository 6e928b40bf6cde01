import fc from 'fast-check';
import { type Act, type Draft, World } from './life-world.ts';

const at = fc.nat({ max: 11 });
const kind = fc.nat({ max: World.kinds - 1 });

const draft: fc.Arbitrary<Draft> = fc.record({
  kind,
  queue: fc.nat({ max: 2 }),
  after: fc.constantFrom(0, 0, 0, 4, 30),
  by: fc.constantFrom(0, 0, 0, 1, 10),
  quotas: fc.nat({ max: 3 }),
  callbacks: fc.array(kind, { maxLength: 2 }),
  pairs: fc.constantFrom(false, false, true),
});

/** Anything that can happen in a life. */
export const anyAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant('put' as const), job: draft }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('transaction' as const),
      jobs: fc.array(draft, { minLength: 1, maxLength: 3 }),
      aborts: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constantFrom('pull', 'remove', 'fail', 'annotate'), at }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('addCallback' as const), at, kind }) },
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constant('advance' as const),
      seconds: fc.constantFrom(0.001, 1, 3, 5, 10, 40, 70),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom('activate', 'deactivate', 'abandon', 'restart', 'replace'),
      at,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('falseDeath' as const), at, queue: fc.nat({ max: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constantFrom('resizeAgent', 'resizeQuota'),
      at,
      size: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant('reopen' as const), graceS: fc.constantFrom(0, 0, 10) }),
  },
);

/** How many lives, and which. `path`: the one that fast-check printed, shrunk. */
export interface Lives {
  readonly seed: number;
  readonly numRuns: number;
  readonly path?: string | undefined;
}

/** Leads random lives. @throws what broke in the shortest one that fails, with its seed and path. */
export async function checkLives(store: 'memory' | 'json', { seed, numRuns, path }: Lives): Promise<void> {
  const acts = fc.array(anyAct, { minLength: 3, maxLength: 40, size: 'max' });
  const property = fc.asyncProperty(acts, (life) => live(store, life));
  await fc.assert(property, { seed, numRuns, ...(path === undefined ? {} : { path }) });
}

async function live(store: 'memory' | 'json', acts: readonly Act[]): Promise<void> {
  const world = new World(store);
  try {
    await world.open();
    for (const one of acts) await world.perform(one);
    await world.rest();
    if (world.problems.length > 0) throw new Error(world.problems.join('\n'));
  } finally {
    await world.close();
  }
}
