import { SignalboxError } from '../../errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { holderOf, ifUnchanged } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { Detached } from '../definitions/detached.ts';
import { Run } from '../execution/run.ts';
import { annotationsOf } from '../jobs/annotations.ts';
import { JobDrafts } from '../jobs/job-drafts.ts';
import { Job } from './job.ts';
import type { HandleServices } from './services.ts';

/**
 * The result of a call: the job's value, or its Failure; the inner job it waits for, when that is not over; a {@link Detached}
 * promise it waits for; or the job itself when its policy put it back.
 */
export type Called<Result> = Result | Failure | Job<Result> | Detached<Result>;

/**
 * Calls a job here and now, outside any agent: NEW or ASSIGNED to COMPLETED, callbacks included. A draft is stored
 * with its start, so that it is known from the first moment.
 */
export async function callJob<Result>(
  services: HandleServices,
  job: Job<Result>,
  input: readonly unknown[],
): Promise<Called<Result>> {
  const { work, steps } = services;
  const { context } = work;
  const started = await start(work, job);
  // Its start is stored, and no other process calls it.
  const what = (): string => `loading ${jobLabel(job)}`;
  const annotations = await retryForever(context, what, () => annotationsOf(context.store, started.id));
  const { parent } = started;
  const run = new Run({
    work,
    job: started,
    agent: null,
    slot: null,
    holder: holderOf(started),
    queue: parent !== null && 'queue' in parent ? parent.queue : '',
    input,
    annotations,
    info: null,
  });
  await services.outside.call(run, (begun) => steps.execute(begun));
  return resultOf(services, job);
}

/**
 * Stores the start of a job, however long that takes.
 * @throws BadStatusError unless it is NEW or ASSIGNED; SignalboxError `UNKNOWN_DEFINITION`.
 */
async function start(work: UnitOfWork, job: Job<unknown>): Promise<JobRecord> {
  const { context, committer } = work;
  const what = (): string => `starting ${jobLabel(job)}`;
  if (job.isStored) {
    await retryForever(context, what, () => job.refresh());
    context.registry.mustKnowName(job.name);
    return retryForever(context, what, async () => startStored(work, await job.refresh()));
  }
  const { id } = job;
  if (id !== null && (await context.store.get('job', id)) !== undefined) {
    throw new SignalboxError('JOB_EXISTS', { id });
  }
  const drafts = new JobDrafts(work);
  const stored = drafts.store(job, null);
  await drafts.checked();
  const start = stepJob(stored, { type: 'job.start', at: context.now() });
  const changes = [...drafts.changes, start];
  await retryForever(context, what, () => committer.commit('client', changes, drafts.expect).synced);
  drafts.attach();
  return afterStep(stored, start);
}

async function startStored({ context, committer }: UnitOfWork, { record }: Job<unknown>): Promise<JobRecord> {
  const start = stepJob(record, { type: 'job.start', at: context.now() });
  await committer.commit('client', [start], [ifUnchanged(record)]).synced;
  return afterStep(record, start);
}

async function resultOf<Result>({ work, watch }: HandleServices, job: Job<Result>): Promise<Called<Result>> {
  if (await isEnding(work, (await job.refresh()).record)) {
    await watch.until(job.record.id, ({ state }) => state === 'completed', null);
    await job.refresh();
  }
  const { outcome, record } = job;
  if (outcome !== null) return outcome.ok ? outcome.value : outcome.failure;
  if (record.waitingOn === 'promise') {
    const result = job.result();
    // The caller may not use it: the failure is in the store and in the log.
    result.catch(() => {});
    return new Detached(result);
  }
  if (record.waitingOn === null) return job;
  const inner = await work.readChecked('job', record.waitingOn);
  return inner === undefined ? job : Job.of<Result>(work, inner);
}

/** Whether a job that waits is about to end, since what it waits for is over: its callbacks belong to the call then. */
async function isEnding({ context }: UnitOfWork, { state, waitingOn }: JobRecord): Promise<boolean> {
  if (state !== 'active.waiting' || waitingOn === null || waitingOn === 'promise')
    return state === 'callbacks';
  const inner = await context.store.get('job', waitingOn);
  return inner === undefined || inner.outcome !== null;
}
