import type { Ending } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import type { BadStatusError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { JobStatus } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { type Beginning, beginningMs, type Duration, durationMs, isDelay } from '../../time.ts';
import { statusOf } from '../commits/job-place.ts';
import type { Unit } from '../commits/unit-of-work.ts';
import type { LogLevel } from '../environment/logging.ts';
import { jobBrand } from '../jobs/job-like.ts';
import { changedSettings, type JobSettings, jobSettings } from '../jobs/job-settings.ts';
import type { CallbackProxy } from './callback-proxy.ts';
import type { Definition } from './define-job.ts';
import type { Job } from './job.ts';
import type { JobKnowledge } from './job-state.ts';

/** What came of a job, as a program reads it. */
export type JobOutcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly failure: Failure };

/** A callback that is stored together with a job that is not stored yet. */
export type PendingCallback = { readonly job: Job<unknown> } | { readonly proxy: CallbackProxy };

/** A job as it is known: what can be said, and changed in a draft, without asking the store; and the asking again. */
export class KnownJob<Result> {
  /** Narrows what `result()` gives; never present at run time. */
  declare readonly resultType: Result;
  readonly [jobBrand] = true;
  /** Callbacks added before the job is stored. */
  readonly pendingCallbacks: PendingCallback[] = [];
  readonly #known: JobKnowledge;

  constructor(known: JobKnowledge) {
    this.#known = known;
  }

  /** Makes a draft the handle of the record that was stored for it. */
  attach(unit: Unit, record: JobRecord): void {
    this.#known.attach(unit, record);
  }

  /** Makes a draft of the handle again when the transaction in which it was put came to nothing. Says whether it is one. */
  withdraw(): boolean {
    return this.#known.withdraw();
  }

  /** Its id; null before it is stored. */
  get id(): string | null {
    return this.#known.id;
  }

  /** Id and store, as monitoring names it. */
  get names(): readonly [string, string] | null {
    const { unit, record } = this.#known;
    return record === null || unit === null ? null : [record.id, unit.engine.store.name];
  }

  /** Name of its definition. */
  get name(): string {
    return this.#known.name;
  }

  /** The definition of a draft; null for a handle. */
  get definition(): Definition | null {
    return this.#known.definition;
  }

  get isStored(): boolean {
    return this.#known.record !== null;
  }

  /** The record as last known. @throws SignalboxError `BAD_STATUS` while it is not stored. */
  get record(): JobRecord {
    return this.#known.stored().record;
  }

  /** The last known status. */
  get status(): JobStatus {
    return this.#known.status;
  }

