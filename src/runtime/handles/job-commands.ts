import { invalidOption, SignalboxError, TimeoutError } from '../../errors.ts';
import { checkFlag, checkKnown } from '../../model/checks/check-options.ts';
import { checkAnnotationName, checkQuotaNames, checkReason, checkTags } from '../../model/checks/names.ts';
import type { Backoff } from '../../model/jobs/backoff.ts';
import { checkPriority, type Priority } from '../../model/jobs/priority.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import { type JobStatus, statusOfState } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Failure } from '../../model/values/failure.ts';
import { type Progress, progressAnnotation, progressOf } from '../../model/values/progress.ts';
import { encodeValue } from '../../model/values/values.ts';
import { queueOf, statusOf, topOf } from '../../reading/job-place.ts';
import { type Beginning, beginningMs, type Duration, durationMs, durationText } from '../../time.ts';
import { type CancelResult, cancelJob } from '../callbacks/cancel-job.ts';
import { failJob } from '../callbacks/fail-job.ts';
import { handleInterrupt } from '../callbacks/interrupted-job.ts';
import { type Retried, retryJob } from '../callbacks/retry-job.ts';
import { waitReason } from '../commits/wait-reason.ts';
import type { Definition } from '../definitions/definition.ts';
import { checkLogLevel, type LogLevel } from '../environment/logging.ts';
import { answeredWithin } from '../environment/reactor/time-limits.ts';
import { currentRun, refuseOwnChild } from '../execution/run.ts';
import { annotationChange, annotationsOf, ifAnnotatable } from '../jobs/annotations.ts';
import { JobDrafts, storedJobOnly } from '../jobs/job-drafts.ts';
import { mustHaveQuotas } from '../jobs/limit-quotas.ts';
import { policyName } from '../jobs/named-settings.ts';
import type { JobState } from './job-state.ts';
import { servicesOf } from './services.ts';

// The commands of a job object, each on its state. The methods of `Job` document what they promise.

/** Where a job is: its queue, and the agent that holds it or has completed it. Null where there is none. */
export interface JobPlace {
  readonly queue: string | null;
  readonly dispatcher: string | null;
  readonly agent: string | null;
}

/** Reads where the job is. */
export async function placeOf(state: JobState): Promise<JobPlace> {
  const { store } = state.stored().work.context;
  const { parent } = await topOf(store, await state.read());
  if (parent === null || !('queue' in parent)) return { queue: null, dispatcher: null, agent: null };
  if (!('agent' in parent)) return { queue: parent.queue, dispatcher: null, agent: null };
  return { queue: parent.queue, dispatcher: parent.dispatcher, agent: parent.agent };
}

/** Reads the job and its annotations again. */
export async function refresh(state: JobState): Promise<void> {
  const { store } = state.stored().work.context;
  const record = await state.read();
  const annotations = await annotationsOf(store, record.id);
  await state.readResult(record);
  state.learn(record, await statusOf(store, record));
  state.annotations = annotations;
}

export async function setCallable(state: JobState, callable: Definition): Promise<void> {
  if (state.record === null) {
    state.definition = callable;
    return;
  }
  state.stored().work.context.registry.mustKnow(callable);
  await state.send({ type: 'callable.set', name: callable.name });
}

export async function setArgs(state: JobState, args: readonly unknown[]): Promise<void> {
  const { work, record } = state.stored();
  const drafts = new JobDrafts(work);
  const definition = work.context.registry.definition(record.name);
  if (definition !== undefined) drafts.check(definition, args);
  await drafts.checked();
  await state.send({ type: 'args.set', args: drafts.args(args) }, drafts);
}

export async function appendArgs(state: JobState, args: readonly unknown[]): Promise<void> {
  if (state.record === null) {
    state.args = [...state.args, ...args];
    return;
  }
  const drafts = new JobDrafts(state.stored().work);
  await state.send({ type: 'args.append', args: drafts.args(args) }, drafts);
}

export async function setBeginAfter(state: JobState, beginAfter: Beginning | null): Promise<void> {
  const now = state.stored().work.context.store.now();
  const at = beginAfter === null ? null : beginningMs(beginAfter, now, 'beginAfter');
  await state.send({ type: 'beginAfter.set', beginAfter: at });
}

export async function setBeginBy(state: JobState, beginBy: Duration | null): Promise<void> {
  const ms = beginBy === null ? null : durationMs(beginBy, 'beginBy');
  await state.send({ type: 'beginBy.set', beginBy: ms });
}

export async function setRetryPolicy(
  state: JobState,
  retryPolicy: RetryPolicy | Backoff | string | null,
): Promise<void> {
  const name = policyName(state.stored().work.context.registry, retryPolicy);
  await state.send({ type: 'retryPolicy.set', retryPolicy: name });
}

export async function setFailureLogLevel(state: JobState, failureLogLevel: LogLevel | null): Promise<void> {
  checkLogLevel(failureLogLevel);
  await state.send({ type: 'failureLogLevel.set', failureLogLevel });
}

export async function setPriority(state: JobState, priority: Priority): Promise<void> {
  await state.send({ type: 'priority.set', priority: checkPriority(priority) });
}

export async function setTags(state: JobState, tags: readonly string[]): Promise<void> {
  await state.send({ type: 'tags.set', tags: checkTags(tags) });
}

export async function setQuotaNames(state: JobState, quotaNames: readonly string[]): Promise<void> {
  const names = checkQuotaNames(quotaNames);
  const { work } = state.stored();
  const { parent, state: stored } = await state.read();
  const queue = parent !== null && 'queue' in parent ? parent.queue : null;
  if (queue !== null && stored === 'pending') await mustHaveQuotas(work, queue, names);
  await state.send({ type: 'quotaNames.set', quotaNames: names, unknown: 0 });
}

