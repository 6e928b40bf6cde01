import type { Outcome } from '../../../machines/job.context.ts';
import { type FailedAttempt, isAgentPlace } from '../../../machines/job.context.ts';
import { cutResult } from '../../model/monitoring/job-infos.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { isSystemJob, systemNames } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel, jobText, valueText } from '../../model/values/job-text.ts';
import { type Redactor, shownError } from '../../model/values/redaction.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText, type LogDetails } from '../environment/logging.ts';

/** What a stored commit error hides: the text of the value, or the failure. */
export type MaskedOutcome =
  | { readonly ok: true; readonly text: () => string }
  | { readonly ok: false; readonly failure: Failure['data'] };

/** Where a job runs: a run, or the place of its callbacks. */
export interface LogPlace {
  readonly queue: string;
  readonly agent: { readonly name: string; readonly owner: { readonly uuid: string } } | null;
}

/** A job with its arguments, secrets hidden: for entries at DEBUG only. */
export function callOf({ registry, store }: RuntimeContext, job: JobRecord): string {
  const { args } = registry.redactorOf(job);
  return jobText({ id: job.id, store: store.name, name: job.name, args });
}

/** The fields that say which job an entry is about. `at`: where it runs; default: where its record says. */
export function jobFields(job: JobRecord, at: LogPlace | null = null): LogDetails {
  const { id, name, attempts, parent } = job;
  const place = at?.agent ? { agent: at.agent.name, dispatcher: at.agent.owner.uuid } : placeOf(parent);
  const queue = at?.queue ?? (parent !== null && 'queue' in parent ? parent.queue : undefined);
  return { job: id, name, ...(queue === undefined ? {} : { queue }), ...place, attempt: attempts };
}

function placeOf(parent: JobRecord['parent']): LogDetails {
  if (parent === null || !isAgentPlace(parent)) return {};
  return { agent: parent.agent, dispatcher: parent.dispatcher };
}

/** Whether the end of a job may be logged. */
export function isOutcomeLogged({ log }: RuntimeContext, outcome: Outcome): boolean {
  return !outcome.ok || log.isRead('INFO') || log.isRead('DEBUG');
}

/** Logs the end of a job, once it is stored: the one entry of a job at INFO, or its failure at the level of that. */
export function logOutcome(context: RuntimeContext, ended: JobRecord, at: LogPlace | null = null): void {
  const { outcome } = ended;
  // A branch that is missing passes an outcome on, and that was logged where it arose.
  if (outcome === null || (ended.name === systemNames.pass && !outcome.ok)) return;
  if (outcome.ok) logSuccess(context, ended, outcome.value, at);
  else logFailure(context, ended, outcome.failure, at);
}

function logSuccess(
  context: RuntimeContext,
  ended: JobRecord,
  value: Extract<Outcome, { ok: true }>['value'],
  at: LogPlace | null,
): void {
  const { log, registry } = context;
  if (log.isRead('DEBUG')) {
    const text = (): string => cutResult(valueText(registry.redactorOf(ended).value(value)));
    const what = (): string => `${callOf(context, ended)} succeeded with result:\n${text()}`;
    log.trace('DEBUG', what, { job: ended.id });
  }
  // What the runtime does for itself is no news.
  if (!log.isRead('INFO') || isSystemJob(ended.name) || ended.name === systemNames.pass) return;
  log.trace('INFO', () => endText(ended), endFields(ended, at));
}

function logFailure(
  context: RuntimeContext,
  ended: JobRecord,
  failure: Failure['data'],
  at: LogPlace | null,
): void {
  const { log, registry } = context;
  const shown = new Failure(registry.redactorOf(ended).failure(failure));
  const traceback = (): string =>
    `${callOf(context, ended)} failed with traceback:\n${shown.text('verbose')}`;
  log.trace('DEBUG', traceback, { job: ended.id });
  const fields = { ...endFields(ended, at), err: shown.toError() };
  log.events(registry.failureLevelOf(ended), () => `${endText(ended)}: ${errorText(shown)}`, fields);
}

