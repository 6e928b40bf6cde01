import type { JobRecord } from '../records/records.ts';

/** Part of a completed history, by instants of completion in epoch milliseconds. Both ends are included. */
export interface CompletionRange {
  readonly since: number;
  readonly until: number;
}

/**
 * Returns the jobs of a completed history that were completed within a range, newest first. Jobs of one instant
 * keep their order: the job that was filed later counts as newer.
 */
export function completedWithin(newestFirst: readonly JobRecord[], range: CompletionRange): JobRecord[] {
  return newestFirst
    .filter((job) => completion(job) >= range.since && completion(job) <= range.until)
    .sort((one, other) => completion(other) - completion(one));
}

function completion(job: JobRecord): number {
  return job.callbacksEnd ?? 0;
}