export async function setAnnotation(state: JobState, name: string, value: unknown): Promise<void> {
  const { work, record } = state.stored();
  checkAnnotationName(name);
  const path = `annotations[${JSON.stringify(name)}]`;
  const encoded = encodeValue(value, path, storedJobOnly, work.context.limits);
  await work.submit([annotationChange(record.id, name, encoded)], ifAnnotatable(work.context, record.id));
  state.annotations = { ...state.annotations, [name]: encoded };
}

export async function progress(state: JobState): Promise<Progress | null> {
  const { work, record } = state.stored();
  const annotation = await work.context.store.get('annotation', `${record.id}/${progressAnnotation}`);
  return progressOf(annotation?.value);
}

export async function fail(state: JobState, error: unknown): Promise<void> {
  const { work, record } = state.stored();
  await failJob(servicesOf(work.context).callbacks, work, record.id, error);
  await refresh(state);
}

/** How a job is cancelled. */
export interface CancelOptions {
  /** Why: the code sees it, and the history keeps it. At most 1,000 characters. */
  readonly reason?: string;
  /** Whether the jobs that only this one waits for are cancelled as well. Default true. */
  readonly cascade?: boolean;
}

export async function cancel(state: JobState, options: CancelOptions): Promise<CancelResult> {
  checkKnown(options, ['reason', 'cascade']);
  const { reason, cascade = true } = options;
  const { work, record } = state.stored();
  const request = {
    by: work.context.uuid,
    reason: reason === undefined ? null : checkReason(reason),
    cascade: checkFlag(cascade, 'cascade'),
  };
  const result = await cancelJob(servicesOf(work.context).callbacks, work, record.id, request);
  if (!work.isPartial) await refresh(state);
  return result;
}

/** How an ended job is tried again. */
export interface JobRetryOptions<Args extends readonly unknown[] = readonly unknown[]> {
  /** Other arguments. Default: those of the job. */
  readonly args?: Args;
  /** When the new job begins at the earliest. Default: at once. */
  readonly at?: Beginning;
}

export async function retry(state: JobState, options: JobRetryOptions): Promise<Retried> {
  checkKnown(options, ['args', 'at']);
  const { args = null, at = null } = options;
  if (args !== null && !Array.isArray(args)) throw invalidOption('args', 'a list of arguments', args);
  const { work, record } = state.stored();
  return retryJob(work, record.id, { args, at });
}

export async function interrupt(state: JobState): Promise<void> {
  const { work, record } = state.stored();
  const { store } = work.context;
  const queue = currentRun.getStore()?.queue ?? (await queueOf(store, await state.read())) ?? '';
  await handleInterrupt(servicesOf(work.context), record.id, { queue, within: null, system: null });
  await refresh(state);
}

export async function resumeCallbacks(state: JobState): Promise<void> {
  const { work } = state.stored();
  await servicesOf(work.context).callbacks.resume(await state.read());
  await refresh(state);
}

/** How long the reason for a time-out may be looked for. */
const reasonMs = 2000;

/** How long a call waits. */
export interface WaitOptions {
  /** Default: no limit. */
  readonly timeout?: Duration;
}

/** Waits until the job has an outcome. Returns the record, which the caller has to learn when it reads the outcome. */
export async function waitForOutcome(state: JobState, options: WaitOptions): Promise<JobRecord> {
  checkKnown(options, ['timeout']);
  const { id } = state.stored().record;
  refuseOwnChild(id);
  if (currentRun.getStore()?.job.id === id) throw new SignalboxError('AWAITED_ITSELF', { id });
  const record = await waitUntil(state, (job) => job.outcome !== null, options, 'a result');
  await state.readResult(record);
  return record;
}

/** The statuses of a job in the order in which it has them. */
const statuses: readonly JobStatus[] = ['NEW', 'PENDING', 'ASSIGNED', 'ACTIVE', 'CALLBACKS', 'COMPLETED'];

/** Waits until the job has the status, or a later one. */
export async function waitForStatus(state: JobState, status: JobStatus, options: WaitOptions): Promise<void> {
  checkKnown(options, ['timeout']);
  const { id } = state.stored().record;
  const wanted = statuses.indexOf(status);
  if (wanted < 0) throw invalidOption('status', `one of ${statuses.join(', ')}`, status);
  refuseOwnChild(id);
  const isReached = (job: JobRecord): boolean => statuses.indexOf(statusOfState(job.state)) >= wanted;
  const record = await waitUntil(state, isReached, options, `status ${status}`);
  await state.readResult(record);
  state.learn(record);
}

async function waitUntil(
  state: JobState,
  isReached: (job: JobRecord) => boolean,
  { timeout }: WaitOptions,
  what: string,
): Promise<JobRecord> {
  const { work, record } = state.stored();
  const limit = timeout === undefined ? null : durationMs(timeout, 'timeout');
  const reached = await servicesOf(work.context).watch.until(record.id, isReached, limit);
  if (reached !== null) return reached;
  const { context } = work;
  // A store that is closed or away gives no reason, and must not hide that the time is over.
  const reason = await answeredWithin(context.reactor, waitReason(context, record.id), reasonMs).catch(
    () => {},
  );
  throw new TimeoutError({
    what: `${what} of job ${record.id}`,
    limit: durationText(limit ?? 0),
    ...reason,
  });
}

/** The error of a failed job, as its `result()` throws it. */
export function revived({ id, name }: JobRecord, failure: Failure): Error {
  const error = failure.toError();
  error.message = new SignalboxError('JOB_FAILED', { id, name, message: failure.message }).message;
  return Object.assign(error, { jobId: id });
}
