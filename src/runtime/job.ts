import type { Ending, JobEvent } from '../../machines/job.machine.ts';
import type { Json } from '../../machines/json.ts';
import { BadStatusError, SignalboxError, shown, TimeoutError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { jobText } from '../model/job-text.ts';
import { checkAnnotationName, checkId, checkQuotaNames } from '../model/names.ts';
import type { JobRecord } from '../model/records.ts';
import type { RetryPolicy } from '../model/retry.ts';
import { type JobStatus, newJobRecord, statusOfState } from '../model/step.ts';
import { encodeValue } from '../model/values.ts';
import type { HistoryEntry } from '../store/store.ts';
import { type Beginning, beginningMs, type Duration, durationMs, durationText, isDelay } from '../time.ts';
import { actorRefOf, type JobActorRef } from './actor-ref.ts';
import { contextAnnotation } from './attempt.ts';
import { isJob, jobBrand } from './brands.ts';
import { type CallbackOf, CallbackProxy, draftCallback } from './callback-drafts.ts';
import { currentRun } from './current-run.ts';
import type { ConditionDefinition, Definition, JobDefinition } from './definitions.ts';
import { Drafts, storedJobOnly } from './drafts.ts';
import { checkLogLevel, type LogLevel } from './logging.ts';
import type { Unit } from './unit.ts';

/** What came of a job, as a program reads it. */
export type JobOutcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly failure: Failure };

/** Where a job stands: its queue, and the agent that holds it or has completed it. Null where there is none. */
export interface JobPlace {
  readonly queue: string | null;
  readonly dispatcher: string | null;
  readonly agent: string | null;
}

/** Settings of a job, set before it is put. */
export interface JobSettings {
  readonly quotaNames?: readonly string[];
  readonly beginAfter?: Beginning | null;
  readonly beginBy?: Duration | null;
  readonly failureLogLevel?: LogLevel | null;
  readonly retryPolicy?: RetryPolicy | string | null;
  readonly annotations?: { readonly [name: string]: unknown };
  /** The id to store it under. Default: a new one. */
  readonly id?: string;
}

/** A callback that is stored together with a job that is not stored yet. */
export type PendingCallback = { readonly job: Job<unknown> } | { readonly proxy: CallbackProxy };

/**
 * A job. Made by calling a definition it is NEW and can still be changed; put, it is a handle on what the store
 * knows: `status` and `outcome` are the last known values, `refresh()` and `result()` ask.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 *
 * const add = defineJob({ name: 'add', run: (a: number, b: number) => a + b });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [add] });
 * await box.start();
 * const draft = add(1, 2);
 * draft.beginBy = '1h';
 * const job = await box.queue().put(draft);
 * console.log(await job.result(), job.ending); // => 3 succeeded
 * await box.stop();
 * ```
 */
export class Job<Result = unknown> {
  /** Narrows what `result()` gives; never present at run time. */
  declare readonly resultType: Result;
  readonly [jobBrand] = true;
  #definition: Definition | null;
  #args: readonly unknown[];
  #settings: JobSettings;
  #unit: Unit | null = null;
  #record: JobRecord | null = null;
  #annotations: Record<string, Json> | null = null;
  #status: JobStatus | null = null;
  /** Callbacks added before the job is stored. */
  readonly pendingCallbacks: PendingCallback[] = [];

  private constructor(definition: Definition | null, args: readonly unknown[], settings: JobSettings) {
    this.#definition = definition;
    this.#args = args;
    this.#settings = settings;
  }

  /** A NEW job of a definition. */
  static draft<Result>(definition: Definition, args: readonly unknown[]): Job<Result> {
    const carried = definition.context?.getStore();
    const settings = carried === undefined ? {} : { annotations: { [contextAnnotation]: carried } };
    return new Job<Result>(definition, args, settings);
  }

  /** A handle on a stored job. */
  static of<Result>(unit: Unit, record: JobRecord): Job<Result> {
    const job = new Job<Result>(null, [], {});
    job.attach(unit, record);
    return job;
  }

  /** A handle on a job of which only the id is known; `refresh()` tells the rest. */
  static reference<Result>(unit: Unit, id: string): Job<Result> {
    return Job.of<Result>(unit, newJobRecord(id, { name: '' }));
  }

