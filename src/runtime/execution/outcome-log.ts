import type { FailedAttempt, Outcome } from '../../../machines/job.context.ts';
import { cutResult } from '../../model/monitoring/job-infos.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobText, valueText } from '../../model/values/job-text.ts';
import { type Redactor, shownError } from '../../model/values/redaction.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';

/** What a stored commit error hides: the outcome, as text for the log. */
export interface MaskedOutcome {
  readonly ok: boolean;
  readonly text: () => string;
}

/** A job as logs name it: id, store, name and arguments, secrets hidden. */
export function jobLabel({ registry, store }: RuntimeContext, job: JobRecord): string {
  const { args } = registry.redactorOf(job);
  return jobText({ id: job.id, store: store.name, name: job.name, args });
}

/** Logs the outcome of a job, once it is stored. */
export function logOutcome(context: RuntimeContext, job: JobRecord, outcome: Outcome): void {
  const { log, registry } = context;
  if (outcome.ok && !log.isRead('INFO')) return;
  const fields = { job: job.id };
  const text = (): string => jobLabel(context, job);
  if (outcome.ok) {
    const value = (): string => cutResult(outcomeText(outcome, registry.redactorOf(job)));
    log.trace('INFO', () => `${text()} succeeded with result:\n${value()}`, fields);
    return;
  }
  // A Failure that a missing branch passes on was logged where it arose.
  if (job.name === systemNames.pass) return;
  const failure = new Failure(registry.redactorOf(job).failure(outcome.failure));
  const message = (): string => `${text()} failed with traceback:\n${failure.text('verbose')}`;
  log.events(registry.failureLevelOf(job), message, { ...fields, err: failure.toError() });
}

/** Logs an attempt that failed and is made again. */
export function logFailedAttempt(
  context: RuntimeContext,
  job: JobRecord,
  { failure }: FailedAttempt,
  when: string,
): void {
  const { log, registry } = context;
  if (!log.isRead('WARNING')) return;
  const shown = new Failure(registry.redactorOf(job).failure(failure));
  const what = (): string =>
    `attempt ${job.attempts} of ${jobLabel(context, job)} failed and is made again ${when}: ${shown.name}: ${shown.message}`;
  log.events('WARNING', what, { job: job.id, err: shown.toError() });
}

/** Logs the outcome that an error of its commit replaces. */
export function logMasked(context: RuntimeContext, job: JobRecord, masked: MaskedOutcome): void {
  const { log, registry } = context;
  const level = masked.ok ? 'INFO' : registry.failureLevelOf(job);
  const text = (): string => registry.redactorOf(job).text(masked.text());
  const what = (): string => `commit error masks the outcome of ${jobLabel(context, job)}: ${text()}`;
  log.events(level, what, { job: job.id });
}

/** Logs that the outcome of a call was not stored. */
export function logLost(context: RuntimeContext, job: JobRecord, error: unknown): void {
  const { log, registry } = context;
  const err = shownError(registry.redactorOf(job), error);
  const what = (): string => `nothing was written of ${jobLabel(context, job)}: ${err.message}`;
  log.events('ERROR', what, { job: job.id, err });
}

/** An outcome as text: its value, or all that is known of its Failure. */
export function outcomeText(outcome: Outcome, redactor: Redactor): string {
  if (outcome.ok) return valueText(redactor.value(outcome.value));
  return new Failure(redactor.failure(outcome.failure)).text('verbose');
}
