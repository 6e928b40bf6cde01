import type { JobRecord } from '../records/records.ts';

/** The parts of a job that decide until when it can start. */
export type Deadline = Pick<JobRecord, 'beginAfter' | 'beginBy' | 'deadline'>;

/** Whether the job may become too late to start. */
export function hasDeadline({ beginBy, deadline }: Deadline): boolean {
  return beginBy !== null || deadline !== null;
}

/** The last instant at which the job can start; null: there is none. */
export function latestStart({ beginAfter, beginBy, deadline }: Deadline): number | null {
  const start = beginBy === null || beginAfter === null ? null : beginAfter + beginBy;
  if (start === null || deadline === null) return start ?? deadline;
  return Math.min(start, deadline);
}

/**
 * Whether the job can no longer start in time. Exactly at its deadline it still can; without both parts it has
 * no deadline.
 */
export function isExpired(job: Deadline, now: number): boolean {
  return hasDeadline(job) && (latestStart(job) ?? now) < now;
}

/**
 * Whether a waiting job must be failed instead of started. False for a job that was finished while it waited: it is
 * claimed and filed.
 */
export function isTooLate(job: Deadline & { readonly state: string }, now: number): boolean {
  return job.state === 'pending' && isExpired(job, now);
}

/** What the start of a job was to be within, for the error of one that is too late. */
export function limitOfStart({ beginBy, deadline, beginAfter }: Deadline): string {
  const isLate = deadline !== null && (beginBy === null || deadline < (beginAfter ?? 0) + beginBy);
  if (isLate) return `its deadline, ${new Date(deadline).toISOString()}`;
  return beginBy === null ? 'its deadline' : `${beginBy} ms`;
}

/** How long after its time an attempt is still left to its own process, whose clock may be slow. */
const slackMs = 10_000;
/** How long code may take to stop before its process is taken for one that can no longer end it. */
const longestStopMs = 600_000;

/**
 * Whether an attempt should be over for so long that its process cannot end it: its event loop may be blocked. Waiting for another
 * job uses up no time.
 */
export function isOverdue(
  { state, timeout, activeStart, lastFailure, stop }: JobRecord,
  now: number,
): boolean {
  if (state === 'active.timingOut' || state === 'active.cancelling')
    return stop !== null && stop.at + longestStopMs < now;
  if (state !== 'active.running' || timeout === null || activeStart === null) return false;
  // An attempt that followed a failure at once has begun with that.
  return Math.max(activeStart, lastFailure?.at ?? activeStart) + timeout + slackMs < now;
}