  /** The last known outcome; null while there is none. */
  get outcome(): JobOutcome<Result> | null {
    const outcome = this.#known.record?.outcome ?? null;
    if (outcome === null) return null;
    if (!outcome.ok) return { ok: false, failure: new Failure(outcome.failure) };
    return { ok: true, value: this.#known.unit?.engine.decode(outcome.value) as Result };
  }

  /** How it ended: succeeded, failed, aborted or expired; null while it has not. */
  get ending(): Ending | null {
    return this.#known.record?.ending ?? null;
  }

  /** Its arguments: of a draft the list itself, to be changed until it is put; of a handle a copy. */
  get args(): readonly unknown[] {
    if (this.#known.record === null) return this.#known.args;
    return this.#known.record.args.map((arg) => this.#known.unit?.engine.decode(arg));
  }

  set args(args: readonly unknown[]) {
    if (this.#known.record !== null) throw this.#useInstead('args', 'setArgs(args)');
    this.#known.args = args;
  }

  get quotaNames(): readonly string[] {
    return (
      this.#known.record?.quotaNames ??
      this.#known.settings.quotaNames ??
      this.#known.definition?.quotas ??
      []
    );
  }

  set quotaNames(names: readonly string[]) {
    this.with({ quotaNames: names });
  }

  get beginAfter(): Date | null {
    if (this.#known.record !== null) return dateOf(this.#known.record.beginAfter);
    // A delay counts from the put.
    const { beginAfter = null } = this.#known.settings;
    return beginAfter === null || isDelay(beginAfter)
      ? null
      : new Date(beginningMs(beginAfter, 0, 'beginAfter'));
  }

  set beginAfter(beginAfter: Beginning | null) {
    this.with({ beginAfter });
  }

  /** Milliseconds from `beginAfter` within which it must start. */
  get beginBy(): number | null {
    if (this.#known.record !== null) return this.#known.record.beginBy;
    const { beginBy = null } = this.#known.settings;
    return beginBy === null ? null : durationMs(beginBy, 'beginBy');
  }

  set beginBy(beginBy: Duration | null) {
    this.with({ beginBy });
  }

  get retryPolicy(): string | null {
    const policy = this.#known.record?.retryPolicy ?? this.#known.settings.retryPolicy ?? null;
    return typeof policy === 'object' ? (policy?.name ?? null) : policy;
  }

  set retryPolicy(retryPolicy: RetryPolicy | string | null) {
    this.with({ retryPolicy });
  }

  get failureLogLevel(): LogLevel | null {
    return (this.#known.record?.failureLogLevel ??
      this.#known.settings.failureLogLevel ??
      null) as LogLevel | null;
  }

  set failureLogLevel(failureLogLevel: LogLevel | null) {
    this.with({ failureLogLevel });
  }

  get activeStart(): Date | null {
    return dateOf(this.#known.record?.activeStart);
  }

  get activeEnd(): Date | null {
    return dateOf(this.#known.record?.activeEnd);
  }

  get callbacksEnd(): Date | null {
    return dateOf(this.#known.record?.callbacksEnd);
  }

  /**
   * Annotations as last read: of a draft those it will be stored with, of a handle those of the last
   * `refresh()`.
   */
  get annotations(): { readonly [name: string]: unknown } {
    if (this.#known.record === null) return this.#known.settings.annotations ?? {};
    const decoded: [string, unknown][] = Object.entries(this.#known.annotations ?? {}).map(
      ([name, value]) => [name, this.#known.unit?.engine.decode(value)],
    );
    return Object.assign(Object.create(null), Object.fromEntries(decoded)) as {
      readonly [name: string]: unknown;
    };
  }

  /** Settings of a draft. @throws SignalboxError `BAD_STATUS` once it is stored. */
  get settings(): JobSettings {
    return this.#known.settings;
  }

  /** Changes settings of a draft and returns it. @throws SignalboxError `BAD_STATUS` once it is stored. */
  with(settings: JobSettings): this {
    if (this.#known.record !== null)
      throw this.#useInstead(Object.keys(settings).join(', '), 'the set methods of the job');
    checkKnown(settings, jobSettings);
    this.#known.settings = changedSettings(this.#known.settings, settings);
    return this;
  }

  /** Reads the job again. */
  async refresh(): Promise<this> {
    const { unit } = this.#known.stored();
    const record = await this.#known.read();
    const annotations = await unit.engine.store.annotations(record.id);
    this.#known.learn(record, await statusOf(unit.engine.store, record));
    this.#known.annotations = Object.fromEntries(
      annotations.map((annotation) => [annotation.id.slice(record.id.length + 1), annotation.value]),
    );
    return this;
  }

  /** Freezes what the handle knows of annotations: the view of a running attempt. */
  setKnownAnnotations(annotations: Record<string, Json>): void {
    this.#known.annotations = annotations;
  }

  toString(): string {
    return this.#known.text();
  }

  #useInstead(what: string, instead: string): BadStatusError {
    return this.#known.refused(`setting ${what} directly; use ${instead}`);
  }
}

function dateOf(instant: number | null | undefined): Date | null {
  return instant === null || instant === undefined ? null : new Date(instant);
}
