import type { JobEvent } from '../../../machines/job.events.ts';
import { AbortedError } from '../../errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Precondition } from '../../store/store.ts';
import type { Committer } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { logOutcome } from '../execution/outcome-log.ts';

/** Ends a job that is not called, or not called again: it has expired, or it is not retried. Returns the job as it ended. */
export async function endJob(
  committer: Committer,
  job: JobRecord,
  event: JobEvent,
  expect: readonly Precondition[],
): Promise<JobRecord> {
  const step = stepJob(job, event);
  const ended = afterStep(job, step);
  await committer.commit(committer.context.uuid, [step], expect).synced;
  logOutcome(committer.context, ended);
  return ended;
}

/** Aborts a job that was ACTIVE when its worker disappeared and is not retried. Returns the job as it ended. */
export function abortJob(
  committer: Committer,
  job: JobRecord,
  retryData: JobRecord['retryData'],
  expect: readonly Precondition[] = [],
): Promise<JobRecord> {
  const failure = Failure.from(new AbortedError({ id: job.id })).data;
  const abort = { type: 'job.abort', at: committer.context.now(), failure, retryData } as const;
  return endJob(committer, job, abort, [ifUnchanged(job), ...expect]);
}
