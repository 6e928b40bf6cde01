import { checkModel } from '../runtime/command-model.ts';
import { checkLives } from '../runtime/random-lives.ts';
import { endSimulationServer } from './postgres/simulation-server.ts';
import { runSeed } from './run-seed.ts';
import type { News, Task } from './task.ts';

const task = JSON.parse(process.argv[2] ?? '{}') as Task;
// Making stacks takes a tenth of the time, and no one reads them here: one seed alone shows them.
Error.stackTraceLimit = 0;

const unhandled: string[] = [];
process.on('unhandledRejection', (error) => unhandled.push(`I16 nobody handles ${String(error)}`));

if (task.task === 'seeds') await runSeeds(task);
else await checkProperties(task);
await endSimulationServer();
const { user, system } = process.cpuUsage();
tell({ news: 'end', cpuS: (user + system) / 1e6 });

async function runSeeds({
  store,
  from,
  to,
  step,
  replayEvery,
  endsAtFirst,
}: Task & { task: 'seeds' }): Promise<void> {
  for (let seed = from; seed < to; seed += step) {
    const { hash, violations } = await runSeed(seed, store);
    const all = [...violations, ...unhandled.splice(0)];
    tell({ news: 'seed', seed, hash, violations: all });
    if (all.length > 0 && endsAtFirst) return;
    if ((seed - from) % replayEvery !== 0) continue;
    const again = await runSeed(seed, store);
    tell({ news: 'replay', seed, isSame: again.hash === hash });
  }
}

async function checkProperties({ store, seed, lives, models }: Task & { task: 'properties' }): Promise<void> {
  Error.stackTraceLimit = 10;
  await property('lives', lives, () => checkLives(store, { seed, numRuns: lives }));
  await property('models', models, () => checkModel({ seed, numRuns: models }));
}

async function property(name: string, runs: number, check: () => Promise<void>): Promise<void> {
  let failure: string | null = null;
  try {
    if (runs > 0) await check();
  } catch (error) {
    failure = error instanceof Error ? `${error.message}\n${String(error.cause ?? '')}` : String(error);
  }
  tell({ news: 'property', name, runs, failure });
}

function tell(news: News): void {
  console.log(JSON.stringify(news));
}
