import type { FailedAttempt, Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { Failure } from '../values/failure.ts';

/**
 * How an attempt ended. An interrupted one had no end of its own: its process or its dispatcher was lost. A snoozed one was put
 * off by its code, and one that was handed back stopped because its process ended: neither has failed.
 */
export type AttemptEnding = 'succeeded' | 'failed' | 'interrupted' | 'cancelled' | 'snoozed' | 'handedBack';

/** One attempt of a job: one call of its code. */
export interface Attempt {
  /** Its number; the first is 1. */
  readonly attempt: number;
  readonly startedAt: Date;
  /** When its code or its commit failed, or its outcome was there; null while it runs. */
  readonly endedAt: Date | null;
  /** How long it took; null while it runs. */
  readonly ms: number | null;
  /** Null while it runs. */
  readonly ending: AttemptEnding | null;
  /** Why it failed; null when it did not. */
  readonly failure: Failure | null;
}

/** An entry of a job in the journal. */
export interface JobEntry {
  readonly event: string;
  readonly at: number;
  readonly patch: { readonly [key: string]: Json } | null;
}

/** The attempts of a job, by its entries from the oldest on. One whose start is no longer kept is left out. Pure. */
export function attemptsOf(entries: readonly JobEntry[]): Attempt[] {
  const attempts: Attempt[] = [];
  let lostAt: number | null = null;
  for (const { event, at, patch } of entries) {
    if (event === 'job.interrupt') lostAt = at;
    const end = endOf(event, patch, lostAt ?? at);
    const last = attempts.at(-1);
    if (end !== null && last?.ending === null) attempts[attempts.length - 1] = ended(last, end);
    if (event === 'job.start' || event === 'job.retry') {
      const startedAt = new Date(event === 'job.start' ? Number(patch?.activeStart) : at);
      const attempt = Number(patch?.attempts);
      attempts.push({ attempt, startedAt, endedAt: null, ms: null, ending: null, failure: null });
      lostAt = null;
    }
  }
  return attempts;
}

interface End extends Pick<Attempt, 'failure'> {
  readonly ending: AttemptEnding;
  readonly at: number;
}

/** How an event ends the attempt under way; null when it does not. `at`: when it happened, or the interruption before it. */
function endOf(event: string, patch: JobEntry['patch'], at: number): End | null {
  const failed = (patch?.lastFailure ?? null) as FailedAttempt | null;
  if (failed !== null) return { ending: 'failed', at: failed.at, failure: new Failure(failed.failure) };
  const outcome = (patch?.outcome ?? null) as Outcome | null;
  if (event === 'job.finish' && outcome !== null) {
    const failure = outcome.ok ? null : new Failure(outcome.failure);
    return { ending: outcome.ok ? 'succeeded' : 'failed', at: Number(patch?.activeEnd), failure };
  }
  const ending = quietEnds[event];
  if (ending !== undefined) return { ending, at, failure: null };
  if (event === 'job.cancelled' && outcome !== null && !outcome.ok)
    return { ending: 'cancelled', at: Number(patch?.activeEnd), failure: new Failure(outcome.failure) };
  const isLost = ['job.reschedule', 'job.abort', 'callback.reset'].includes(event);
  return isLost ? { ending: 'interrupted', at, failure: null } : null;
}

const quietEnds: { readonly [event: string]: AttemptEnding } = {
  'job.snooze': 'snoozed',
  'job.handBack': 'handedBack',
};

function ended(attempt: Attempt, { at, ending, failure }: End): Attempt {
  return { ...attempt, endedAt: new Date(at), ms: at - attempt.startedAt.getTime(), ending, failure };
}
