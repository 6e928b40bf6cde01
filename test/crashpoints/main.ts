import type { Mutant } from '../mutants/mutant.ts';
import { type Arguments, readArguments } from './arguments.ts';
import type { Task } from './explore.ts';
import { mutants } from './mutants.ts';
import { inChild, inMutatedTree, runAll } from './processes.ts';
import { keepFiles, show, Total, tableOf } from './report.ts';
import { type Extents, extentsOf } from './sizes.ts';

const given = readArguments(process.argv.slice(2));
if (typeof given === 'string') {
  console.error(given);
  process.exitCode = 1;
} else await run(given);

async function run({ json, quick, size, seed, keep }: Arguments): Promise<void> {
  const began = performance.now();
  const extents = extentsOf(quick, size, seed);
  const total = new Total();
  const missed: string[] = [];
  await runAll([
    ...extents.tasks.map((task) => () => look(task, total)),
    ...(seed === null ? mutants : []).map((mutant) => () => judge(mutant, extents, missed)),
  ]);
  for (const told of total.violations) show(told);
  if (keep !== null && total.violations[0] !== undefined) keepFiles(total.violations[0], keep);

  const tried = seed === null ? mutants.length : 0;
  const report = {
    images: total.images.size,
    nested: total.nested.size,
    killThenPowerLoss: total.afterKill.size,
    damages: total.damages,
    violations: total.violationCount,
    mutants: { total: tried, caught: tried - missed.length, missed },
    seconds: Math.round((performance.now() - began) / 1000),
  };
  console.log(json ? JSON.stringify(report) : tableOf(report));
  process.exitCode = report.violations === 0 && missed.length === 0 ? 0 : 1;
}

async function look(task: Task, total: Total): Promise<void> {
  for (const seen of await inChild([task])) {
    for (const key of seen.images) total.images.add(key);
    for (const key of seen.nested) total.nested.add(key);
    for (const key of seen.afterKill) total.afterKill.add(key);
    total.damages += seen.damages;
    total.violations.push(...seen.violations);
    total.violationCount += seen.violationCount;
    const name = task.kind === 'damage' ? 'damages' : `${task.kind} ${task.seed}`;
    const count = seen.images.length + seen.nested.length + seen.afterKill.length + seen.damages;
    console.error(`${name}: ${count.toLocaleString('en')} images, ${seen.violationCount} violations`);
  }
}

/** A mutant is caught by a violation. One that cannot even do its work shows nothing. */
async function judge(mutant: Mutant, { mutantTasks }: Extents, missed: string[]): Promise<void> {
  let how = 'not caught';
  try {
    const seen = await inMutatedTree(mutant, mutantTasks);
    const [first] = seen.at(-1)?.violations ?? [];
    if (first !== undefined) how = first.what;
    else missed.push(mutant.name);
  } catch (error) {
    missed.push(mutant.name);
    how = `not caught: ${error instanceof Error ? error.message : String(error)}`;
  }
  console.error(`mutant ${mutant.name}: ${how.slice(0, 100)}`);
}
