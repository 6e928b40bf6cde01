import type { JobEvent } from '../../../machines/job.events.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Precondition } from '../../store/store.ts';
import type { Committer } from '../commits/committer.ts';
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
