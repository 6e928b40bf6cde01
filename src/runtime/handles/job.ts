import { SignalboxError, shown, TimeoutError } from '../../errors.ts';
import { checkKnown, checkObject } from '../../model/checks/check-known.ts';
import { type JobStatus, newJobRecord, statusOfState } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import { type Duration, durationMs, durationText } from '../../time.ts';
import { topOf } from '../commits/job-place.ts';
import type { Unit } from '../commits/unit-of-work.ts';
import type { ConditionDefinition } from '../definitions/conditions.ts';
import { contextAnnotation } from '../execution/attempt.ts';
import { currentRun } from '../execution/current-run.ts';
import type { JobSettings } from '../jobs/job-settings.ts';
import { actorRefOf, type JobActorRef } from './actor-ref.ts';
import { type CallbackOf, CallbackProxy, draftCallback } from './callback-proxy.ts';
import type { Definition } from './define-job.ts';
import { ChangeableJob } from './job-changes.ts';
import { JobKnowledge } from './job-state.ts';

/** Where a job stands: its queue, and the agent that holds it or has completed it. Null where there is none. */
export interface JobPlace {
  readonly queue: string | null;
  readonly dispatcher: string | null;
  readonly agent: string | null;
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
export class Job<Result = unknown> extends ChangeableJob<Result> {
  readonly #known: JobKnowledge;

  private constructor(known: JobKnowledge) {
    super(known);
    this.#known = known;
  }

  /** A NEW job of a definition. */
  static draft<Result>(definition: Definition, args: readonly unknown[]): Job<Result> {
    const carried = definition.context?.getStore();
    const settings = carried === undefined ? {} : { annotations: { [contextAnnotation]: carried } };
    return new Job<Result>(new JobKnowledge(definition, args, settings));
  }

  /** A handle on a stored job. */
  static of<Result>(unit: Unit, record: JobRecord): Job<Result> {
    const job = new Job<Result>(new JobKnowledge(null, [], {}));
    job.attach(unit, record);
    return job;
  }

  /** A handle on a job of which only the id is known; `refresh()` tells the rest. */
  static reference<Result>(unit: Unit, id: string): Job<Result> {
    return Job.of<Result>(unit, newJobRecord(id, { name: '' }));
  }

  /**
   * The result, once it is synced.
   * @throws Error the revived error of the job, with the job's id in its message, when it failed.
   * @throws TimeoutError after `timeout`. Default: no limit.
   */
  async result(options: { readonly timeout?: Duration } = {}): Promise<Result> {
    checkKnown(options, ['timeout']);
    const { unit } = this.#known.stored();
    unit.engine.refuseOwnChild(this.record.id);
    if (currentRun.getStore()?.job.id === this.record.id)
      throw new SignalboxError('AWAITED_ITSELF', { id: this.record.id });
    const record = await this.#waitUntil((job) => job.outcome !== null, options, 'a result');
    this.#known.learn(record);
    const outcome = this.outcome;
    if (outcome?.ok === true) return outcome.value;
    throw revived(record, outcome?.failure ?? Failure.from(undefined));
  }

  /** Waits until the job has the status, or one behind it on its way. @throws TimeoutError after `timeout`. */
  async waitFor(status: JobStatus, options: { readonly timeout?: Duration } = {}): Promise<this> {
    checkKnown(options, ['timeout']);
    const { unit } = this.#known.stored();
    const wanted = ways.indexOf(status);
    if (wanted < 0) {
      throw new SignalboxError('INVALID_OPTION', {
        option: 'status',
        expected: `one of ${ways.join(', ')}`,
        actual: shown(status),
      });
    }
    unit.engine.refuseOwnChild(this.record.id);
    const record = await this.#waitUntil(
      (job) => ways.indexOf(statusOfState(job.state)) >= wanted,
      options,
      `status ${status}`,
    );
    this.#known.learn(record);
    return this;
  }

  /** Entries of the job, oldest first, as far back as history is kept. */
  async *history(): AsyncIterable<HistoryEntry> {
    const entries: HistoryEntry[] = [];
    for await (const entry of this.#known.stored().unit.engine.store.history('job', this.record.id))
      entries.push(entry);
    yield* entries.reverse();
  }

  /** Where it stands, found through its parents, so callbacks and expired jobs have a queue too. */
  async place(): Promise<JobPlace> {
    const { engine } = this.#known.stored().unit;
    const { parent } = await topOf(engine.store, await this.#known.read());
    if (parent === null || !('queue' in parent)) return { queue: null, dispatcher: null, agent: null };
    if (!('agent' in parent)) return { queue: parent.queue, dispatcher: null, agent: null };
    return { queue: parent.queue, dispatcher: parent.dispatcher, agent: parent.agent };
  }

  /** Its callbacks, in order: jobs, and proxies that choose one. */
  async callbacks(): Promise<readonly (Job<unknown> | CallbackProxy)[]> {
    if (this.#known.record === null)
      return this.pendingCallbacks.map((added) => ('job' in added ? added.job : added.proxy));
    const { unit } = this.#known.stored();
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
    const { unit } = this.#known.stored();
    return actorRefOf(unit.engine, this.record);
  }

  /**
   * Adds a callback: it is called with the outcome, a value or a Failure, after the job is done. On a completed job
   * it runs at once, in this process. Returns the callback job.
   */
  async addCallback<R>(
    callback: CallbackOf<Result | Failure, R>,
    settings: JobSettings = {},
  ): Promise<Job<R>> {
    const job = draftCallback<R>(callback).with(settings);
    if (this.#known.record === null) this.pendingCallbacks.push({ job });
    else
      await this.#known
        .stored()
        .unit.engine.callbacks.add(this.#known.stored().unit, this.record.id, { job });
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
    checkKnown(branches, ['success', 'failure']);
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
    checkObject(options, 'options');
    const { otherwise, ...settings } = options;
    return this.#addProxy(
      CallbackProxy.draft(
        branches.map(([when, callback]) => ({ when, job: draftCallback(callback).with(settings) })),
        otherwise === undefined ? null : draftCallback(otherwise).with(settings),
      ),
    );
  }

  async #addProxy(proxy: CallbackProxy): Promise<CallbackProxy> {
    if (this.#known.record === null) this.pendingCallbacks.push({ proxy });
    else
      await this.#known
        .stored()
        .unit.engine.callbacks.add(this.#known.stored().unit, this.record.id, { proxy });
    return proxy;
  }

  async #waitUntil(
    isReached: (job: JobRecord) => boolean,
    options: { readonly timeout?: Duration },
    what: string,
  ): Promise<JobRecord> {
    const { engine } = this.#known.stored().unit;
    checkKnown(options, ['timeout']);
    const { timeout } = options;
    const limit = timeout === undefined ? null : durationMs(timeout, 'timeout');
    const record = await engine.watch.until(this.record.id, isReached, limit);
    if (record !== null) return record;
    throw new TimeoutError({ what: `${what} of job ${this.record.id}`, limit: durationText(limit ?? 0) });
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
