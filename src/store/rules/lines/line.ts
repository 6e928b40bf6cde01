import type { JobRecord } from '../../../model/records/records.ts';

/** Looks a job up by id. */
export type FindJob = (id: string) => JobRecord | undefined;

/**
 * Whether a job still belongs to the lane in which it has a place: its settings may have changed since it
 * entered.
 */
export type Belongs = (job: JobRecord) => boolean;

/** Whether the job still waits in a queue, at the place with this key. */
export function isAt(job: JobRecord | undefined, key: number, belongs: Belongs): job is JobRecord {
  return job?.order?.[1] === key && job.order[0] !== 'claimed' && job.order[0] !== 'callback' && belongs(job);
}

/** How many jobs there are; not exact: at most that many. */
export interface Tally {
  readonly n: number;
  readonly isExact: boolean;
}

/** How many given-up places are looked for to count exactly: about a millisecond. */
export const mostLooked = 10_000;
