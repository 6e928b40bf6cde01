import type { Json } from '../../../machines/json.ts';
import { checkId, checkQuotaNames, checkTags } from '../../model/checks/names.ts';
import type { Backoff } from '../../model/jobs/backoff.ts';
import { checkPolicyOrName } from '../../model/jobs/check-policy.ts';
import { checkPriority, type Priority } from '../../model/jobs/priority.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import { limitOfKey } from '../../model/records/keys.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { type Beginning, beginningMs, type Duration, durationMs } from '../../time.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { Definition } from '../definitions/definition.ts';
import { checkKeys, keysFor } from '../definitions/job-limits.ts';
import { type Unique, uniqueSettings } from '../definitions/unique-rule.ts';
import { checkLogLevel, type LogLevel } from '../environment/logging.ts';
import { policyName } from './named-settings.ts';

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
  /** Words by which it is found: up to 16, each of 1 to 64 characters. Default: those of its definition. */
  readonly tags?: readonly string[];
  /** Over what its definition says, option by option. False: it asks for no unique name. */
  readonly unique?: Unique | false;
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
  'tags',
  'unique',
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
  uniqueSettings(changes.unique);
  if (changes.tags !== undefined) checkTags(changes.tags);
  const quotaNames = changes.quotaNames === undefined ? undefined : checkQuotaNames(changes.quotaNames);
  const retryPolicy = changes.retryPolicy == null ? null : checkPolicyOrName(changes.retryPolicy);
  const annotations = { ...settings.annotations, ...changes.annotations };
  const keys = changes.keys === undefined ? {} : { keys: { ...settings.keys, ...changes.keys } };
  const { unique } = changes;
  const over = unique && settings.unique ? { unique: { ...settings.unique, ...unique } } : {};
  return {
    ...settings,
    ...changes,
    ...keys,
    ...over,
    annotations,
    ...(quotaNames && { quotaNames }),
    ...(retryPolicy && { retryPolicy }),
  };
}

/** The tags of a job; null: it has none. @throws SignalboxError `INVALID_OPTION`, and what the definition throws. */
export function tagsOf(
  definition: Definition | null,
  args: readonly unknown[],
  given: JobSettings['tags'],
): readonly string[] | null {
  if (given !== undefined) return checkTags(given);
  const tags = definition?.tags ?? null;
  return typeof tags === 'function' ? checkTags(tags(...(args as never[]))) : tags;
}

/** The deadline of jobs of a definition: it counts from when they may begin. */
export function deadlineOf(definition: Definition | null | undefined): Beginning | null {
  return definition?.deadline == null ? null : { after: definition.deadline };
}

/** The keys of a stored job, with others over them. */
export function keysWith(keys: JobRecord['keys'], given: JobSettings['keys']): JobRecord['keys'] {
  if (given === undefined) return keys;
  checkKeys(given);
  const kept = (keys ?? []).filter((key) => !Object.hasOwn(given, limitOfKey(key)));
  return [...kept, ...(keysFor([], [], given) ?? [])];
}

/** The changes that options make in a stored job. */
export function overridden(
  { registry }: RuntimeContext,
  options: JobSettings,
): { readonly [name: string]: Json } {
  return {
    ...(options.beginBy == null ? {} : { beginBy: durationMs(options.beginBy, 'beginBy') }),
    ...(options.timeout == null ? {} : { timeout: durationMs(options.timeout, 'timeout') }),
    ...(options.failureLogLevel == null ? {} : { failureLogLevel: options.failureLogLevel }),
    ...(options.priority === undefined ? {} : { priority: checkPriority(options.priority) }),
    ...(options.retryPolicy == null ? {} : { retryPolicy: policyName(registry, options.retryPolicy) }),
    ...(options.tags === undefined ? {} : { tags: tagsOf(null, [], options.tags) as Json }),
    ...(options.quotaNames === undefined ? {} : { quotaNames: [...options.quotaNames] }),
  };
}
