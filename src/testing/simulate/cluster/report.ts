import type { JobStatus } from '../../../index.ts';
import { type Kept, placeOf } from '../audit/kept.ts';
import type { SimulationFaults } from '../world/faults.ts';
import type { SimulatedJob } from './scenario.ts';

/** What came of one seed. */
export interface SimulationReport {
  readonly seed: number;
  /** Of everything that happened, in order: the same seed gives the same. */
  readonly hash: string;
  /** What broke, one line each: the invariant, and where. */
  readonly violations: readonly string[];
  readonly jobs: readonly SimulatedJob[];
  /** What this seed let go wrong. */
  readonly faults: SimulationFaults;
  /** Simulated milliseconds. */
  readonly durationMs: number;
  /** Everything that happened: instants since the beginning in milliseconds, and what. */
  readonly trace: readonly string[];
}

/** A job as reports and scenarios see it. */
export function reported(job: Kept): SimulatedJob {
  const { id, state, fields } = job;
  const place = placeOf(job);
  return {
    id,
    name: String(fields.name),
    status: (state ?? 'new').split('.')[0]?.toUpperCase() as JobStatus,
    ending: (fields.ending as string | undefined) ?? null,
    attempts: Number(fields.attempts ?? 0),
    parent: place !== null && 'job' in place ? place.job : null,
    dispatcher: place !== null && 'dispatcher' in place ? place.dispatcher : null,
  };
}
