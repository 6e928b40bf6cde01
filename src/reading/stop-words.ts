import type { Stop } from '../../machines/job.context.ts';
import type { JobRecord } from '../model/records/records.ts';
import { durationText } from '../time.ts';
import type { Verdict } from './explanation.ts';

/** Why the code of a job runs, or what it waits for. `graceMs`: how long it may take to stop; null: not known here. Pure. */
export function verdictOnActive(job: JobRecord, now: number, graceMs: number | null): Verdict {
  const { state, stop, waitingOn } = job;
  if (stop !== null && (state === 'active.cancelling' || state === 'active.timingOut'))
    return verdictOnStopping(job, stop, now, graceMs);
  if (waitingOn !== null && waitingOn !== 'promise')
    return {
      code: 'active',
      text: `it waits for job ${waitingOn}${limitOf(job)}`,
      remedy: `Look at that one: box.job('${waitingOn}').`,
    };
  const text = waitingOn === null ? codeRuns(job, now) : 'it waits for a promise that its code returned';
  return {
    code: 'active',
    text: `${text}${limitOf(job)}`,
    remedy: 'Wait longer, or end it: await job.cancel().',
  };
}

/** Who cancelled a job, how long ago, and why: `by Ada 3 seconds ago: not needed`. */
export function cancelWords({ by, at, reason }: Stop, now: number): string {
  const who = by === null ? '' : ` by ${by}`;
  return `cancelled${who} ${durationText(Math.max(0, now - at))} ago${reason === null ? '' : `: ${reason}`}`;
}

function verdictOnStopping(job: JobRecord, stop: Stop, now: number, graceMs: number | null): Verdict {
  const until = graceMs === null ? null : stop.at + graceMs;
  const grace =
    until === null
      ? 'its code may go on for its grace'
      : until > now
        ? `its code may go on until ${instantText(until)}`
        : `its code had to stop by ${instantText(until)}`;
  if (stop.cause === 'cancel')
    return {
      code: 'cancelling',
      text: `it was ${cancelWords(stop, now)}; ${grace}`,
      remedy:
        'Wait: it ends when its code stops, or without it. Code stops at once when it heeds local.signal.',
    };
  const then = stop.cause === 'deadline' ? 'it then ends as expired' : 'its retry policy then decides';
  return {
    code: 'timingOut',
    text: `${limitWords(job, stop.cause)} passed ${durationText(Math.max(0, now - stop.at))} ago; ${grace}`,
    remedy: `Wait: ${then}. Let the code do less at once, or allow more time.`,
  };
}

function limitWords({ timeout, deadline }: JobRecord, cause: Exclude<Stop['cause'], 'cancel'>): string {
  if (cause === 'heartbeat') return 'the time for its next heartbeat';
  if (cause === 'deadline')
    return deadline === null ? 'its deadline' : `its deadline, ${instantText(deadline)},`;
  return timeout === null ? 'its timeout' : `its timeout of ${durationText(timeout)}`;
}

function codeRuns({ activeStart }: JobRecord, now: number): string {
  const since = activeStart === null ? '' : ` after ${durationText(Math.max(0, now - activeStart))}`;
  return `its code has not ended${since}`;
}

/** The limit that will stop it first. A job that waits for another one does not use up its timeout. */
function limitOf({ timeout, deadline, activeStart, waitingOn }: JobRecord): string {
  const isTimed = timeout !== null && activeStart !== null && (waitingOn ?? 'promise') === 'promise';
  const ofAttempt = isTimed ? activeStart + timeout : null;
  const first = Math.min(ofAttempt ?? Number.POSITIVE_INFINITY, deadline ?? Number.POSITIVE_INFINITY);
  if (first === Number.POSITIVE_INFINITY) return '';
  return `; ${first === ofAttempt ? 'its timeout' : 'its deadline'} is at ${instantText(first)}`;
}

/** An instant as explanations name it. */
export function instantText(at: number): string {
  return new Date(at).toISOString();
}
