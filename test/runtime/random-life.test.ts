import { test } from 'vitest';
import { checkLives } from './random-lives.ts';

// A failure prints a seed and a path. To replay it, shrunk:
//   LIFE_SEED=<seed> LIFE_PATH=<path> LIFE_STORE=memory|json npx vitest run test/runtime/random-life.test.ts
// Lives with fresh seeds are led by `npm run simulate`.
const { LIFE_SEED, LIFE_PATH, LIFE_STORE } = process.env;
const isReplay = LIFE_SEED !== undefined;

// A pass takes 2 s; a failure is shrunk before it is shown.
const timeout = 120_000;

test.each(isReplay ? [Number(LIFE_SEED)] : [1, 2, 3, 4])(
  'a random life on the memory store keeps every invariant (seed %i)',
  { timeout, skip: isReplay && LIFE_STORE === 'json' },
  (seed) => checkLives('memory', { seed, numRuns: 26, path: LIFE_PATH }),
);

test.each(isReplay ? [Number(LIFE_SEED)] : [5])(
  'a random life on the json store keeps every invariant (seed %i)',
  { timeout, skip: isReplay && LIFE_STORE === 'memory' },
  (seed) => checkLives('json', { seed, numRuns: 9, path: LIFE_PATH }),
);
