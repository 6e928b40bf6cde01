import { memoryStore, type Store } from 'signalbox';
import {
  type SimulatedHost,
  type SimulateOptions,
  SimulationError,
  type SimulationReport,
  simulate,
  simulatedJsonStore,
} from 'signalbox/testing';
import { actorScenario } from './actors/scenario.ts';
import { SimulatedDatabase } from './postgres/database.ts';
import { simulationServer } from './postgres/simulation-server.ts';
import { keyedScenario, longScenario, scenario } from './scenario.ts';

/** The stores that seeds run on. */
export const storeKinds = ['memory', 'json', 'postgres'] as const;

/** One of them. */
export type StoreKind = (typeof storeKinds)[number];

/** Whether a text names one. */
export function isStoreKind(name: string): name is StoreKind {
  return (storeKinds as readonly string[]).includes(name);
}

/** Runs one seed of our own life. */
export async function runSeed(seed: number, kind: StoreKind): Promise<SimulationReport> {
  if (kind === 'memory') return run(seed, () => memoryStore());
  if (kind === 'json') return run(seed, simulatedJsonStore);
  const database = new SimulatedDatabase(await simulationServer());
  try {
    const crashes = (): number => database.crashes;
    const report = await run(seed, (host) => database.store(host), crashes);
    return { ...report, violations: [...report.violations, ...database.problems] };
  } finally {
    await database.end();
  }
}

/** What happens in a seed, and for how long. */
function planOf(
  seed: number,
  crashes: () => number,
): Pick<SimulateOptions, 'scenario' | 'faults' | 'safety'> {
  // Every fourth seed is about processes that stop for long, again and again, and are answered after that.
  if (seed % 4 === 0)
    return {
      scenario: (run) => longScenario(run, crashes),
      faults: { kills: 0, lostAnswers: 0, crashes: 0, stalls: 16, pauses: 4, clockJumps: 8 },
      safety: '3m',
    };
  // Some are about keys.
  if (seed % 7 === 5)
    return {
      scenario: (run) => keyedScenario(run, crashes),
      faults: { kills: 0, lostAnswers: 0 },
      safety: '40s',
    };
  // Some are about durable actors.
  if (seed % 5 === 1)
    return {
      scenario: actorScenario,
      faults: seed % 3 === 0 ? { kills: 0, lostAnswers: 0 } : {},
      safety: '40s',
    };
  // Every third of the others keeps its processes, or takes all of them down at once: then jobs may do what needs that.
  return {
    scenario: (run) => scenario(run, crashes),
    faults: seed % 3 === 0 ? { kills: 0, lostAnswers: 0 } : {},
    safety: '40s',
  };
}

/** `crashes`: how often the store alone went down. */
async function run(
  seed: number,
  store: (host: SimulatedHost) => Store,
  crashes = (): number => 0,
): Promise<SimulationReport> {
  try {
    return await simulate({
      seed,
      ...planOf(seed, crashes),
      store,
      dispatchers: 2 + (seed % 2),
      pollInterval: '10s',
      pingInterval: '10s',
      deathInterval: '25s',
    });
  } catch (error) {
    if (error instanceof SimulationError) return error.report;
    throw error;
  }
}
