import { memoryStore, type Store } from 'signalbox';
import { type SimulatedHost, SimulationError, type SimulationReport, simulate } from 'signalbox/testing';
import { SimulatedDatabase } from './postgres/database.ts';
import { simulationServer } from './postgres/simulation-server.ts';
import { scenario } from './scenario.ts';
import { simulatedJsonStore } from './simulated-json-store.ts';

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
    return await run(seed, (host) => database.store(host));
  } finally {
    await database.end();
  }
}

async function run(seed: number, store: (host: SimulatedHost) => Store): Promise<SimulationReport> {
  try {
    return await simulate({
      seed,
      scenario,
      store,
      dispatchers: 2 + (seed % 2),
      // Every third seed keeps its processes, or takes all of them down at once: then jobs may do what needs that.
      faults: seed % 3 === 0 ? { kills: 0, lostAnswers: 0 } : {},
      safety: '40s',
      pollInterval: '10s',
      pingInterval: '10s',
      deathInterval: '25s',
    });
  } catch (error) {
    if (error instanceof SimulationError) return error.report;
    throw error;
  }
}
