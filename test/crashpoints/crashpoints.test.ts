import { describe, expect, it } from 'vitest';
import { editedFiles } from '../mutants/mutant.ts';
import { explore } from './explore.ts';
import { mutants } from './mutants.ts';
import { shortTasks } from './sizes.ts';

describe('A json store keeps its promises', () => {
  it.each(
    shortTasks.map((task) => [task.kind === 'damage' ? 'damage' : `${task.kind} of seed ${task.seed}`, task]),
  )('through %s', async (_, task) => {
    const seen = await explore(task);

    expect(seen.violations.map(({ what, where }) => `${what}\n${where}`)).toEqual([]);
    const counts = task.kind === 'damage' ? [seen.damages] : [seen.images, seen.nested, seen.afterKill];
    for (const count of counts) expect(typeof count === 'number' ? count : count.length).toBeGreaterThan(100);
  });
});

describe('The mutants of `npm run crashpoints`', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s fits the code', (_, mutant) => {
    expect(editedFiles(mutant).size).toBeGreaterThan(0);
  });

  it('have names of their own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });
});
