import { expect, test } from 'vitest';
import { editedFiles } from '../mutants/mutant.ts';
import { mutants } from './mutants.ts';
import { storeKinds } from './run-seed.ts';

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  'mutant %s fits the code',
  (_name, mutant) => {
    expect(editedFiles(mutant).size).toBeGreaterThan(0);
  },
);

test('there are eight mutants or more on each store', () => {
  for (const store of storeKinds)
    expect(mutants.filter(({ stores }) => stores.includes(store)).length).toBeGreaterThanOrEqual(8);
});
