import { SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import type { JobStatus } from '../../model/jobs/step.ts';
import type { JobRecord, ProxyRecord } from '../../model/records/records.ts';
import { failureCondition } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { statusBelow } from '../../reading/job-place.ts';
import { addToProxy } from '../callbacks/add-callback.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { ConditionDefinition } from '../definitions/conditions.ts';
import { Inspectable } from '../environment/inspectable.ts';
import { callbackTaken } from '../jobs/job-drafts.ts';
import { isDefinition, isJob, type ProxyLike } from '../jobs/job-like.ts';
import type { JobSettings } from '../jobs/job-settings.ts';
import type { Job, JobDefinition } from './job.ts';
import { servicesOf } from './services.ts';

/** What can be a callback: a definition that takes the input, or a job whose arguments precede it. */
export type CallbackOf<Input, Result> =
  | JobDefinition<readonly [input: Input], Result>
  | JobDefinition<readonly [], Result>
  | Job<Result>;

/** A job, or one of a definition. @throws SignalboxError `ANONYMOUS_FUNCTION` for anything else. */
export function callableJob<Result>(callable: unknown): Job<Result> {
  if (isJob(callable)) return callable as Job<Result>;
  if (isDefinition(callable)) return callable.partial() as Job<Result>;
  throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(callable) });
}

/** The draft of a callback, with its settings. @throws SignalboxError `ANONYMOUS_FUNCTION`, `CALLBACK_TAKEN`. */
export function draftCallback<Result>(callback: unknown, settings: JobSettings): Job<Result> {
  const job = callableJob<Result>(callback);
  if (job.isStored) throw callbackTaken(job);
  return job.with(settings);
}

/** The callbacks of a pair: what is called with a value, and what with a Failure. A missing one passes the outcome on. */
export interface CallbackPair<Input, S, F> {
  readonly success?: CallbackOf<Input, S>;
  readonly failure?: CallbackOf<Failure, F>;
}

/** A branch of a proxy: the job that is called when the condition is met. Null passes the outcome through. */
export interface CallbackBranch {
  readonly when: ConditionDefinition;
  readonly job: Job<unknown> | null;
}

/** Callbacks of which one is called: the first whose condition is met by the outcome of the job they belong to. */
export class CallbackProxy extends Inspectable implements ProxyLike {
  /** The branches in the order in which their conditions are asked. */
  readonly branches: readonly CallbackBranch[];
  /** The branch when no condition is met. */
  readonly otherwise: Job<unknown> | null;
  /** Callbacks added before the proxy is stored. */
  readonly pendingCallbacks: ({ readonly job: Job<unknown> } | { readonly proxy: CallbackProxy })[] = [];
  #work: UnitOfWork | null = null;
  #record: ProxyRecord | null = null;

  private constructor(branches: readonly CallbackBranch[], otherwise: Job<unknown> | null) {
    super();
    this.branches = branches;
    this.otherwise = otherwise;
  }

  static draft(branches: readonly CallbackBranch[], otherwise: Job<unknown> | null): CallbackProxy {
    return new CallbackProxy(branches, otherwise);
  }

  /** A pair: one callback for a Failure, one for a value. */
  static pair<Input, S, F>(branches: CallbackPair<Input, S, F>, settings: JobSettings): CallbackProxy {
    checkKnown(branches, ['success', 'failure']);
    const draft = (callback: unknown): Job<unknown> | null =>
      callback === undefined ? null : draftCallback(callback, settings);
    return new CallbackProxy([{ when: isFailure, job: draft(branches.failure) }], draft(branches.success));
  }

  /** A handle on a stored proxy. */
  static async of(work: UnitOfWork, record: ProxyRecord): Promise<CallbackProxy> {
    const handle = async (id: string | null): Promise<Job<unknown> | null> => {
      const job = id === null ? undefined : await work.read('job', id);
      return job === undefined ? null : jobOf(work, job);
    };
    const branches: CallbackBranch[] = [];
    for (const { when, job } of record.branches)
      branches.push({ when: { conditionName: when, holds: () => false }, job: await handle(job) });
    const proxy = new CallbackProxy(branches, await handle(record.otherwise));
    proxy.#work = work;
    proxy.#record = record;
    return proxy;
  }

