import { BadStatusError } from '../../../errors.ts';
import { statusOfState } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Kind } from '../../../store/entry.ts';
import type { Change } from '../../../store/store.ts';
import { ifUnchanged } from '../../commits/preconditions.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';

/**
 * Drops a job that is over, with all that belongs to it, as its age would. Any other has to end first, since
 * a program may wait for its outcome.
 * `isReferred`: whether a job that is not over refers to it. @throws BadStatusError in any status but COMPLETED, and when an unfinished job refers to it.
 */
export async function removeJob(work: UnitOfWork, job: JobRecord, isReferred: boolean): Promise<void> {
  if (job.state !== 'completed') throw refused(job, 'It is not over: cancel it first.');
  if (isReferred) throw refused(job, 'A job that is not over refers to it: remove it when that has ended.');
  await work.submit(await dropped(work, job), [ifUnchanged(job)]);
}

async function dropped(work: UnitOfWork, { id, state, uniqueKey }: JobRecord): Promise<Change[]> {
  const { store } = work.context;
  const changes: Change[] = [{ ...gone('job', id), from: state }];
  for (const annotation of await store.annotations(id)) changes.push(gone('annotation', annotation.id));
  const name = uniqueKey === null ? undefined : await work.readChecked('unique', uniqueKey);
  if (name?.job === id && (name.until ?? 0) <= store.now()) changes.push(gone('unique', name.id));
  for (const { kind, record } of await store.callbacks(id)) {
    if (kind === 'job') changes.push(...(await unused(work, record)));
    else {
      changes.push(gone('proxy', record.id));
      for (const branch of await store.branches(record.id)) changes.push(...(await unused(work, branch)));
    }
  }
  return changes;
}

/** A callback that never began, and to which nothing refers. One that began is removed by itself. */
async function unused(work: UnitOfWork, job: JobRecord): Promise<Change[]> {
  const isUsed = job.state !== 'new' || (await work.context.store.referred([job.id])).has(job.id);
  return isUsed ? [] : dropped(work, job);
}

function gone(kind: Kind, id: string): Change {
  return { kind, id, event: 'evicted', from: null, to: null, patch: null, gone: true };
}

function refused({ id, state }: JobRecord, repair: string): BadStatusError {
  return new BadStatusError({
    ...{ what: `job ${id}`, status: statusOfState(state), event: 'a removal', guards: [] },
    repair,
  });
}
