import type { JobEvent } from '../../../machines/job.events.ts';
import { AbortedError } from '../../errors.ts';
import { putBackAt, type RetryAnswer, type RetryData } from '../../model/jobs/retry.ts';
import { stopError } from '../../model/jobs/stop-error.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';

/** What a retry policy decided about an interrupted job. */
export interface InterruptionDecision {
  readonly answer: RetryAnswer;
  /** What the policy keeps of the job. */
  readonly data: RetryData;
}

/**
 * The event that a decision about an interrupted job means: back to the queue at once, back later, or aborted. `at`: the
 * store's time. Pure.
 */
export function interruptionEvent(
  job: JobRecord,
  queue: string,
  { answer, data }: InterruptionDecision,
  at: number,
): JobEvent {
  const failure = failureOf(job);
  if (answer === false && failure !== null)
    return {
      type: 'job.finish',
      at,
      outcome: { ok: false, failure },
      retryData: data,
      awaited: job.waitingOn,
    };
  if (answer === false) {
    const failure = Failure.from(new AbortedError({ id: job.id })).data;
    return { type: 'job.abort', at, failure, retryData: data };
  }
  const beginAfter = answer === true ? null : putBackAt(answer, at);
  return {
    type: 'job.reschedule',
    at,
    queue,
    beginAfter,
    retryData: data,
    failed: failure === null ? null : { at, failure },
  };
}

/** How a job ends that was to stop, or has exceeded its deadline, whatever a policy would say; null: its policy decides. */
export function stoppedEvent(job: JobRecord, at: number): JobEvent | null {
  const { state, stop, deadline, retryData, waitingOn } = job;
  const isLate = deadline !== null && deadline < at;
  const failure = failureOf(job) ?? (isLate ? timeUp(job, at) : null);
  if (failure === null) return null;
  if (state === 'active.cancelling') return { type: 'job.cancelled', at, failure };
  if (!isLate && stop?.cause !== 'deadline') return null;
  return { type: 'job.finish', at, outcome: { ok: false, failure }, retryData, awaited: waitingOn };
}

function timeUp(job: JobRecord, at: number): Failure['data'] {
  return Failure.from(stopError(job, { cause: 'deadline', at, by: null, reason: null })).data;
}

/** Why the code of a job was to stop, as its failure; null for one that was not. */
function failureOf(job: JobRecord): Failure['data'] | null {
  const { state, stop } = job;
  if (stop === null || (state !== 'active.cancelling' && state !== 'active.timingOut')) return null;
  return Failure.from(stopError(job, stop)).data;
}
