import type { Outcome } from '../../../machines/job.context.ts';
import type { JobEvent } from '../../../machines/job.events.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Change, Precondition } from '../../store/store.ts';
import type { StagedChange } from '../commits/committer.ts';
import type { CommittedEnding } from './run.ts';

/** The input of `outcomeCommit`. */
export interface OutcomeInput {
  /** The job as the run knows it: ACTIVE. */
  readonly job: JobRecord;
  readonly outcome: Outcome;
  readonly at: number;
  readonly retryData: JobRecord['retryData'];
  /** What the job waited for; null when its code gave the outcome. */
  readonly awaited: string | null;
  /** What the attempt put and changed. */
  readonly staged: readonly StagedChange[];
  /** What its code has said last about its progress. */
  readonly progress: readonly Change[];
  readonly preconditions: readonly Precondition[];
  /** False when a callback is known, or the job has to be torn down first. */
  readonly mayComplete: boolean;
}

/** A job that is cancelled ends so whatever its code throws. */
function eventOf({ job, outcome, at, retryData, awaited }: OutcomeInput): JobEvent {
  return job.state === 'active.cancelling' && !outcome.ok
    ? { type: 'job.cancelled', at, failure: outcome.failure }
    : { type: 'job.finish', at, outcome, retryData, awaited };
}

/**
 * The commit of an outcome: COMPLETED with it, as long as no callback waits. An attempt that changed something does not
 * complete in this commit: it may have added a callback that the store does not know yet. Pure.
 */
export function outcomeCommit(input: OutcomeInput): CommittedEnding {
  const { job, outcome, at, staged, progress, preconditions } = input;
  const finish = stepJob(job, eventOf(input));
  const finished = afterStep(job, finish);
  const completes = input.mayComplete && staged.length === 0;
  if (!completes)
    return { changes: [...staged, ...progress, finish], expect: preconditions, finished, outcome, completes };
  const complete = stepJob(finished, { type: 'job.complete', at, unstarted: 0 });
  const expect: Precondition[] = [...preconditions, { check: 'noUnstartedCallback', id: job.id }];
  const changes = progress.length === 0 ? [finish, complete] : [...progress, finish, complete];
  return { changes, expect, finished, outcome, completes };
}
