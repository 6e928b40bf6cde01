/** What decides whether a job can still start. */
export interface Deadline {
  readonly beginAfter: number | null;
  readonly beginBy: number | null;
}

/** Whether the job can no longer start in time. Exactly at its deadline it still can; without both parts it has none. */
export function isExpired(job: Deadline, now: number): boolean {
  return job.beginBy !== null && job.beginAfter !== null && job.beginAfter + job.beginBy < now;
}

/**
 * Whether a waiting job is to be failed instead of started. One that was finished where it waits is neither: it is
 * handed out and filed.
 */
export function isTooLate(job: Deadline & { readonly state: string }, now: number): boolean {
  return job.state === 'pending' && isExpired(job, now);
}
