import { explore, type Seen, type Task } from './explore.ts';

// A process of its own: in a mutated tree it runs the mutated code. It does its tasks until one shows a violation.
process.once('message', async (tasks: readonly Task[]) => {
  const seen: Seen[] = [];
  for (const task of tasks) {
    seen.push(await explore(task));
    if (seen.at(-1)?.violationCount !== 0) break;
  }
  process.send?.(seen, () => process.disconnect());
});
