import { afterStep, newJobRecord, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import type { Change } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import { contentOf } from './job-drafts.ts';

/**
 * A job that is too late leaves the queue, and a system job that fails it takes its place, to be claimed in the same
 * commit. The job keeps a link to the wrapper, so its callbacks still find their queue.
 */
export function expiryWrapper(
  engine: Engine,
  queue: string,
  job: JobRecord,
): { readonly changes: readonly Change[]; readonly wrapper: JobRecord } {
  const now = engine.store.now();
  const created = newJobRecord(engine.ids.newId(), { name: systemNames.fail, args: [{ $job: job.id }] });
  const put = stepJob(created, {
    type: 'job.put',
    queue,
    at: now,
    beginAfter: now,
    assigner: engine.uuid,
  });
  const leave = stepJob(job, { type: 'job.pull', system: created.id });
  return {
    changes: [leave, { ...put, patch: { ...contentOf(created), ...put.patch } }],
    wrapper: { ...afterStep(created, put), quotas: [] },
  };
}
