import type { JobRecord } from '../../../model/records/records.ts';

/** Looks a job up by id. */
export type FindJob = (id: string) => JobRecord | undefined;

/**
 * Whether a job still belongs to the lane in which it has a place: its settings may have changed since it
 * entered.
 */
export type Belongs = (job: JobRecord) => boolean;

function isInLine(job: JobRecord | undefined): job is JobRecord {
  return job?.line === 'now' || job?.line === 'held' || job?.line === 'putBack';
}

/** Whether the job still waits in a queue, at the place with this key. */
export function isAt(job: JobRecord | undefined, key: number, belongs: Belongs): job is JobRecord {
  return isInLine(job) && job.position === key && belongs(job);
}

/** How many jobs there are; not exact: at most that many. */
export interface Tally {
  readonly n: number;
  readonly isExact: boolean;
}

/** How many given-up places are looked for to count exactly: about a millisecond. */
export const mostLooked = 10_000;
