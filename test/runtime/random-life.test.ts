import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Act, type Draft, World } from './life-world.ts';

// A failure prints a seed and a path. To replay it, shrunk:
//   LIFE_SEED=<seed> LIFE_PATH=<path> npx vitest run test/runtime/random-life.test.ts
const { LIFE_SEED, LIFE_PATH, LIFE_RUNS, LIFE_STORE } = process.env;

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

const act: fc.Arbitrary<Act> = fc.oneof(
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

async function live(store: 'memory' | 'json', acts: readonly Act[]): Promise<void> {
  const world = new World(store);
  try {
    await world.open();
    for (const one of acts) await world.perform(one);
    await world.rest();
    expect(world.problems).toEqual([]);
  } finally {
    await world.close();
  }
}

async function check(store: 'memory' | 'json', seed: number, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 40, size: 'max' }), (acts) =>
      live(store, acts),
    ),
    { seed, numRuns, ...(LIFE_PATH ? { path: LIFE_PATH } : {}) },
  );
}

// A pass takes 2 s; a failure is shrunk before it is shown.
const timeout = 120_000;
const any = (Date.now() & 0x7fffffff) >>> 0;
const seeds = LIFE_SEED === undefined ? [1, 2, 3, 4, any] : [Number(LIFE_SEED)];
const runs = Number(LIFE_RUNS ?? 26);

test.each(LIFE_STORE === 'json' ? [] : seeds)(
  'a random life on the memory store keeps every invariant (seed %i)',
  { timeout },
  async (seed) => {
    await check('memory', seed, runs);
  },
);

test.each(LIFE_STORE === 'memory' ? [] : LIFE_SEED === undefined ? [5, any] : seeds)(
  'a random life on the json store keeps every invariant (seed %i)',
  { timeout },
  async (seed) => {
    await check('json', seed, Math.ceil(runs / 3));
  },
);
