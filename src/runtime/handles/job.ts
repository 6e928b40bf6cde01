import { checkObject } from '../../model/checks/check-options.ts';
import { type Attempt, attemptsOf } from '../../model/jobs/attempts.ts';
import type { Backoff } from '../../model/jobs/backoff.ts';
import type { Priority } from '../../model/jobs/priority.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import { type JobStatus, newJobRecord } from '../../model/jobs/step.ts';
import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Progress } from '../../model/values/progress.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import type { Beginning, Duration } from '../../time.ts';
import { addCallback } from '../callbacks/add-callback.ts';
import type { CancelResult } from '../callbacks/cancel-job.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { ConditionDefinition } from '../definitions/conditions.ts';
import type { Definition } from '../definitions/definition.ts';
import type { LogLevel } from '../environment/logging.ts';
import { contextAnnotation } from '../execution/attempt.ts';
import { type JobLike, jobBrand, type PendingCallback } from '../jobs/job-like.ts';
import type { JobSettings } from '../jobs/job-settings.ts';
import type { StoredArguments, StoredValue } from '../jobs/not-stored.ts';
import type { KnownJobs } from '../jobs/referred-jobs.ts';
import { actorRefOf, type JobActorRef } from './actor-ref.ts';
import { type CallbackOf, type CallbackPair, CallbackProxy, draftCallback } from './callback-proxy.ts';
import { JobAttributes } from './job-attributes.ts';
import * as commands from './job-commands.ts';
import { JobState } from './job-state.ts';
import { servicesOf } from './services.ts';

type Rest<Args extends readonly unknown[]> = Args extends readonly [unknown, ...infer Others] ? Others : Args;

/** A job by name: call it with the arguments to make a NEW job of it. */
export interface JobDefinition<Args extends readonly unknown[] = readonly unknown[], Result = unknown> {
  (...args: Args): Job<Result>;
  readonly definition: Definition;
  /** A job with only the first arguments; the callback's input is appended to them. */
  partial(...first: Partial<Args>): Job<Result>;
  /** A job that receives itself as its first argument, before these. */
  bind(...rest: Rest<Args>): Job<Result>;
}

/**
 * A definition whose input has a schema. Its jobs are made with the whole input: a part of it, as `partial` and `bind` take it, could
 * not be looked at before the job is called.
 */
export interface JobDefinitionWithInput<Input, Result = unknown>
  extends JobDefinition<readonly [input: Input], Result> {
  /** Not with `input`: call the definition. */
  readonly partial: never;
  /** Not with `input`: call the definition. */
  readonly bind: never;
}

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
export class Job<Result = unknown> extends JobAttributes<Result> implements JobLike {
  readonly [jobBrand] = true;
  /** Callbacks added before the job is stored. */
  readonly pendingCallbacks: ({ readonly job: Job<unknown> } | { readonly proxy: CallbackProxy })[] = [];
  readonly #state: JobState;

  private constructor(state: JobState) {
    super(state);
    this.#state = state;
  }

  /** A NEW job of a definition. */
  static draft<Result>(definition: Definition, args: readonly unknown[]): Job<Result> {
    const carried = definition.context?.getStore();
    const settings = carried === undefined ? {} : { annotations: { [contextAnnotation]: carried } };
    return new Job<Result>(new JobState(definition, args, settings));
  }

  /** A handle on a stored job. `known`: jobs that its values refer to, as far as they were read. */
  static of<Result>(work: UnitOfWork, record: JobRecord, known?: KnownJobs): Job<Result> {
    const state = new JobState(null, [], {});
    if (known !== undefined) state.known = known;
    const job = new Job<Result>(state);
    job.attach(work, record);
    return job;
  }

  /** A handle on a job of which only the id is known; `refresh()` reads the rest. */
  static reference<Result>(work: UnitOfWork, id: string): Job<Result> {
    const job = Job.of<Result>(work, newJobRecord(id, { name: '' }));
    job.#state.learn(job.record, 'UNKNOWN');
    return job;
  }

  /** Makes a draft the handle of the record that was stored for it. */
  attach(work: UnitOfWork, record: JobRecord, putResult: PutResult | null = null): void {
    this.#state.attach(work, record, putResult);
  }

