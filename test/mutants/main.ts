import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createMutatedTree, type Mutant } from './mutant.ts';
import { type TestedMutant, testedMutants } from './tested.ts';

const usage = `npm run mutants -- [--only NAME]… [--json]
  --only NAME  this mutant, or those of this number, such as S3
  --json       one JSON object as the last line of standard output`;

const options = {
  only: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** The command. Gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const only = new Set(values.only);
  const chosen = testedMutants.filter(
    ({ name, about }) => only.size === 0 || only.has(name) || only.has(about),
  );
  const unfit = await failing(chosen);
  const missed: string[] = [];
  for (const mutant of chosen) {
    const isCaught = !(await passes(mutant, mutant.test));
    if (!isCaught) missed.push(mutant.name);
    const { name, about, without, test } = mutant;
    console.error(`${about} ${name} (without ${without}): ${isCaught ? 'caught' : 'NOT CAUGHT'} by ${test}`);
  }
  const figures = {
    mutants: { total: chosen.length, caught: chosen.length - missed.length, missed },
    unfit,
  };
  if (values.json) console.log(JSON.stringify(figures));
  else console.log(`${figures.mutants.caught} of ${figures.mutants.total} mutants are caught`);
  return chosen.length > 0 && missed.length === 0 && unfit.length === 0 ? 0 : 1;
}

/** Tests that fail with every safeguard in its place: they would catch anything. */
async function failing(chosen: readonly TestedMutant[]): Promise<readonly string[]> {
  const unfit: string[] = [];
  const none: Mutant = { name: 'none', without: 'nothing', edits: [] };
  for (const test of new Set(chosen.map((mutant) => mutant.test))) {
    if (await passes(none, test)) continue;
    unfit.push(test);
    console.error(`${test} fails though nothing is missing`);
  }
  return unfit;
}

/** Whether a test passes on the sources of a mutant. */
async function passes(mutant: Mutant, test: string): Promise<boolean> {
  const tree = createMutatedTree(mutant);
  try {
    const vitest = join(tree.root, 'node_modules', 'vitest', 'vitest.mjs');
    const child = spawn(process.execPath, [vitest, 'run', '--bail', '1', '--testTimeout', '90000', test], {
      cwd: tree.root,
      stdio: 'ignore',
    });
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code === 0));
    });
  } finally {
    tree.remove();
  }
}

process.exitCode = await main(process.argv.slice(2));
