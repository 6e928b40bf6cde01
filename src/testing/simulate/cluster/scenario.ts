import type { AgentSettings, JobStatus, Signalbox } from '../../../index.ts';
import type { SimulationFaults } from '../world/faults.ts';
import type { SeededRandom } from '../world/random.ts';
import type { SimulatedClient } from './client.ts';
import type { SimulatedBoxOptions } from './simulated-process.ts';

/** One life of jobs: what there is, and what clients do with it. */
export interface SimulatedScenario extends SimulatedBoxOptions {
  /** What clients do, again and again, at random instants while faults happen: as a rule, put something. */
  readonly act: (client: SimulatedClient) => unknown;
  /** How often. Default 20. */
  readonly acts?: number;
  /** Called once before anything goes wrong: for quotas and the like. */
  readonly prepare?: (box: Signalbox) => unknown;
  /** Called once at the end, when every job is over: throw what must not be. */
  readonly check?: (box: Signalbox) => unknown;
  /** Called for each box as its process starts: for agents, hooks and listeners. */
  readonly install?: (box: Signalbox) => void | Promise<void>;
  /** Agent `main` of every queue in every process. Default: size 2, any job. Null: none, `install` makes some. */
  readonly agent?: AgentSettings | null;
}

/** The run of one seed, as its scenario sees it. */
export interface SimulatedRun {
  readonly seed: number;
  /** Randomness of the scenario. */
  readonly random: SeededRandom;
  /** What this seed lets go wrong. */
  readonly faults: SimulationFaults;
  /** Simulated time: epoch milliseconds. */
  now(): number;
  /** A job as the journal has it: what is synced. Undefined when nothing is. */
  job(id: string): SimulatedJob | undefined;
  /** Since when the process with the dispatcher of this UUID runs and nothing is wrong with it; null when that is not so. */
  wellSince(uuid: string): number | null;
  /** Says that something broke that must not. */
  violated(what: string): void;
}

/** What became of one job. */
export interface SimulatedJob {
  readonly id: string;
  readonly name: string;
  readonly status: JobStatus;
  /** Null while it is not over. */
  readonly ending: string | null;
  /** How often its code was started. */
  readonly attempts: number;
  /** The job whose callback it is; null for any other. */
  readonly parent: string | null;
  /** The dispatcher that holds it, or has held it last; null when it stands elsewhere. */
  readonly dispatcher: string | null;
}