  /** Makes a draft the handle of the record that was stored for it. */
  attach(unit: Unit, record: JobRecord): void {
    this.#unit = unit;
    this.#record = record;
    this.#status = null;
  }

  /** Its id; null before it is stored. */
  get id(): string | null {
    return this.#record?.id ?? this.#settings.id ?? null;
  }

  /** Id and store, as monitoring names it. */
  get names(): readonly [string, string] | null {
    return this.#record === null || this.#unit === null
      ? null
      : [this.#record.id, this.#unit.engine.store.name];
  }

  /** Name of its definition. */
  get name(): string {
    return this.#record?.name ?? this.#definition?.name ?? '';
  }

  /** The definition of a draft; null for a handle. */
  get definition(): Definition | null {
    return this.#definition;
  }

  get isStored(): boolean {
    return this.#record !== null;
  }

  /** The record as last known. @throws SignalboxError `BAD_STATUS` while it is not stored. */
  get record(): JobRecord {
    if (this.#record === null) throw notStored(this);
    return this.#record;
  }

  /** The last known status. */
  get status(): JobStatus {
    return this.#status ?? (this.#record === null ? 'NEW' : statusOfState(this.#record.state));
  }

  /** The last known outcome; null while there is none. */
  get outcome(): JobOutcome<Result> | null {
    const outcome = this.#record?.outcome ?? null;
    if (outcome === null) return null;
    if (!outcome.ok) return { ok: false, failure: new Failure(outcome.failure) };
    return { ok: true, value: this.#unit?.engine.decode(outcome.value) as Result };
  }

  /** How it ended: succeeded, failed, aborted or expired; null while it has not. */
  get ending(): Ending | null {
    return this.#record?.ending ?? null;
  }

  /** Its arguments: of a draft the list itself, to be changed until it is put; of a handle a copy. */
  get args(): readonly unknown[] {
    if (this.#record === null) return this.#args;
    return this.#record.args.map((arg) => this.#unit?.engine.decode(arg));
  }

  set args(args: readonly unknown[]) {
    if (this.#record !== null) throw useInstead(this, 'args', 'setArgs(args)');
    this.#args = args;
  }

  get quotaNames(): readonly string[] {
    return this.#record?.quotaNames ?? this.#settings.quotaNames ?? this.#definition?.quotas ?? [];
  }

  set quotaNames(names: readonly string[]) {
    this.with({ quotaNames: names });
  }

  get beginAfter(): Date | null {
    if (this.#record !== null) return dateOf(this.#record.beginAfter);
    // A delay counts from the put.
    const { beginAfter = null } = this.#settings;
    return beginAfter === null || isDelay(beginAfter)
      ? null
      : new Date(beginningMs(beginAfter, 0, 'beginAfter'));
  }

  set beginAfter(beginAfter: Beginning | null) {
    this.with({ beginAfter });
  }

  /** Milliseconds from `beginAfter` within which it must start. */
  get beginBy(): number | null {
    if (this.#record !== null) return this.#record.beginBy;
    const { beginBy = null } = this.#settings;
    return beginBy === null ? null : durationMs(beginBy, 'beginBy');
  }

  set beginBy(beginBy: Duration | null) {
    this.with({ beginBy });
  }

  get retryPolicy(): string | null {
    const policy = this.#record?.retryPolicy ?? this.#settings.retryPolicy ?? null;
    return typeof policy === 'object' ? (policy?.name ?? null) : policy;
  }

  set retryPolicy(retryPolicy: RetryPolicy | string | null) {
    this.with({ retryPolicy });
  }

  get failureLogLevel(): LogLevel | null {
    return (this.#record?.failureLogLevel ?? this.#settings.failureLogLevel ?? null) as LogLevel | null;
  }

  set failureLogLevel(failureLogLevel: LogLevel | null) {
    this.with({ failureLogLevel });
  }

  get activeStart(): Date | null {
    return dateOf(this.#record?.activeStart);
  }

  get activeEnd(): Date | null {
    return dateOf(this.#record?.activeEnd);
  }

  get callbacksEnd(): Date | null {
    return dateOf(this.#record?.callbacksEnd);
  }

  /**
   * Annotations as last read: of a draft those it will be stored with, of a handle those of the last
   * `refresh()`.
   */
  get annotations(): { readonly [name: string]: unknown } {
    if (this.#record === null) return this.#settings.annotations ?? {};
    const decoded: [string, unknown][] = Object.entries(this.#annotations ?? {}).map(([name, value]) => [
      name,
      this.#unit?.engine.decode(value),
    ]);
    return Object.assign(Object.create(null), Object.fromEntries(decoded)) as {
      readonly [name: string]: unknown;
    };
  }

  /** Settings of a draft. @throws SignalboxError `BAD_STATUS` once it is stored. */
  get settings(): JobSettings {
    return this.#settings;
  }

  /** Changes settings of a draft and returns it. @throws SignalboxError `BAD_STATUS` once it is stored. */
  with(settings: JobSettings): this {
    if (this.#record !== null)
      throw useInstead(this, Object.keys(settings).join(', '), 'the set methods of the job');
    if (settings.id !== undefined) checkId(settings.id);
    if (settings.beginAfter != null) beginningMs(settings.beginAfter, 0, 'beginAfter');
    if (settings.beginBy != null) durationMs(settings.beginBy, 'beginBy');
    checkLogLevel(settings.failureLogLevel ?? null);
    const quotaNames = settings.quotaNames === undefined ? undefined : checkQuotaNames(settings.quotaNames);
    const annotations = { ...this.#settings.annotations, ...settings.annotations };
    this.#settings = { ...this.#settings, ...settings, annotations, ...(quotaNames && { quotaNames }) };
    return this;
  }

  /** Replaces the definition of a job that is NEW. @throws BadStatusError in any other status. */
  async setCallable(definition: JobDefinition<never, Result>): Promise<void> {
    const known = definition.definition;
    if (this.#record === null) {
      this.#definition = known;
      return;
    }
    this.#mustBeStored().engine.registry.mustKnow(known);
    await this.#send({ type: 'callable.set', name: known.name });
  }

  // Changes of a stored job: each an event that the chart accepts or refuses.

  /**
   * Changes the arguments of a stored job that has not started.
   * @throws BadStatusError from ACTIVE on; SignalboxError `ARGS_…`.
   */
  async setArgs(args: readonly unknown[]): Promise<void> {
    const unit = this.#mustBeStored();
    const drafts = new Drafts(unit);
    const encoded = drafts.args(args);
    await this.#send({ type: 'args.set', args: encoded }, drafts);
  }

  /** Appends to the arguments: also while it is ACTIVE, where only joined jobs look at them again. */
  async appendArgs(args: readonly unknown[]): Promise<void> {
    if (this.#record === null) {
      this.#args = [...this.#args, ...args];
      return;
    }
    const drafts = new Drafts(this.#mustBeStored());
    await this.#send({ type: 'args.append', args: drafts.args(args) }, drafts);
  }

  /**
   * Changes the earliest start of a stored job that is NEW.
   * @throws BadStatusError in any other status; SignalboxError `INVALID_INSTANT`.
   */
  async setBeginAfter(beginAfter: Beginning | null): Promise<void> {
    const now = this.#mustBeStored().engine.now();
    const at = beginAfter === null ? null : beginningMs(beginAfter, now, 'beginAfter');
    await this.#send({ type: 'beginAfter.set', beginAfter: at });
  }

  /**
   * Changes the time in which a stored job must start, while it is NEW or PENDING.
   * @throws BadStatusError later; SignalboxError `INVALID_DURATION`.
   */
  async setBeginBy(beginBy: Duration | null): Promise<void> {
    await this.#send({
      type: 'beginBy.set',
      beginBy: beginBy === null ? null : durationMs(beginBy, 'beginBy'),
    });
  }

  /** In any status. A job that has used a policy keeps that one. */
  setRetryPolicy(retryPolicy: RetryPolicy | string | null): Promise<void> {
    const name = this.#mustBeStored().engine.policyName(retryPolicy);
    return this.#send({ type: 'retryPolicy.set', retryPolicy: name });
  }

  /** In any status. */
  async setFailureLogLevel(failureLogLevel: LogLevel | null): Promise<void> {
    checkLogLevel(failureLogLevel);
    await this.#send({ type: 'failureLogLevel.set', failureLogLevel });
  }

  /**
   * Changes the quotas of a stored job, while it is NEW or PENDING.
   * @throws BadStatusError later; SignalboxError `QUOTA_NOT_FOUND`, `INVALID_OPTION`.
   */
  async setQuotaNames(quotaNames: readonly string[]): Promise<void> {
    const names = checkQuotaNames(quotaNames);
    const { engine } = this.#mustBeStored();
    const record = await this.#read();
    const queue = record.parent !== null && 'queue' in record.parent ? record.parent.queue : null;
    if (queue !== null && record.state === 'pending') await engine.mustHaveQuotas(queue, names);
    await this.#send({ type: 'quotaNames.set', quotaNames: names, unknown: 0 });
  }

  /**
   * Sets an annotation of a stored job, in any status.
   * @throws SignalboxError `ARGS_…` when the value is not JSON, `INVALID_OPTION`.
   */
  async setAnnotation(name: string, value: unknown): Promise<void> {
    const unit = this.#mustBeStored();
    checkAnnotationName(name);
    const encoded = encodeValue(value, `annotations[${JSON.stringify(name)}]`, storedJobOnly);
    await unit.submit([unit.engine.annotation(this.record.id, name, encoded)], []);
    this.#annotations = { ...this.#annotations, [name]: encoded };
  }

  /**
   * Fails a job that has not started, by a TimeoutError or the error given.
   * @throws BadStatusError once it is ACTIVE or COMPLETED.
   */
  async fail(error?: unknown): Promise<void> {
    const unit = this.#mustBeStored();
    await unit.engine.finishing.failFromOutside(unit, this.record.id, error);
    await this.refresh();
  }

  /**
   * Decides about a job whose worker went away, as its policy says: back to its queue, or aborted. In CALLBACKS it goes
   * on with them. Meant for system jobs, in whose queue the job is put. @throws BadStatusError unless ACTIVE or in CALLBACKS.
   */
  async handleInterrupt(): Promise<void> {
    const { engine } = this.#mustBeStored();
    const queue = currentRun.getStore()?.queue ?? (await engine.queueOf(await this.#read())) ?? '';
    await engine.finishing.handleInterrupt(this.record.id, queue);
    await this.refresh();
  }

  /**
   * Goes on with its callbacks after their worker went away: see the system jobs.
   * @throws BadStatusError unless it is in CALLBACKS.
   */
  async resumeCallbacks(): Promise<void> {
    await this.#mustBeStored().engine.callbacks.resume(await this.#read());
    await this.refresh();
  }

  // Asking.

  /** Reads the job again. */
  async refresh(): Promise<this> {
    const unit = this.#mustBeStored();
    const record = await unit.get('job', this.record.id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: this.record.id });
    const annotations = await unit.engine.store.annotations(record.id);
    this.#record = record;
    this.#status = await unit.engine.statusOf(record);
    this.#annotations = Object.fromEntries(
      annotations.map((annotation) => [annotation.id.slice(record.id.length + 1), annotation.value]),
    );
    return this;
  }

  /** Freezes what the handle knows of annotations: the view of a running attempt. */
  setKnownAnnotations(annotations: Record<string, Json>): void {
    this.#annotations = annotations;
  }

  /**
   * The result, once it is synced.
   * @throws Error the revived error of the job, with the job's id in its message, when it failed.
   * @throws TimeoutError after `timeout`. Default: no limit.
   */
  async result(options: { readonly timeout?: Duration } = {}): Promise<Result> {
    const unit = this.#mustBeStored();
    unit.engine.refuseOwnChild(unit, this.record.id);
    if (currentRun.getStore()?.job.id === this.record.id)
      throw new SignalboxError('AWAITED_ITSELF', { id: this.record.id });
    const record = await this.#waitUntil((job) => job.outcome !== null, options.timeout, 'a result');
    this.#record = record;
    this.#status = null;
    const outcome = this.outcome;
    if (outcome?.ok === true) return outcome.value;
    throw revived(record, outcome?.failure ?? Failure.from(undefined));
  }

  /** Waits until the job has the status, or one behind it on its way. @throws TimeoutError after `timeout`. */
  async waitFor(status: JobStatus, options: { readonly timeout?: Duration } = {}): Promise<this> {
    const unit = this.#mustBeStored();
    const wanted = ways.indexOf(status);
    if (wanted < 0) {
      throw new SignalboxError('INVALID_OPTION', {
        option: 'status',
        expected: `one of ${ways.join(', ')}`,
        actual: shown(status),
      });
    }
    unit.engine.refuseOwnChild(unit, this.record.id);
    const record = await this.#waitUntil(
      (job) => ways.indexOf(statusOfState(job.state)) >= wanted,
      options.timeout,
      `status ${status}`,
    );
    this.#record = record;
    this.#status = null;
    return this;
  }

  /** Entries of the job, oldest first, as far back as history is kept. */
  async *history(): AsyncIterable<HistoryEntry> {
    const entries: HistoryEntry[] = [];
    for await (const entry of this.#mustBeStored().engine.store.history('job', this.record.id))
      entries.push(entry);
    yield* entries.reverse();
  }

  /** Where it stands, found through its parents, so callbacks and expired jobs have a queue too. */
  async place(): Promise<JobPlace> {
    const { engine } = this.#mustBeStored();
    const { parent } = await engine.topOf(await this.#read());
    if (parent === null || !('queue' in parent)) return { queue: null, dispatcher: null, agent: null };
    if (!('agent' in parent)) return { queue: parent.queue, dispatcher: null, agent: null };
    return { queue: parent.queue, dispatcher: parent.dispatcher, agent: parent.agent };
  }

  /** Its callbacks, in order: jobs, and proxies that choose one. */
  async callbacks(): Promise<readonly (Job<unknown> | CallbackProxy)[]> {
    if (this.#record === null)
      return this.pendingCallbacks.map((added) => ('job' in added ? added.job : added.proxy));
    const unit = this.#mustBeStored();
    await unit.engine.store.settled();
    const callbacks = await unit.engine.store.callbacks(this.record.id);
    return Promise.all(
      callbacks.map((callback) =>
        callback.kind === 'job' ? Job.of(unit, callback.record) : CallbackProxy.of(unit, callback.record),
      ),
    );
  }

  /**
   * A live reference in XState's sense, fed by the journal: for tools and tests. Costs nothing when nobody holds
   * it.
   */
  actorRef(): JobActorRef {
    const unit = this.#mustBeStored();
    return actorRefOf(unit.engine, this.record);
  }

  // Callbacks.

  /**
   * Adds a callback: it is called with the outcome, a value or a Failure, after the job is done. On a completed job
   * it runs at once, in this process. Returns the callback job.
   */
  async addCallback<R>(
    callback: CallbackOf<Result | Failure, R>,
    settings: JobSettings = {},
  ): Promise<Job<R>> {
    const job = draftCallback<R>(callback).with(settings);
    if (this.#record === null) this.pendingCallbacks.push({ job });
    else await this.#mustBeStored().engine.callbacks.add(this.#mustBeStored(), this.record.id, { job });
    return job;
  }

  /**
   * Adds a pair of which one is called: `success` with the value, `failure` with the Failure. Returns the proxy.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, type Failure, memoryStore } from 'signalbox';
   *
   * const half = defineJob({ name: 'half', run: (n: number) => n / 2 });
   * const cheer = defineJob({ name: 'cheer', run: (n: number) => `got ${n}` });
   * const excuse = defineJob({ name: 'excuse', run: (failure: Failure) => failure.message });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [half, cheer, excuse] });
   * await box.start();
   * const job = half(4);
   * const pair = await job.addCallbacks({ success: cheer, failure: excuse });
   * await box.queue().put(job);
   * await job.waitFor('COMPLETED');
   * console.log(await pair.outcome()); // => { ok: true, value: 'got 2' }
   * await box.stop();
   * ```
   */
  async addCallbacks<S = unknown, F = unknown>(
    branches: { readonly success?: CallbackOf<Result, S>; readonly failure?: CallbackOf<Failure, F> },
    settings: JobSettings = {},
  ): Promise<CallbackProxy> {
    const proxy = CallbackProxy.pair(
      branches.success === undefined ? null : draftCallback(branches.success).with(settings),
      branches.failure === undefined ? null : draftCallback(branches.failure).with(settings),
    );
    return this.#addProxy(proxy);
  }

  /**
   * Adds callbacks of which one is called: the first whose condition holds for the outcome, a value or a Failure, or else
   * `otherwise`, without which the outcome is passed through. Returns the proxy.
   */
  async addConditionalCallbacks(
    branches: readonly (readonly [
      when: ConditionDefinition,
      callback: CallbackOf<Result | Failure, unknown>,
    ])[],
    options: JobSettings & { readonly otherwise?: CallbackOf<Result | Failure, unknown> } = {},
  ): Promise<CallbackProxy> {
    const { otherwise, ...settings } = options;
    return this.#addProxy(
      CallbackProxy.draft(
        branches.map(([when, callback]) => ({ when, job: draftCallback(callback).with(settings) })),
        otherwise === undefined ? null : draftCallback(otherwise).with(settings),
      ),
    );
  }

  async #addProxy(proxy: CallbackProxy): Promise<CallbackProxy> {
    if (this.#record === null) this.pendingCallbacks.push({ proxy });
    else await this.#mustBeStored().engine.callbacks.add(this.#mustBeStored(), this.record.id, { proxy });
    return proxy;
  }

  toString(): string {
    const record = this.#record;
    return jobText({
      id: this.id,
      store: this.#unit?.engine.store.name ?? null,
      name: this.name,
      args: record?.args ?? draftArgs(this.#args),
    });
  }

  async #send(event: JobEvent, drafts?: Drafts): Promise<void> {
    const unit = this.#mustBeStored();
    this.#record = await unit.engine.change(unit, this.record.id, event, drafts?.made ?? []);
    drafts?.attach();
    this.#status = null;
  }

  async #read(): Promise<JobRecord> {
    const record = await this.#mustBeStored().get('job', this.record.id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: this.record.id });
    return record;
  }

  async #waitUntil(
    isReached: (job: JobRecord) => boolean,
    timeout: Duration | undefined,
    what: string,
  ): Promise<JobRecord> {
    const { engine } = this.#mustBeStored();
    const limit = timeout === undefined ? null : durationMs(timeout, 'timeout');
    const record = await engine.watch.until(this.record.id, isReached, limit);
    if (record !== null) return record;
    throw new TimeoutError({ what: `${what} of job ${this.record.id}`, limit: durationText(limit ?? 0) });
  }

  #mustBeStored(): Unit {
    if (this.#unit === null) throw notStored(this);
    return this.#unit;
  }
}

const ways: readonly JobStatus[] = ['NEW', 'PENDING', 'ASSIGNED', 'ACTIVE', 'CALLBACKS', 'COMPLETED'];

/** The error of a failed job, as its `result()` throws it. */
function revived(record: JobRecord, failure: Failure): Error {
  const error = failure.toError();
  error.message = new SignalboxError('JOB_FAILED', {
    id: record.id,
    name: record.name,
    message: failure.message,
  }).message;
  return Object.assign(error, { jobId: record.id });
}

function draftArgs(args: readonly unknown[]): readonly Json[] {
  return args.map((arg) => {
    try {
      return encodeValue(arg, 'args', (value) => (isJob(value) ? (value.id ?? '?') : null));
    } catch {
      return `<${shown(arg)}>`;
    }
  });
}

function dateOf(instant: number | null | undefined): Date | null {
  return instant === null || instant === undefined ? null : new Date(instant);
}

function notStored(job: { toString(): string }): BadStatusError {
  return new BadStatusError({
    what: job.toString(),
    status: 'NEW',
    event: 'a question to the store; put it first',
    guards: [],
  });
}

function useInstead(
  job: { toString(): string; status: JobStatus },
  what: string,
  instead: string,
): BadStatusError {
  return new BadStatusError({
    what: job.toString(),
    status: job.status,
    event: `setting ${what} directly; use ${instead}`,
    guards: [],
  });
}
