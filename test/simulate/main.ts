import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { findMutants } from './mutant-hunt.ts';
import { mutants } from './mutants.ts';
import { endSimulationServer } from './postgres/simulation-server.ts';
import { isStoreKind, runSeed, type StoreKind, storeKinds } from './run-seed.ts';
import { type PropertyFigures, runProperties, runSeeds, type SeedFigures } from './workers.ts';

const usage = `npm run simulate -- [--seeds N] [--store ${storeKinds.join('|')}] [--from SEED] [--json]
  --seeds N      how many seeds (default 5000; postgres 50)
  --from SEED    the first of them (default: drawn, and printed)
  --seed SEED    replays this one alone; with --trace everything that happened in it
  --store KIND   the store below the processes (default memory)
  --lives N      random lives of one process with many dispatchers (default 200; not on postgres)
  --models N     random calls against a model (default 1000; not on postgres)
  --mutants N    seeds in which each mutant must be found (default 400; 0: none is tried)
  --json         one JSON object as the last line of standard output

On postgres statements go to a real server, one at a time in the order of the seed, and time is simulated: a seed
takes seconds there.`;

const options = {
  seeds: { type: 'string' },
  from: { type: 'string' },
  seed: { type: 'string' },
  trace: { type: 'boolean', default: false },
  store: { type: 'string', default: 'memory' },
  lives: { type: 'string', default: '200' },
  models: { type: 'string', default: '1000' },
  mutants: { type: 'string', default: '400' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** The command. Gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
    if (values.help) {
      console.log(usage);
      return 0;
    }
    const store = storeOf(values.store);
    if (values.seed !== undefined) return await replay(counted(values.seed, 'seed'), store, values.trace);
    const usual = store === 'postgres' ? '50' : '5000';
    return await runAll({
      store,
      json: values.json,
      // The first seeds are for tests; a run of the command takes seeds that were not run yet.
      from: values.from === undefined ? randomInt(1_000, 2 ** 31) : counted(values.from, 'from'),
      seeds: counted(values.seeds ?? usual, 'seeds'),
      lives: counted(values.lives, 'lives'),
      models: counted(values.models, 'models'),
      mutantSeeds: counted(values.mutants, 'mutants'),
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return 1;
  }
}

function storeOf(name: string): StoreKind {
  if (isStoreKind(name)) return name;
  throw new Error(`Expected --store to be one of ${storeKinds.join(', ')}, got ${name}.`);
}

function counted(text: string, option: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`Expected --${option} to be a whole number, got ${text}.`);
}

/** One seed, with what broke, and its trace when that is asked for. */
async function replay(seed: number, store: StoreKind, showsTrace: boolean): Promise<number> {
  const { violations, hash, jobs, faults, trace } = await runSeed(seed, store);
  if (showsTrace) for (const line of trace) console.log(line);
  for (const violation of violations) console.log(violation);
  console.log(`seed ${seed}: ${violations.length} violations, ${jobs.length} jobs, trace ${hash}`);
  console.log(JSON.stringify(faults));
  await endSimulationServer();
  return violations.length > 0 ? 1 : 0;
}

interface Sizes {
  readonly store: StoreKind;
  readonly json: boolean;
  readonly from: number;
  readonly seeds: number;
  readonly lives: number;
  readonly models: number;
  readonly mutantSeeds: number;
}

async function runAll({ store, json, from, seeds, lives, models, mutantSeeds }: Sizes): Promise<number> {
  console.error(`seeds ${from} to ${from + seeds - 1} on the ${store} store`);
  const ran = await runSeeds({ store, from, seeds });
  const properties =
    store === 'postgres' ? noProperties : await runProperties({ store, seed: from, lives, models });
  const chosen = mutantSeeds === 0 ? [] : mutants.filter(({ stores }) => stores.includes(store));
  const found = await findMutants(chosen, store, mutantSeeds);
  const figures = {
    seeds: ran.seeds,
    violations: ran.violations,
    firstFailure: ran.firstFailure,
    seedsPerS: Number(ran.seedsPerS.toFixed(1)),
    seedsPerCpuS: Number(ran.seedsPerCpuS.toFixed(1)),
    mutants: { total: found.length, caught: found.filter(({ seed }) => seed !== null).length },
    foundAt: Object.fromEntries(found.map(({ name, seed }) => [name, seed])),
    from,
    store,
    replays: ran.replays,
    lives: properties.lives.runs,
    models: properties.models.runs,
  };
  if (json) console.log(JSON.stringify(figures));
  else
    console.table({
      ...figures,
      mutants: `${figures.mutants.caught} of ${figures.mutants.total}`,
      foundAt: '',
    });
  return isGood(ran, properties) && figures.mutants.caught === figures.mutants.total ? 0 : 1;
}

/** They are about one process, and need a store that takes no time. */
const noProperties: PropertyFigures = {
  lives: { runs: 0, failure: null },
  models: { runs: 0, failure: null },
};

function isGood(ran: SeedFigures, { lives, models }: PropertyFigures): boolean {
  const isSame = ran.replays.same === ran.replays.total;
  return ran.violations === 0 && isSame && lives.failure === null && models.failure === null;
}

process.exitCode = await main(process.argv.slice(2));
