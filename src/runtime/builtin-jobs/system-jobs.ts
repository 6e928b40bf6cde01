/*
 * Room: builtin-jobs.
 *
 * Owns: Jobs that are made of the public parts: the system jobs that decide about other jobs, and serial and
 *   parallel jobs. next-join-step.ts decides, without effects, what a joined job does next.
 *
 * Invariant: A decision about another job is a commit before the system job's own end. So a system job that
 *   runs again finds it made, and changes nothing.
 *
 * May import: environment, commits, jobs, execution, callbacks, handles.
 */
import { SignalboxError, shown, TimeoutError } from '../../errors.ts';
import { limitOfStart } from '../../model/jobs/deadline.ts';
import { isReadable } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { failJob } from '../callbacks/fail-job.ts';
import { handOver } from '../callbacks/hand-over.ts';
import { belongsToSystemJob, handleInterrupt } from '../callbacks/interrupted-job.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import { jobFields } from '../execution/outcome-log.ts';
import { type CallbackContext, CallbackStoppedError, currentRun, HandedOverError } from '../execution/run.ts';
import { makeDefinition } from '../handles/define-job.ts';
import type { Job, JobDefinition } from '../handles/job.ts';
import { type HandleServices, servicesOf } from '../handles/services.ts';
import { isJob } from '../jobs/job-like.ts';
import { bulkJob } from './bulk/bulk.ts';
import { joinDefinitions } from './join.ts';

/**
 * The definitions of system jobs: what the runtime itself puts in queues. They are looked up by name like any other.
 */
export const systemDefinitions = [
  deciding(systemNames.fail, async (services, job) => {
    const { callbacks, work } = services;
    const record = await undecided(services, job);
    if (record === null) return;
    // Failed by an earlier run of this job, whose worker disappeared during a callback: that callback is decided, too.
    if (record.state === 'callbacks') return callbacks.resume(record, ownWorker(job));
    const what = `the start of job ${job.record.id}`;
    const error = new TimeoutError({ what, limit: limitOfStart(record) });
    await failJob(callbacks, work, job.record.id, error, { expired: true, within: ownWorker(job) });
  }),
  deciding(systemNames.handleInterrupt, async (services, job) => {
    const record = await undecided(services, job);
    if (record === null) return;
    // The retry policy of a definition is known where the definition is.
    if (services.work.context.registry.definition(record.name) === undefined)
      return handOverTo(services, record);
    const queue = currentRun.getStore()?.queue ?? '';
    await handleInterrupt(services, job.record.id, { queue, within: ownWorker(job), system: ownId() });
  }),
  deciding(systemNames.resumeCallbacks, async (services, job) => {
    const record = await readable(services, job);
    if (record !== undefined && !isElsewhere(record))
      await services.callbacks.continueCallbacks(record, ownWorker(job));
  }),
  // Passes the outcome of its parent on for a branch that is missing; a Failure stays one.
  makeDefinition({ name: systemNames.pass, run: (input: unknown) => input }),
  bulkJob,
  ...joinDefinitions,
] as unknown as readonly JobDefinition<never, unknown>[];

/**
 * A job that decides about another one. No other process decides, so it is repeated however often the store refuses. An
 * argument that is no job, as it may have been written into the files of a store, is refused at once.
 */
function deciding(
  name: string,
  decide: (services: HandleServices, job: Job) => Promise<void>,
): JobDefinition<readonly [Job], null> {
  const run = async (job: Job): Promise<void> => {
    if (!isJob(job)) throw notJob(name, job);
    const services = currentServices();
    await retryForever(
      services.work.context,
      () => `${name} of job ${job.record.id}`,
      () => decide(services, job),
    ).catch((error: unknown) => {
      // Decided: another system job continues with it.
      if (!(error instanceof HandedOverError) || error instanceof CallbackStoppedError) throw error;
    });
  };
  return makeDefinition({ name, run });
}

function currentServices(): HandleServices {
  const run = currentRun.getStore();
  if (run === undefined) throw new SignalboxError('NO_CURRENT_JOB', { call: 'a system job' });
  return servicesOf(run.context);
}

function notJob(name: string, value: unknown): SignalboxError {
  const option = `the argument of ${name}`;
  return new SignalboxError('INVALID_OPTION', { option, expected: 'a job', actual: shown(value) });
}

/** The record of a job. @throws SignalboxError `JOB_QUARANTINED` when this version cannot read it. */
async function readable({ work }: HandleServices, { record: { id } }: Job): Promise<JobRecord | undefined> {
  const record = await work.context.store.get('job', id);
  if (record !== undefined && !isReadable(record)) throw new SignalboxError('JOB_QUARANTINED', { id });
  return record;
}

/**
 * The job that the current system job has to decide about, or null when that is done: by an earlier run of it, or because a
 * waiting job has got its outcome.
 */
async function undecided(services: HandleServices, job: Job): Promise<JobRecord | null> {
  const record = await readable(services, job);
  const isHere = record !== undefined && belongsToSystemJob(record, ownId());
  return isHere && record.state !== 'completed' ? record : null;
}

/** Whether another process calls the callbacks of a job. None does for a completed job, nor for one without a parent. */
function isElsewhere(record: JobRecord): boolean {
  if (record.state === 'completed' || record.parent === null) return false;
  return !belongsToSystemJob(record, ownId());
}

/** The id of the current system job. */
function ownId(): string {
  return currentRun.getStore()?.job.id ?? '';
}

/** The worker of the current system job: callbacks of its job run there, as long as it holds its own job. */
function ownWorker({ record }: Job): CallbackContext | null {
  const context = currentRun.getStore()?.callbackContext;
  return context === undefined ? null : { ...context, about: record.id };
}

/** Hands a job over to a process that knows its definition. */
async function handOverTo({ work }: HandleServices, job: JobRecord): Promise<void> {
  const { store, ids, uuid, log } = work.context;
  const queue = currentRun.getStore()?.queue ?? '';
  const input = { systemId: ids.newId(), queue, needs: job.name, at: store.now(), assigner: uuid };
  await work.committer.commit(uuid, handOver(job, input), [ifUnchanged(job)]).synced;
  const what = (): string => `${jobLabel(job)} is handed over to a process that knows its definition`;
  log.events('WARNING', what, jobFields(job));
}
