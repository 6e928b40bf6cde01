import type { JobStatus } from '../../../index.ts';
import { placeOf, type ReplayedRecord } from '../audit/replayed-record.ts';
import type { SimulationFaults } from '../world/faults.ts';
import type { SimulatedActor, SimulatedJob } from './scenario.ts';

/** The report of one seed. */
export interface SimulationReport {
  readonly seed: number;
  /** A hash of the trace: the same seed gives the same hash. */
  readonly hash: string;
  /** One line for each violation: the invariant, and where it broke. */
  readonly violations: readonly string[];
  readonly jobs: readonly SimulatedJob[];
  readonly actors: readonly SimulatedActor[];
  /** The faults of this seed. */
  readonly faults: SimulationFaults;
  /** Simulated milliseconds. */
  readonly durationMs: number;
  /** Everything that happened, one line each, with milliseconds since the beginning. */
  readonly trace: readonly string[];
}

/** An actor as reports and scenarios see it. */
export function reportedActor({ id, state, fields }: ReplayedRecord): SimulatedActor {
  return {
    id,
    machine: String(fields.machine),
    status: (fields.status ?? 'absent') as SimulatedActor['status'],
    state: state ?? '',
  };
}

/** A job as reports and scenarios see it. */
export function reported(job: ReplayedRecord): SimulatedJob {
  const { id, state, fields } = job;
  const place = placeOf(job);
  return {
    id,
    name: String(fields.name),
    status: (state ?? 'new').split('.')[0]?.toUpperCase() as JobStatus,
    ending: (fields.ending as string | undefined) ?? null,
    attempts: Number(fields.attempts ?? 0),
    stop: (fields.stop as SimulatedJob['stop'] | undefined) ?? null,
    timeout: (fields.timeout as number | null | undefined) ?? null,
    parent: place !== null && 'job' in place ? place.job : null,
    dispatcher: place !== null && 'dispatcher' in place ? place.dispatcher : null,
  };
}
