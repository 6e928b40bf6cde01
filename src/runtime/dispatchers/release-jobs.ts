import { stepJob } from '../../model/jobs/step.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Precondition } from '../../store/store.ts';
import { handOver } from '../callbacks/hand-over.ts';
import type { StagedChange } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { jobFields } from '../execution/outcome-log.ts';
import type { PutBy } from '../jobs/job-drafts.ts';

/** The input of `releaseChanges`. */
export interface ReleaseInput extends PutBy {
  newId(): string;
}

/** The release of the jobs of a representation, as part of a commit. */
export interface Release {
  readonly changes: readonly StagedChange[];
  readonly expect: readonly Precondition[];
}

/**
 * Releases the jobs in the agents of a representation that is deactivated: `held` has them in order of agent, and in each
 * from first to last. A job that has not started goes to the end of its queue; one that was running or in CALLBACKS gets a
 * system job that decides about it; a completed one is filed. Pure, but for new ids.
 */
export function releaseChanges(
  { id, queue, dispatcher }: RepresentationRecord,
  held: readonly JobRecord[],
  { at, assigner, newId }: ReleaseInput,
): Release {
  const changes: StagedChange[] = [];
  // A claim that is under way must not leave a job with a dispatcher that no process looks at any more.
  const expect: Precondition[] = [{ check: 'holds', id, queue, dispatcher, count: held.length }];
  for (const job of held) {
    expect.push(ifUnchanged(job));
    if (job.state === 'assigned') changes.push(stepJob(job, { type: 'job.unassign', queue }));
    else if (job.state === 'completed') changes.push(stepJob(job, { type: 'job.file', at }));
    else changes.push(...handOver(job, { systemId: newId(), queue, at, assigner }));
  }
  return { changes, expect };
}

/** Reads the jobs of a representation and releases them. */
export async function releaseJobs(
  context: RuntimeContext,
  representation: RepresentationRecord,
): Promise<Release & { readonly held: readonly JobRecord[] }> {
  const { store, ids, log, uuid } = context;
  const held = await store.held(representation.queue, representation.dispatcher, null);
  for (const job of held) {
    if (job.state !== 'completed') continue;
    const what = (): string => `completed job found in an agent: ${jobLabel(job)}`;
    log.events('WARNING', what, jobFields(job));
  }
  const input = { at: store.now(), assigner: uuid, newId: () => ids.newId() };
  return { ...releaseChanges(representation, held, input), held };
}