function endFields(ended: JobRecord, at: LogPlace | null): LogDetails {
  const ms = tookMs(ended);
  return { ...jobFields(ended, at), ...(ms === null ? {} : { ms }), ending: ended.ending ?? '' };
}

function endText(ended: JobRecord): string {
  const { ending, attempts } = ended;
  const ms = tookMs(ended);
  const attempt = attempts > 1 ? ` on attempt ${attempts}` : '';
  return `${jobLabel(ended)} ${ending === 'aborted' ? 'was aborted' : ending}${attempt}${ms === null ? '' : ` in ${ms} ms`}`;
}

/** How long it ran, with its immediate retries and its waits for others; null when its code was not called. */
function tookMs({ activeStart, activeEnd }: JobRecord): number | null {
  return activeStart === null || activeEnd === null ? null : Math.max(0, activeEnd - activeStart);
}

/** Logs an attempt that failed and is made again. */
export function logFailedAttempt(
  context: RuntimeContext,
  job: JobRecord,
  { failure }: FailedAttempt,
  when: string,
  at: LogPlace,
): void {
  const { log, registry } = context;
  if (!log.isRead('WARNING')) return;
  const shown = new Failure(registry.redactorOf(job).failure(failure));
  const what = (): string =>
    `${jobLabel(job)} failed on attempt ${job.attempts}, again ${when}: ${errorText(shown)}`;
  log.events('WARNING', what, { ...jobFields(job, at), err: shown.toError() });
}

/** Logs the outcome that an error of its commit replaces. */
export function logMasked(context: RuntimeContext, job: JobRecord, masked: MaskedOutcome): void {
  const { log, registry } = context;
  const redactor = registry.redactorOf(job);
  if (!masked.ok) {
    const shown = new Failure(redactor.failure(masked.failure));
    const what = (): string => `${jobLabel(job)} failed, but a commit error masks that: ${errorText(shown)}`;
    log.events(registry.failureLevelOf(job), what, { ...jobFields(job), err: shown.toError() });
    return;
  }
  log.events(
    'INFO',
    () => `${jobLabel(job)} succeeded, but a commit error masks the outcome`,
    jobFields(job),
  );
  const text = (): string => redactor.text(masked.text());
  const what = (): string => `commit error masks the outcome of ${callOf(context, job)}: ${text()}`;
  log.trace('DEBUG', what, { job: job.id });
}

/** Logs that the outcome of a call was not stored. */
export function logLost(context: RuntimeContext, job: JobRecord, error: unknown, at: LogPlace): void {
  const { log, registry } = context;
  const err = shownError(registry.redactorOf(job), error);
  const what = (): string => `${jobLabel(job)} is lost here, nothing was written: ${errorText(err)}`;
  log.events('ERROR', what, { ...jobFields(job, at), err });
}

/** Logs that a call ended whose job was handed on when its dispatcher stopped. The stop itself names the jobs. */
export function logHandedOn(context: RuntimeContext, job: JobRecord, error: unknown, at: LogPlace): void {
  const { log, registry } = context;
  if (!log.isRead('DEBUG')) return;
  const err = shownError(registry.redactorOf(job), error);
  const what = (): string =>
    `${jobLabel(job)} was handed on when its dispatcher stopped: what this call gave is not stored: ${errorText(err)}`;
  log.trace('DEBUG', what, { ...jobFields(job, at), err });
}

/** Logs, for the trace of a job, that a worker has started or is done with it. */
export function logWorker(
  context: RuntimeContext,
  did: 'starting' | 'completed',
  thread: string | null,
  job: JobRecord,
): void {
  const { log } = context;
  if (!log.isRead('DEBUG')) return;
  log.trace('DEBUG', () => `${did} in thread ${thread}: ${callOf(context, job)}`, { job: job.id });
}

/** An outcome as text: its value, or all that is known of its Failure. */
export function outcomeText(outcome: Outcome, redactor: Redactor): string {
  if (outcome.ok) return valueText(redactor.value(outcome.value));
  return new Failure(redactor.failure(outcome.failure)).text('verbose');
}
