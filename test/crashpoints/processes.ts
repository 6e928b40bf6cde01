import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMutatedTree, type Mutant } from '../mutants/mutant.ts';
import type { Seen, Task } from './explore.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Each process takes up to half a gigabyte. */
const mostProcesses = 4;

/** Does tasks in a process of its own, one after the other, up to the first with a violation. */
export async function inChild(tasks: readonly Task[], tree = root): Promise<readonly Seen[]> {
  const child = fork(join(tree, 'test', 'crashpoints', 'child.ts'), {
    cwd: tree,
    execArgv: ['--import', 'tsx', '--conditions', 'signalbox-source'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr?.on('data', (text) => {
    complaint += text;
  });
  let seen: readonly Seen[] | null = null;
  child.on('message', (answer) => {
    seen = answer as readonly Seen[];
  });
  child.send(tasks);
  await once(child, 'exit');
  if (seen === null) throw new Error(`A process of the enumeration ended without an answer.\n${complaint}`);
  return seen;
}

/** Does tasks with one safeguard taken out of the code. */
export async function inMutatedTree(mutant: Mutant, tasks: readonly Task[]): Promise<readonly Seen[]> {
  const tree = createMutatedTree(mutant);
  try {
    return await inChild(tasks, tree.root);
  } finally {
    tree.remove();
  }
}

/** Runs all of this, as many at once as there are cores. */
export async function runAll(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...jobs];
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all(Array.from({ length: Math.min(mostProcesses, availableParallelism()) }, lane));
}
