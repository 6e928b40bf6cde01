/** The parts of a job that decide whether it can still start. */
export interface Deadline {
  readonly beginAfter: number | null;
  readonly beginBy: number | null;
}

/**
 * Whether the job can no longer start in time. Exactly at its deadline it still can; without both parts it has
 * no deadline.
 */
export function isExpired(job: Deadline, now: number): boolean {
  return job.beginBy !== null && job.beginAfter !== null && job.beginAfter + job.beginBy < now;
}

/**
 * Whether a waiting job must be failed instead of started. False for a job that was finished while it waited: it is
 * claimed and filed.
 */
export function isTooLate(job: Deadline & { readonly state: string }, now: number): boolean {
  return job.state === 'pending' && isExpired(job, now);
}
