import { SignalboxError, shown } from '../errors.ts';
import type { ProxyRecord } from '../model/records.ts';
import { isDefinition, isJob } from './brands.ts';
import type { JobDefinition } from './definitions.ts';
import type { Job, JobSettings } from './job.ts';
import type { Unit } from './unit.ts';

/** What can be a callback: a definition that takes the input, or a job whose arguments precede it. */
export type CallbackOf<Input, Result> =
  | JobDefinition<readonly [input: Input], Result>
  | JobDefinition<readonly [], Result>
  | Job<Result>;

/** The job of a callback. @throws SignalboxError `ANONYMOUS_FUNCTION` for anything that is no job and no definition. */
export function draftCallback<Result>(callback: unknown): Job<Result> {
  if (isJob(callback)) return callback as Job<Result>;
  if (isDefinition(callback)) return callback.partial() as Job<Result>;
  throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(callback) });
}

/** A pair of callbacks of which one is called, by the outcome of the job it belongs to. */
export class CallbackProxy {
  readonly success: Job<unknown> | null;
  readonly failure: Job<unknown> | null;
  #unit: Unit | null = null;
  #record: ProxyRecord | null = null;

  private constructor(success: Job<unknown> | null, failure: Job<unknown> | null) {
    this.success = success;
    this.failure = failure;
  }

  static draft(success: Job<unknown> | null, failure: Job<unknown> | null): CallbackProxy {
    return new CallbackProxy(success, failure);
  }

  static of(unit: Unit, record: ProxyRecord): CallbackProxy {
    const proxy = new CallbackProxy(null, null);
    proxy.attach(unit, record);
    return proxy;
  }

  attach(unit: Unit, record: ProxyRecord): void {
    this.#unit = unit;
    this.#record = record;
  }

  /** The chosen callback; null while it is undecided. */
  async job(): Promise<Job<unknown> | null> {
    if (this.#unit === null || this.#record === null) return null;
    const record = await this.#unit.get('proxy', this.#record.id);
    if (record === undefined || record.chosen === null) return null;
    const chosen = await this.#unit.get('job', record.chosen);
    return chosen === undefined ? null : this.#unit.engine.handle(this.#unit, chosen);
  }

  /** Callbacks added before the choice move to the chosen job; afterwards they are added to it directly. */
  readonly pendingCallbacks: Job<unknown>[] = [];

  async addCallback<R>(callback: CallbackOf<unknown, R>, settings: JobSettings = {}): Promise<Job<R>> {
    const job = draftCallback<R>(callback).with(settings);
    if (this.#unit === null || this.#record === null) this.pendingCallbacks.push(job);
    else await this.#unit.engine.callbacks.addToProxy(this.#unit, this.#record.id, job);
    return job;
  }
}
