import type { AgentSettings, JobStatus, Signalbox } from '../../../index.ts';
import { checkOptions, invalid } from '../../check-options.ts';
import type { SimulationFaults } from '../world/faults.ts';
import type { SeededRandom } from '../world/random.ts';
import type { SimulatedClient } from './client.ts';
import type { SimulatedBoxOptions } from './simulated-process.ts';

/** A scenario: the jobs and machines, and what clients do with them. */
export interface SimulatedScenario extends SimulatedBoxOptions {
  /** One act of a client, called at random instants while faults happen. Usually it puts a job. */
  readonly act: (client: SimulatedClient) => unknown;
  /** The number of acts. Default 20. */
  readonly acts?: number;
  /** Called once before the faults: for quotas and similar settings. */
  readonly prepare?: (box: Signalbox) => unknown;
  /** Called after every commit that is synced. Throw for what must not be. */
  readonly invariant?: () => void;
  /** Called once at the end, when every job has ended. Throw for what must not be. */
  readonly check?: (box: Signalbox) => unknown;
  /** Called for each box as its process starts: for agents, hooks and listeners. */
  readonly install?: (box: Signalbox) => void | Promise<void>;
  /**
   * Agent `main` of every queue in every process. Default: size 2, any job. Null: no agent; `install` makes the
   * agents.
   */
  readonly agent?: AgentSettings | null;
}

const known = [
  ...['act', 'acts', 'prepare', 'invariant', 'check', 'install', 'agent', 'jobs', 'machines', 'queues'],
  ...['filters', 'choosers', 'conditions', 'retryPolicies', 'threadModule', 'threads', 'intercept'],
] as const satisfies readonly (keyof SimulatedScenario)[];

/** Refuses what is no scenario. Nothing else tells a mistyped `invariant`. @throws SignalboxError `INVALID_OPTION`. */
export function checkScenario(given: SimulatedScenario): SimulatedScenario {
  if (given instanceof Promise)
    throw invalid('scenario', 'a function that gives its scenario at once', 'one that gives a promise');
  checkOptions(given, known, 'scenario');
  const { act, acts = 1 } = given;
  if (typeof act !== 'function') throw invalid('act', 'a function', String(act));
  if (!Number.isInteger(acts) || acts < 0) throw invalid('acts', 'a whole number from 0 up', String(acts));
  for (const option of ['prepare', 'invariant', 'check', 'install'] as const)
    if (given[option] !== undefined && typeof given[option] !== 'function')
      throw invalid(option, 'a function', String(given[option]));
  const { jobs = [], machines = [] } = given;
  if (!Array.isArray(jobs) || !jobs.every((job) => Object(job).definition !== undefined))
    throw invalid('jobs', 'a list of what defineJob returns', String(jobs));
  if (!Array.isArray(machines) || !machines.every((machine) => Object(machine).prepared !== undefined))
    throw invalid('machines', 'a list of what defineMachine returns', String(machines));
  return given;
}

/** The run of one seed, for its scenario. */
export interface SimulatedRun {
  readonly seed: number;
  /** The randomness of the scenario. */
  readonly random: SeededRandom;
  /** The faults of this seed. */
  readonly faults: SimulationFaults;
  /** Simulated time: epoch milliseconds. */
  now(): number;
  /** Returns a job as it is synced; undefined when nothing of it is. */
  job(id: string): SimulatedJob | undefined;
  /** Returns an actor as it is synced; undefined when nothing of it is. */
  actor(id: string): SimulatedActor | undefined;
  /** Returns since when the process with the dispatcher of this UUID runs without a fault; null when it does not. */
  wellSince(uuid: string): number | null;
  /** Reports a violation. */
  violated(what: string): void;
}

/** A durable actor of a run. */
export interface SimulatedActor {
  /** `<machine>/<key>`; of a child `<id of its parent>/<child>`. */
  readonly id: string;
  readonly machine: string;
  readonly status: 'absent' | 'active' | 'suspended' | 'done' | 'failed' | 'stopped';
  /** The paths of the states in which its machine is, joined by `|`. */
  readonly state: string;
}

/** The outcome of one job. */
export interface SimulatedJob {
  readonly id: string;
  readonly name: string;
  readonly status: JobStatus;
  /** Null until the job has ended. */
  readonly ending: string | null;
  /** How many times its code was started. */
  readonly attempts: number;
  /** When its code was asked to stop, and why; null while it was not. */
  readonly stop: { readonly cause: string; readonly at: number } | null;
  /** How long one attempt may take, in milliseconds; null for no limit. */
  readonly timeout: number | null;
  /** The job whose callback it is; null when it is not a callback. */
  readonly parent: string | null;
  /** The dispatcher that holds it, or whose history has it; null when it is elsewhere. */
  readonly dispatcher: string | null;
}