  /** Makes the handle a draft again when the transaction that put it was rolled back. Returns whether it is a draft. */
  withdraw(): boolean {
    return this.#state.withdraw();
  }

  /** Reads the job again. */
  async refresh(): Promise<this> {
    await commands.refresh(this.#state);
    return this;
  }

  /** Replaces the definition of a job that is NEW. @throws BadStatusError in any other status. */
  async setCallable(definition: JobDefinition<never, Result>): Promise<void> {
    return commands.setCallable(this.#state, definition.definition);
  }

  /**
   * Changes the arguments of a stored job that has not started.
   * @throws BadStatusError from ACTIVE on; SignalboxError `ARGS_…`.
   */
  setArgs<const Args extends readonly unknown[]>(args: Args & StoredArguments<Args>): Promise<void> {
    return commands.setArgs(this.#state, args);
  }

  /** Appends to the arguments: also while it is ACTIVE, where only joined jobs look at them again. */
  appendArgs<const Args extends readonly unknown[]>(args: Args & StoredArguments<Args>): Promise<void> {
    return commands.appendArgs(this.#state, args);
  }

  /**
   * Changes the earliest start of a stored job that is NEW.
   * @throws BadStatusError in any other status; SignalboxError `INVALID_INSTANT`.
   */
  setBeginAfter(beginAfter: Beginning | null): Promise<void> {
    return commands.setBeginAfter(this.#state, beginAfter);
  }

  /**
   * Changes the time in which a stored job must start, while it is NEW or PENDING.
   * @throws BadStatusError later; SignalboxError `INVALID_DURATION`.
   */
  setBeginBy(beginBy: Duration | null): Promise<void> {
    return commands.setBeginBy(this.#state, beginBy);
  }

  /** In any status. A job that has used a policy keeps that one. */
  setRetryPolicy(retryPolicy: RetryPolicy | Backoff | string | null): Promise<void> {
    return commands.setRetryPolicy(this.#state, retryPolicy);
  }

  /** In any status. */
  setFailureLogLevel(failureLogLevel: LogLevel | null): Promise<void> {
    return commands.setFailureLogLevel(this.#state, failureLogLevel);
  }

  /**
   * Changes how urgent a stored job is, while it is NEW or PENDING: it goes to its place among those of the new priority.
   * @throws BadStatusError later; SignalboxError `INVALID_OPTION`.
   */
  setPriority(priority: Priority): Promise<void> {
    return commands.setPriority(this.#state, priority);
  }

  /** Changes the tags of a stored job, in any status. @throws SignalboxError `INVALID_OPTION`. */
  setTags(tags: readonly string[]): Promise<void> {
    return commands.setTags(this.#state, tags);
  }

  /**
   * Changes the quotas of a stored job, while it is NEW or PENDING.
   * @throws BadStatusError later; SignalboxError `QUOTA_NOT_FOUND`, `INVALID_NAME`, `INVALID_OPTION`.
   */
  setQuotaNames(quotaNames: readonly string[]): Promise<void> {
    return commands.setQuotaNames(this.#state, quotaNames);
  }

  /**
   * Sets an annotation of a stored job, in any status.
   * @throws SignalboxError `ARGS_…` when the value is not JSON, `INVALID_OPTION`, `TOO_MANY`, `JOB_NOT_FOUND`.
   */
  setAnnotation<Value>(name: string, value: Value & StoredValue<Value, 'value'>): Promise<void> {
    return commands.setAnnotation(this.#state, name, value);
  }

  /**
   * How far its code has come, as it last said with `local.progress()`: asks the store, from any process. Null: it has said nothing.
   *
   * @throws SignalboxError `BAD_STATUS` while it is not stored.
   */
  progress(): Promise<Progress | null> {
    return commands.progress(this.#state);
  }

  /**
   * Fails a stored job that has not started, by a TimeoutError or the error given.
   * @throws BadStatusError once it is ACTIVE or COMPLETED, and while it is not stored: see `box.storeNew`.
   */
  fail(error?: unknown): Promise<void> {
    return commands.fail(this.#state, error);
  }

  /**
   * Cancels the job, from any process, whatever it is at. One whose code does not run ends at once: it waits, is held for a retry,
   * or waits for another job, which is cancelled as well unless yet another one waits for it. One whose code runs is asked to stop:
   * `local.signal` aborts with a `CancelledError`. Code that has not stopped after its `grace` is left behind, and the job ends
   * without it. A value that the code returns all the same counts. The job is never tried again; its callbacks are called with
   * the failure.
   *
   * @returns `cancelled`: it has ended by this call. `cancelling`: its code is asked to stop. `ended`: it had its outcome before.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, local, memoryStore } from 'signalbox';
   *
   * const report = defineJob({ name: 'report', run: () => local.sleep('1h') });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [report] });
   * await box.start();
   * const job = await box.queue().put(report());
   * await job.waitFor('ACTIVE');
   * console.log(await job.cancel({ reason: 'not needed' })); // => cancelling
   * await job.waitFor('COMPLETED');
   * console.log(job.ending); // => cancelled
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `JOB_NOT_FOUND`, `INVALID_OPTION`; BadStatusError while it is not stored.
   */
  cancel(options: commands.CancelOptions = {}): Promise<CancelResult> {
    return commands.cancel(this.#state, options);
  }

  /**
   * Tries a job again that has ended, however it ended: puts a new job of the same definition in the same queue, with its arguments
   * or others, its settings and its tags, and without its callbacks. The new job names the old one in `origin`, the old one the
   * new one in annotation `signalbox.retriedAs`; both are one commit. A job that is unique asks for its name as any put does: see
   * `putResult` of the job that this gives. Other arguments need the definition in this process.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore, NeverRetry } from 'signalbox';
   *
   * const half = defineJob({
   *   name: 'half',
   *   retry: NeverRetry,
   *   run: (n: number) => {
   *     if (n % 2 === 1) throw new Error('odd');
   *     return n / 2;
   *   },
   * });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [half] });
   * await box.start();
   * const job = await box.queue().put(half(3));
   * await job.waitFor('COMPLETED');
   * const again = await job.retry({ args: [4] });
   * console.log(await again.result(), again.origin?.retryOf === job.id); // => 2 true
   * await box.stop();
   * ```
   *
   * @throws BadStatusError before it has ended, of a callback, and of a job that was in no queue.
   * @throws SignalboxError `JOB_NOT_FOUND`, `UNKNOWN_DEFINITION`, `DUPLICATE_JOB`, `QUEUE_FULL`, `QUOTA_NOT_FOUND`, `ARGS_…`.
   */
  async retry<const Args extends readonly unknown[] = readonly unknown[]>(
    options: commands.JobRetryOptions<Args & StoredArguments<Args>> = {},
  ): Promise<Job<Result>> {
    const { record, result } = await commands.retry(this.#state, options);
    const { work } = this.#state.stored();
    const job = Job.of<Result>(work.handles, record);
    job.attach(work.handles, record, result);
    return job;
  }

  /**
   * Decides about a job whose worker disappeared, as its policy says: back to its queue, or aborted. In CALLBACKS it
   * continues them. Meant for system jobs, in whose queue the job is put.
   * @throws BadStatusError unless ACTIVE or in CALLBACKS.
   */
  handleInterrupt(): Promise<void> {
    return commands.interrupt(this.#state);
  }

  /**
   * Continues its callbacks after their worker disappeared: see the system jobs.
   * @throws BadStatusError unless it is in CALLBACKS.
   */
  resumeCallbacks(): Promise<void> {
    return commands.resumeCallbacks(this.#state);
  }

  /**
   * The result, once it is synced.
   * @throws Error the revived error of the job, with the job's id in its message, when it failed.
   * @throws TimeoutError after `timeout`. Default: no limit.
   */
  async result(options: { readonly timeout?: Duration } = {}): Promise<Result> {
    const record = await commands.waitForOutcome(this.#state, options);
    // Learned and read in one turn: another call may learn an older record in between.
    this.#state.learn(record);
    const { outcome } = this;
    if (outcome?.ok === true) return outcome.value;
    throw commands.revived(record, outcome?.failure ?? Failure.from(undefined));
  }

  /** Waits until the job has the status, or a later one. @throws TimeoutError after `timeout`. */
  async waitFor(status: JobStatus, options: { readonly timeout?: Duration } = {}): Promise<this> {
    await commands.waitForStatus(this.#state, status, options);
    return this;
  }

  /** Entries of the job, oldest first, as far back as history is kept. */
  async *history(): AsyncIterable<HistoryEntry> {
    const { work, record } = this.#state.stored();
    const entries: HistoryEntry[] = [];
    for await (const entry of work.context.store.history('job', record.id)) entries.push(entry);
    yield* entries.reverse();
  }

  /**
   * Its attempts, oldest first, from its history: when each began and ended, and why it failed.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * let calls = 0;
   * const flaky = defineJob({
   *   name: 'flaky',
   *   retry: { maxAttempts: 3, delay: '10ms' },
   *   run: () => {
   *     calls += 1;
   *     if (calls < 3) throw new Error(`call ${calls} failed`);
   *     return 'done';
   *   },
   * });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [flaky] });
   * await box.start();
   * const job = await box.queue().put(flaky());
   * await job.result();
   * for (const { attempt, ending, failure } of await job.attempts())
   *   console.log(attempt, failure?.message ?? ending);
   * // => 1 call 1 failed
   * // => 2 call 2 failed
   * // => 3 succeeded
   * await box.stop();
   * ```
   */
  async attempts(): Promise<readonly Attempt[]> {
    const entries: HistoryEntry[] = [];
    for await (const entry of this.history()) entries.push(entry);
    return attemptsOf(entries);
  }

  /** Where it is, found through its parents, so callbacks and expired jobs have a queue too. */
  place(): Promise<commands.JobPlace> {
    return commands.placeOf(this.#state);
  }

  /** Its callbacks, in order: jobs, and proxies that choose one. */
  async callbacks(): Promise<readonly (Job<unknown> | CallbackProxy)[]> {
    if (!this.isStored)
      return this.pendingCallbacks.map((added) => ('job' in added ? added.job : added.proxy));
    const { work, record } = this.#state.stored();
    const { store } = work.context;
    await store.settled();
    const callbacks = await store.callbacks(record.id);
    return Promise.all(
      callbacks.map((callback) =>
        callback.kind === 'job' ? Job.of(work, callback.record) : CallbackProxy.of(work, callback.record),
      ),
    );
  }

  /**
   * A live reference in XState's sense, fed by the journal: for tools and tests. Costs nothing as long as it is not
   * subscribed.
   */
  actorRef(): JobActorRef {
    const { work, record } = this.#state.stored();
    return actorRefOf(servicesOf(work.context), record);
  }

  /**
   * Adds a callback: it is called with the outcome, a value or a Failure, after the job is done. On a completed job
   * it runs at once, in this process. Returns the callback job.
   */
  async addCallback<R>(
    callback: CallbackOf<Result | Failure, R>,
    settings: JobSettings = {},
  ): Promise<Job<R>> {
    const job = draftCallback<R>(callback, settings);
    if (!this.isStored) this.pendingCallbacks.push({ job });
    else await this.#add({ job });
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
    branches: CallbackPair<Result, S, F>,
    settings: JobSettings = {},
  ): Promise<CallbackProxy> {
    return this.#addProxy(CallbackProxy.pair(branches, settings));
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
    checkObject(options, 'options');
    const { otherwise, ...settings } = options;
    return this.#addProxy(
      CallbackProxy.draft(
        branches.map(([when, callback]) => ({ when, job: draftCallback(callback, settings) })),
        otherwise === undefined ? null : draftCallback(otherwise, settings),
      ),
    );
  }

  async #addProxy(proxy: CallbackProxy): Promise<CallbackProxy> {
    if (!this.isStored) this.pendingCallbacks.push({ proxy });
    else await this.#add({ proxy });
    return proxy;
  }

  #add(callback: PendingCallback): Promise<void> {
    const { work, record } = this.#state.stored();
    return addCallback(servicesOf(work.context).callbacks, work, record.id, callback);
  }
}
