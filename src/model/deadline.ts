/** What decides whether a job can still start. */
export interface Deadline {
  readonly beginAfter: number | null;
  readonly beginBy: number | null;
}

/** Whether the job can no longer start in time. Exactly at its deadline it still can; without both parts it has none. */
export function isExpired(job: Deadline, now: number): boolean {
  return job.beginBy !== null && job.beginAfter !== null && job.beginAfter + job.beginBy < now;
}
