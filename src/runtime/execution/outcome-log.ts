import type { Outcome } from '../../../machines/job.context.ts';
import { cutResult } from '../../model/monitoring/job-infos.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { valueText } from '../../model/values/job-text.ts';
import type { Redactor } from '../../model/values/redaction.ts';
import type { Engine } from '../box/engine.ts';

/** What a stored commit error hides: the outcome, as text for the log. */
export interface Masked {
  readonly ok: boolean;
  readonly text: () => string;
}

/** Says what came of a job, once that is stored. */
export function logOutcome({ log, registry, executor }: Engine, job: JobRecord, outcome: Outcome): void {
  if (outcome.ok && !log.isRead('INFO')) return;
  const fields = { job: job.id };
  const text = (): string => executor.text(job);
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

/** Says what the job gave, though an error of its commit is stored instead. */
export function logMasked({ log, registry, executor }: Engine, job: JobRecord, masked: Masked): void {
  const level = masked.ok ? 'INFO' : registry.failureLevelOf(job);
  const text = (): string => registry.redactorOf(job).text(masked.text());
  const what = (): string => `commit error masks the outcome of ${executor.text(job)}: ${text()}`;
  log.events(level, what, { job: job.id });
}

/** Says that a call came to nothing. */
export function logLost({ log, registry, executor }: Engine, job: JobRecord, error: unknown): void {
  const err = shownError(registry.redactorOf(job), error);
  const what = (): string => `nothing was written of ${executor.text(job)}: ${err.message}`;
  log.events('ERROR', what, { job: job.id, err });
}

/** An error as a log may show it. */
export function shownError(redactor: Redactor, error: unknown): Error {
  return new Failure(redactor.failure(Failure.from(error).data)).toError();
}

/** An outcome as text: its value, or all that is known of its Failure. */
export function outcomeText(outcome: Outcome, redactor: Redactor): string {
  if (outcome.ok) return valueText(redactor.value(outcome.value));
  return new Failure(redactor.failure(outcome.failure)).text('verbose');
}
