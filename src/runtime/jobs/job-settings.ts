import { checkId, checkQuotaNames } from '../../model/checks/names.ts';
import type { Backoff } from '../../model/jobs/backoff.ts';
import { checkPolicyOrName } from '../../model/jobs/check-policy.ts';
import { checkPriority, type Priority } from '../../model/jobs/priority.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import { type Beginning, beginningMs, type Duration, durationMs } from '../../time.ts';
import { checkKeys } from '../definitions/job-limits.ts';
import { checkLogLevel, type LogLevel } from '../environment/logging.ts';

/** Settings of a job, set before it is put. */
export interface JobSettings<Notes = { readonly [name: string]: unknown }> {
  readonly quotaNames?: readonly string[];
  /** Keys by the names of their limits: over those that its definition computes. */
  readonly keys?: { readonly [limit: string]: string };
  readonly beginAfter?: Beginning | null;
  readonly beginBy?: Duration | null;
  /** How long one attempt may take. Null: no limit, whatever its definition says. */
  readonly timeout?: Duration | null;
  /**
   * Until when it must have its outcome: an instant, or a time from when it may begin. Null: no limit, whatever its definition
   * says.
   */
  readonly deadline?: Beginning | null;
  readonly failureLogLevel?: LogLevel | null;
  /** -9 to 9, lower is sooner, or a word. Default: that of its definition. */
  readonly priority?: Priority;
  /** A policy, the name of one, or a backoff such as `{ maxAttempts: 5 }`. */
  readonly retryPolicy?: RetryPolicy | Backoff | string | null;
  readonly annotations?: Notes;
  /** The id to store it under. Default: a new one. */
  readonly id?: string;
}

/** Every setting by name. */
export const jobSettings = [
  'quotaNames',
  'keys',
  'beginAfter',
  'beginBy',
  'timeout',
  'deadline',
  'failureLogLevel',
  'priority',
  'retryPolicy',
  'annotations',
  'id',
] as const satisfies readonly (keyof JobSettings)[];

/** Settings with others over them, annotations one by one. @throws SignalboxError `INVALID_…`. */
export function changedSettings(settings: JobSettings, changes: JobSettings): JobSettings {
  if (changes.id !== undefined) checkId(changes.id);
  if (changes.beginAfter != null) beginningMs(changes.beginAfter, 0, 'beginAfter');
  if (changes.beginBy != null) durationMs(changes.beginBy, 'beginBy');
  if (changes.timeout != null) durationMs(changes.timeout, 'timeout');
  if (changes.deadline != null) beginningMs(changes.deadline, 0, 'deadline');
  if (changes.keys !== undefined) checkKeys(changes.keys);
  checkLogLevel(changes.failureLogLevel ?? null);
  if (changes.priority !== undefined) checkPriority(changes.priority);
  const quotaNames = changes.quotaNames === undefined ? undefined : checkQuotaNames(changes.quotaNames);
  const retryPolicy = changes.retryPolicy == null ? null : checkPolicyOrName(changes.retryPolicy);
  const annotations = { ...settings.annotations, ...changes.annotations };
  const keys = changes.keys === undefined ? {} : { keys: { ...settings.keys, ...changes.keys } };
  return {
    ...settings,
    ...changes,
    ...keys,
    annotations,
    ...(quotaNames && { quotaNames }),
    ...(retryPolicy && { retryPolicy }),
  };
}
