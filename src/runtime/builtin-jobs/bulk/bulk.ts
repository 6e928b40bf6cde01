import { SignalboxError } from '../../../errors.ts';
import { systemNames } from '../../../model/records/system-names.ts';
import { searchOf } from '../../../reading/search/search.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';
import { currentRun } from '../../execution/run.ts';
import { makeDefinition } from '../../handles/define-job.ts';
import { Queue } from '../../handles/queue.ts';
import { servicesOf } from '../../handles/services.ts';
import { storeNew } from '../../jobs/put-jobs.ts';
import {
  asRequest,
  type BulkAction,
  type BulkFilter,
  type BulkOptions,
  bulkRequest,
} from './bulk-request.ts';
import { BulkRun } from './bulk-run.ts';

/** The job that works on many others. */
export const bulkJob = makeDefinition({
  name: systemNames.bulk,
  // It may be about the jobs that wait before it.
  priority: -9,
  run: (request: unknown) => {
    const run = currentRun.getStore();
    if (run === undefined) throw new SignalboxError('NO_CURRENT_JOB', { call: systemNames.bulk });
    return new BulkRun(servicesOf(run.context), run, asRequest(request)).result();
  },
});

/** Puts the job that works on many others. `by`: who asks for it. Returns its id, and whether this process has to call it. */
export async function putBulk(
  unit: UnitOfWork,
  action: BulkAction,
  filter: BulkFilter,
  options: BulkOptions,
  by: string = unit.context.uuid,
): Promise<{ readonly id: string; readonly isHere: boolean }> {
  const { store } = unit.context;
  const { request, queue } = bulkRequest(action, filter, options, { by, now: store.now() });
  // What cannot be searched is refused before anything is written.
  await searchOf(store, request.filter);
  const job = bulkJob(request);
  if (queue === null) await storeNew(unit, job);
  else await new Queue(unit, queue).put(job);
  return { id: job.id ?? '', isHere: queue === null };
}
