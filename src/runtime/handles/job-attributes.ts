import type { Ending, Origin } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import type { BadStatusError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import type { Backoff } from '../../model/jobs/backoff.ts';
import { checkPriority, type Priority } from '../../model/jobs/priority.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { JobStatus } from '../../model/jobs/step.ts';
import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { type Beginning, beginningMs, type Duration, durationMs, isDelay } from '../../time.ts';
import type { Definition } from '../definitions/definition.ts';
import { Inspectable } from '../environment/inspectable.ts';
import type { LogLevel } from '../environment/logging.ts';
import { changedSettings, type JobSettings, jobSettings } from '../jobs/job-settings.ts';
import type { StoredAnnotations } from '../jobs/not-stored.ts';
import type { JobState, ShownJob } from './job-state.ts';

/** The outcome of a job, as a program reads it. */
export type JobOutcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly failure: Failure };

/** The attributes of a job that need no store, and the settings of a draft. `Job` adds the calls that need the store. */
export abstract class JobAttributes<Result> extends Inspectable {
  /** Narrows what `result()` gives; never present at run time. */
  declare readonly resultType: Result;
  readonly #state: JobState;

  constructor(state: JobState) {
    super();
    this.#state = state;
  }

  /** Its id; null before it is stored. */
  get id(): string | null {
    return this.#state.id;
  }

  /** Id and store, as monitoring names it. */
  get names(): readonly [string, string] | null {
    const { work, record } = this.#state;
    return record === null || work === null ? null : [record.id, work.context.store.name];
  }

  /** Name of its definition. */
  get name(): string {
    return this.#state.name;
  }

  /** The definition of a draft; null for a handle. */
  get definition(): Definition | null {
    return this.#state.definition;
  }

  get isStored(): boolean {
    return this.#state.record !== null;
  }

  /** The record as last known. @throws SignalboxError `BAD_STATUS` while it is not stored. */
  get record(): JobRecord {
    return this.#state.stored().record;
  }

  /**
   * The last known status. `UNKNOWN` is no status of a job: it is that of a handle by id, `box.job(id)`, that has asked
   * nothing yet.
   */
  get status(): JobStatus | 'UNKNOWN' {
    return this.#state.status;
  }

  /**
   * What the put did that gave this handle: `added` it, or found the job that is `existing` under its unique name or its id, and
   * `replaced` or `debounced` that one. Null before the put, and of a handle that no put gave.
   */
  get putResult(): PutResult | null {
    return this.#state.putResult;
  }