  /** Makes a draft the handle of the record that was stored for it. */
  attach(work: UnitOfWork, record: ProxyRecord): void {
    work.onRollback?.(() => {
      this.#work = null;
      this.#record = null;
    });
    this.#work = work;
    this.#record = record;
  }

  /** What is known of it, for `JSON.stringify` and `console.log`. Callbacks by the name of their condition. */
  toJSON(): object {
    const branches = Object.fromEntries(this.branches.map(({ when, job }) => [when.conditionName, job]));
    const { id = null, chosen = null } = this.#record ?? {};
    return { id, branches, otherwise: this.otherwise, chosen };
  }

  /** What is called with a value; null passes it through. */
  get success(): Job<unknown> | null {
    return this.otherwise;
  }

  /** What is called with a Failure; null passes it through. */
  get failure(): Job<unknown> | null {
    return this.branches.find(({ when }) => when.conditionName === failureCondition)?.job ?? null;
  }

  /** The chosen callback; null while it is undecided. */
  async job(): Promise<Job<unknown> | null> {
    const record = await this.#read();
    const work = this.#work;
    if (work === null || record?.chosen == null) return null;
    const chosen = await work.readChecked('job', record.chosen);
    return chosen === undefined ? null : jobOf(work, chosen);
  }

  /** The status of the chosen callback. While it is undecided, that of a callback that has not started. */
  async status(): Promise<JobStatus> {
    const job = await this.job();
    // Refreshed, so it is known.
    if (job !== null) return (await job.refresh()).status as JobStatus;
    if (this.#work === null || this.#record === null) return 'NEW';
    return statusBelow(this.#work.context.store, this.#record.parent);
  }

  /** The outcome of the chosen callback; null while there is none. */
  async outcome(): Promise<Job<unknown>['outcome']> {
    const job = await this.job();
    return job === null ? null : (await job.refresh()).outcome;
  }

  /** Callbacks added before the choice move to the chosen job, in order; afterwards they are added to it directly. */
  async addCallback<R>(callback: CallbackOf<unknown, R>, settings: JobSettings = {}): Promise<Job<R>> {
    const job = draftCallback<R>(callback, settings);
    await this.#add({ job });
    return job;
  }

  /**
   * Adds a pair of which one is called with the outcome of the chosen callback: `success` with its value, `failure` with its
   * Failure. Returns the proxy of the pair.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, type Failure, memoryStore } from 'signalbox';
   *
   * const fetchPage = defineJob({ name: 'fetchPage', run: () => Promise.reject(new Error('offline')) });
   * const fromCache = defineJob({ name: 'fromCache', run: (_failure: Failure) => 'an old page' });
   * const show = defineJob({ name: 'show', run: (page: unknown) => `shows ${page}` });
   * const excuse = defineJob({ name: 'excuse', run: (failure: Failure) => failure.message });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [fetchPage, fromCache, show, excuse] });
   * await box.start();
   * const job = fetchPage();
   * const page = await job.addCallbacks({ failure: fromCache });
   * const shown = await page.addCallbacks({ success: show, failure: excuse });
   * await box.queue().put(job);
   * await job.waitFor('COMPLETED');
   * console.log(await shown.outcome()); // => { ok: true, value: 'shows an old page' }
   * await box.stop();
   * ```
   */
  async addCallbacks<S = unknown, F = unknown>(
    branches: CallbackPair<unknown, S, F>,
    settings: JobSettings = {},
  ): Promise<CallbackProxy> {
    const proxy = CallbackProxy.pair(branches, settings);
    await this.#add({ proxy });
    return proxy;
  }

  async #add(callback: { readonly job: Job<unknown> } | { readonly proxy: CallbackProxy }): Promise<void> {
    const work = this.#work;
    if (work === null || this.#record === null) this.pendingCallbacks.push(callback);
    else await addToProxy(servicesOf(work.context).callbacks, work, this.#record.id, callback);
  }

  async #read(): Promise<ProxyRecord | undefined> {
    return this.#record === null ? undefined : this.#work?.readChecked('proxy', this.#record.id);
  }
}

function jobOf(work: UnitOfWork, record: JobRecord): Job<unknown> {
  return servicesOf(work.context).handles.of(work, record) as Job<unknown>;
}

/** Built in: every process knows it by its name. */
const isFailure: ConditionDefinition = {
  conditionName: failureCondition,
  holds: (input) => input instanceof Failure,
};
