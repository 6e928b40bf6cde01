import { expect, test } from 'vitest';
import { editedFiles } from '../mutants/mutant.ts';
import { mutants } from './mutants.ts';

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  'mutant %s fits the code',
  (_name, mutant) => {
    expect(editedFiles(mutant).size).toBeGreaterThan(0);
  },
);

test('there are eight mutants or more on each store', () => {
  for (const store of ['memory', 'json'] as const)
    expect(mutants.filter(({ stores }) => stores.includes(store)).length).toBeGreaterThanOrEqual(8);
});
