import { stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { queueOf } from '../../reading/job-place.ts';
import type { Precondition } from '../../store/store.ts';
import type { StagedChange } from '../commits/committer.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { handOver } from './hand-over.ts';

/** What follows, in the same commit, the outcome of a job that no worker has. */
export interface End {
  readonly changes: readonly StagedChange[];
  readonly expect: readonly Precondition[];
  /** Its callbacks are to be called here, once that is committed. */
  readonly isCalledHere: boolean;
}

/**
 * What follows the outcome of a job that no worker has any more: it is COMPLETED, or a system job calls its callbacks, so that the
 * caller may die. Those of a job without a queue, and of a callback, are called here.
 */
export async function endElsewhere(work: UnitOfWork, ended: JobRecord): Promise<End> {
  const { store, ids, uuid } = work.context;
  if (!(await work.hasCallbacks(ended.id))) {
    const complete = stepJob(ended, { type: 'job.complete', at: work.context.now(), unstarted: 0 });
    return {
      changes: [complete],
      expect: [{ check: 'noUnstartedCallback', id: ended.id }],
      isCalledHere: false,
    };
  }
  const { parent } = ended;
  const isCallback = parent !== null && ('job' in parent || 'proxy' in parent);
  const queue = isCallback ? null : await queueOf(store, ended);
  if (queue === null || (await store.get('queue', queue)) === undefined)
    return { changes: [], expect: [], isCalledHere: true };
  const changes = handOver(ended, { systemId: ids.newId(), queue, at: store.now(), assigner: uuid });
  return { changes, expect: [], isCalledHere: false };
}
