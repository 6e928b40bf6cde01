import { test } from 'vitest';
import { checkModel } from './command-model.ts';

// More runs, with fresh seeds, are made by `npm run simulate`.
test('public calls, alone and racing, do what a model of a hundred lines says', { timeout: 120_000 }, () =>
  checkModel({ seed: 1, numRuns: 60 }),
);
