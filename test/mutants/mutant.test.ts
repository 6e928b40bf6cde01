import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMutatedTree, editedFiles, type Mutant } from './mutant.ts';
import { testedMutants } from './tested.ts';

const never: Mutant = {
  name: 'no-deadline',
  without: 'the deadline of a waiting job',
  edits: [
    { file: 'src/model/jobs/deadline.ts', find: 'return hasDeadline(job) &&', replace: 'return false &&' },
  ],
};

test('what is imported as signalbox in a mutated tree is the mutated code', () => {
  const tree = createMutatedTree(never);
  writeFileSync(
    join(tree.root, 'test', 'show.ts'),
    `import { isExpired } from '../src/model/jobs/deadline.ts';
     import { memoryStore } from 'signalbox';
     console.log(isExpired({ beginAfter: 0, beginBy: 1 }, 2), typeof memoryStore, import.meta.resolve('signalbox'));`,
  );
  const { stdout } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--conditions', 'signalbox-source', join(tree.root, 'test', 'show.ts')],
    { cwd: tree.root, encoding: 'utf8' },
  );
  tree.remove();

  expect(stdout.trim()).toBe(`false function file://${tree.root}/src/index.ts`);
  expect(existsSync(tree.root)).toBe(false);
});

test('a mutant that no longer fits the code is refused', () => {
  const [edit] = never.edits;
  const misfits = [
    { ...edit, find: 'not there' },
    { ...edit, find: 'job' },
    { ...edit, file: 'src/none.ts' },
  ];
  for (const misfit of misfits)
    expect(() => editedFiles({ ...never, edits: [misfit as (typeof never.edits)[0]] })).toThrow(
      'Mutant no-deadline, src/',
    );
});

test.each(testedMutants.map((mutant) => [mutant.name, mutant] as const))(
  'mutant %s fits the code, and its test is there',
  (_name, mutant) => {
    expect(editedFiles(mutant).size).toBeGreaterThan(0);
    expect(existsSync(join(import.meta.dirname, '../..', mutant.test))).toBe(true);
  },
);
