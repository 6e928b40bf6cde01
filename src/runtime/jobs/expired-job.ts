import { afterStep, newJobRecord, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import type { Change } from '../../store/store.ts';
import { type PutBy, placedIn } from './job-drafts.ts';

/** The input of `expiryWrapper`. */
export interface WrapperInput extends PutBy {
  /** Id of the wrapper. */
  readonly id: string;
  readonly queue: string;
}

/**
 * The changes by which an expired job leaves its queue, and a system job that fails it takes its place, to be claimed in the
 * same commit. The job keeps a link to this wrapper, so its callbacks still find their queue. Pure.
 */
export function expiryWrapper(
  job: JobRecord,
  { id, queue, at, assigner }: WrapperInput,
): { readonly changes: readonly Change[]; readonly wrapper: JobRecord } {
  const created = newJobRecord(id, { name: systemNames.fail, args: [{ $job: job.id }] });
  const leave = stepJob(job, { type: 'job.pull', system: id });
  const put = placedIn(queue, created, { at, assigner });
  return { changes: [leave, put], wrapper: { ...afterStep(created, put), quotas: [] } };
}
