import type { Outcome } from '../../../machines/job.context.ts';
import { Failure } from '../../model/values/failure.ts';
import { decodeValue } from '../../model/values/values.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import { asHandles, jobsIn } from '../jobs/referred-jobs.ts';

/** What a callback is called with, and what a condition is asked about: the value of the parent, or its Failure. */
export async function callbackInput(
  work: UnitOfWork,
  handles: JobHandles,
  outcome: Outcome | null,
): Promise<unknown> {
  if (outcome === null) return null;
  if (!outcome.ok) return new Failure(outcome.failure);
  const known = await jobsIn((id) => work.context.store.get('job', id), [outcome.value]);
  return decodeValue(outcome.value, asHandles(handles, work, known));
}
