import { ConflictError } from '../../errors.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { handOver } from '../callbacks/hand-over.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { jobFields } from '../execution/outcome-log.ts';

/**
 * Takes over jobs of living processes whose attempts should be over for long, as from the dead: a process with a blocked event loop
 * cannot fire its timers, though it still gives signs of life. Its code is aborted once they fire.
 */
export async function takeOverOverdue({ context, committer }: UnitOfWork): Promise<void> {
  const { store, ids, uuid, log } = context;
  if (store.exclusive) return;
  for (const job of await store.overdue()) {
    const { parent, epoch } = job;
    if (parent === null || !('queue' in parent) || epoch === store.epoch) continue;
    const input = { systemId: ids.newId(), queue: parent.queue, at: store.now(), assigner: uuid };
    try {
      await committer.commit(uuid, handOver(job, input), [ifUnchanged(job)]).written;
    } catch (error) {
      // Its process, or another one, was faster.
      if (!(error instanceof ConflictError)) throw error;
      continue;
    }
    const what = (): string =>
      `${jobLabel(job)} exceeds its time, and its process does not end it: it is taken over. Is the event loop of that process blocked?`;
    log.events('WARNING', what, jobFields(job));
  }
}
