/** What decides whether a job can still start. */
export interface Deadline {
  readonly beginAfter: number | null;
  readonly beginBy: number | null;
}

/** Whether the job can no longer start in time. Exactly at its deadline it still can. */
export function isExpired(job: Deadline, now: number): boolean {
  return job.beginBy !== null && (job.beginAfter ?? 0) + job.beginBy < now;
}
