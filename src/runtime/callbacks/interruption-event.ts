import type { JobEvent } from '../../../machines/job.events.ts';
import { AbortedError } from '../../errors.ts';
import { putBackAt, type RetryAnswer, type RetryData } from '../../model/jobs/retry.ts';
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
  { id }: Pick<JobRecord, 'id'>,
  queue: string,
  { answer, data }: InterruptionDecision,
  at: number,
): JobEvent {
  if (answer === false) {
    const failure = Failure.from(new AbortedError({ id })).data;
    return { type: 'job.abort', at, failure, retryData: data };
  }
  const beginAfter = answer === true ? null : putBackAt(answer, at);
  return { type: 'job.reschedule', at, queue, beginAfter, retryData: data, failed: null };
}