  /** The last known outcome; null while there is none. */
  get outcome(): JobOutcome<Result> | null {
    const outcome = this.#state.record?.outcome ?? null;
    if (outcome === null) return null;
    if (!outcome.ok) return { ok: false, failure: new Failure(outcome.failure) };
    return { ok: true, value: this.#state.decode(outcome.value) as Result };
  }

  /** How it ended: succeeded, failed, aborted or expired; null while it has not. */
  get ending(): Ending | null {
    return this.#state.record?.ending ?? null;
  }

  /** What put it: a schedule and its tick, or the retry of an ended job. Null for any other job. */
  get origin(): Origin | null {
    return this.#state.record?.origin ?? null;
  }

  /** Its arguments: of a draft the list itself, to be changed until it is put; of a handle a copy. */
  get args(): readonly unknown[] {
    const { record, args } = this.#state;
    return record === null ? args : record.args.map((arg) => this.#state.decode(arg));
  }

  set args(args: readonly unknown[]) {
    if (this.isStored) throw this.#useInstead('args', 'setArgs(args)');
    this.#state.args = args;
  }

  get quotaNames(): readonly string[] {
    const { record, settings, definition } = this.#state;
    return record?.quotaNames ?? settings.quotaNames ?? definition?.quotas ?? [];
  }

  set quotaNames(names: readonly string[]) {
    this.with({ quotaNames: names });
  }

  get beginAfter(): Date | null {
    const { record, settings } = this.#state;
    if (record !== null) return dateOf(record.beginAfter);
    // A delay counts from the put.
    const { beginAfter = null } = settings;
    return beginAfter === null || isDelay(beginAfter)
      ? null
      : dateOf(beginningMs(beginAfter, 0, 'beginAfter'));
  }

  set beginAfter(beginAfter: Beginning | null) {
    this.with({ beginAfter });
  }

  /** Milliseconds from `beginAfter` within which it must start. */
  get beginBy(): number | null {
    const { record, settings } = this.#state;
    if (record !== null) return record.beginBy;
    return settings.beginBy == null ? null : durationMs(settings.beginBy, 'beginBy');
  }

  set beginBy(beginBy: Duration | null) {
    this.with({ beginBy });
  }

  /** How urgent it is: -9 to 9, lower is sooner. */
  get priority(): number {
    const { record, settings, definition } = this.#state;
    return record?.priority ?? checkPriority(settings.priority ?? definition?.priority ?? 0);
  }

  set priority(priority: Priority) {
    this.with({ priority });
  }

  /** Words by which it is found. Of a draft those that were set, if its definition computes them from the arguments. */
  get tags(): readonly string[] {
    const { record, settings, definition } = this.#state;
    const own = definition === null || typeof definition.tags === 'function' ? null : definition.tags;
    return (record === null ? (settings.tags ?? own) : record.tags) ?? [];
  }

  set tags(tags: readonly string[]) {
    this.with({ tags });
  }

  get retryPolicy(): string | null {
    const policy = this.#state.record?.retryPolicy ?? this.#state.settings.retryPolicy ?? null;
    // A draft has made a policy of a backoff.
    return typeof policy === 'object' ? ((policy as RetryPolicy | null)?.name ?? null) : policy;
  }

  set retryPolicy(retryPolicy: RetryPolicy | Backoff | string | null) {
    this.with({ retryPolicy });
  }

  get failureLogLevel(): LogLevel | null {
    const { record, settings } = this.#state;
    return (record?.failureLogLevel ?? settings.failureLogLevel ?? null) as LogLevel | null;
  }

  set failureLogLevel(failureLogLevel: LogLevel | null) {
    this.with({ failureLogLevel });
  }

  /** Why its last attempt failed that was made again; null while there is none. See `attempts()` for all of them. */
  get lastFailure(): Failure | null {
    const failed = this.#state.record?.lastFailure ?? null;
    return failed === null ? null : new Failure(failed.failure);
  }

  get activeStart(): Date | null {
    return dateOf(this.#state.record?.activeStart);
  }

  get activeEnd(): Date | null {
    return dateOf(this.#state.record?.activeEnd);
  }

  get callbacksEnd(): Date | null {
    return dateOf(this.#state.record?.callbacksEnd);
  }

  /**
   * Annotations as last read: of a draft those it will be stored with, of a handle those of the last
   * `refresh()`.
   */
  get annotations(): { readonly [name: string]: unknown } {
    const { record, settings, annotations } = this.#state;
    if (record === null) return settings.annotations ?? {};
    const decoded = Object.entries(annotations ?? {}).map(([name, value]) => [
      name,
      this.#state.decode(value),
    ]);
    return Object.fromEntries(decoded);
  }

  /** Settings of a draft. @throws SignalboxError `BAD_STATUS` once it is stored. */
  get settings(): JobSettings {
    return this.#state.settings;
  }

  /** Changes settings of a draft and returns it. @throws SignalboxError `BAD_STATUS` once it is stored. */
  with<Notes extends { readonly [name: string]: unknown }>(
    settings: JobSettings<Notes> & StoredAnnotations<Notes>,
  ): this {
    if (this.isStored) throw this.#useInstead(Object.keys(settings).join(', '), 'the set methods of the job');
    checkKnown(settings, jobSettings);
    this.#state.settings = changedSettings(this.#state.settings, settings);
    return this;
  }

  /** Freezes what the handle knows of annotations: the view of a running attempt. */
  setKnownAnnotations(annotations: Record<string, Json>): void {
    this.#state.annotations = annotations;
  }

  override toString(): string {
    return this.#state.text();
  }

  /** What is known of it, for `JSON.stringify` and `console.log`: what `redact` hides is hidden, and arguments are not shown. */
  toJSON(): ShownJob {
    return this.#state.shown();
  }

  #useInstead(what: string, instead: string): BadStatusError {
    return this.#state.refused(`setting ${what} directly; use ${instead}`);
  }
}

function dateOf(instant: number | null | undefined): Date | null {
  return instant === null || instant === undefined ? null : new Date(instant);
}
