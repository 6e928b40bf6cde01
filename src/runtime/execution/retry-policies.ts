import { SignalboxError } from '../../errors.ts';
import { jsonWithin } from '../../model/checks/bounded-json.ts';
import { defaultLimits, nestsWithin } from '../../model/checks/limits.ts';
import { storableValue } from '../../model/checks/storable-text.ts';
import { isExpired } from '../../model/jobs/deadline.ts';
import {
  putBackAt,
  type RetryAnswer,
  type RetryData,
  type RetryPolicy,
  type RetryTools,
} from '../../model/jobs/retry.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Failure } from '../../model/values/failure.ts';
import type { Redactor } from '../../model/values/redaction.ts';
import type { Engine } from '../box/engine.ts';
import { mustSucceed } from '../commits/retry.ts';
import { shownError } from './outcome-log.ts';
import type { Run } from './run.ts';

/** Asks the retry policies of jobs. A policy that cannot be had or that throws is asked until it answers. */
export class Policies {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Whether a call goes on after an error of its code or of its commit. A job that is too late is not tried again. */
  async after(run: Run, failure: Failure, error: 'jobError' | 'commitError'): Promise<RetryAnswer> {
    if (isExpired(run.job, this.#engine.store.now())) return false;
    run.policy ??= await this.#of(run.job);
    const policy = run.policy;
    if (!this.#has(policy, error, run.job)) return false;
    const tools = this.#tools(run.job);
    return this.#answer(run.job, () => policy[error](failure, run.cache, tools));
  }

  /** Whether an interrupted job goes on, and what its policy keeps of it. */
  async afterInterrupt(job: JobRecord): Promise<{ readonly answer: RetryAnswer; readonly data: RetryData }> {
    const kept = job.retryData ?? {};
    const policy = await this.#of(job);
    if (!this.#has(policy, 'interrupted', job)) return { answer: false, data: this.#kept(job, policy, kept) };
    let data: RetryData = kept;
    const answer = await this.#answer(job, () => {
      const told = policy.interrupted(dataOf(job), this.#tools(job));
      data = told.data;
      return told.answer;
    });
    return {
      answer: isExpired(job, this.#engine.store.now()) ? false : answer,
      data: this.#kept(job, policy, data),
    };
  }

  /** What the policy keeps of a call that ends. `always`: also when it has counted nothing, since the job goes on. */
  dataOf(run: Run, always = false): JobRecord['retryData'] {
    const { policy, job } = run;
    if (policy === null) return job.retryData;
    const data = this.#has(policy, 'updateData', job) ? this.#updated(run, policy) : null;
    if (data === null && !always) return job.retryData;
    return this.#kept(job, policy, data ?? job.retryData ?? {});
  }

  /** What a policy keeps is of less worth than the outcome that it is stored with. */
  #updated({ job, cache }: Run, policy: RetryPolicy): RetryData | null {
    try {
      return policy.updateData(dataOf(job), cache);
    } catch (error) {
      this.#engine.log.events(
        'ERROR',
        () => `retry policy "${policy.name}" of ${this.#text(job)} keeps nothing: ${this.#shown(job, error)}`,
        { job: job.id },
      );
      return null;
    }
  }

  /** An unknown name is waited for: somebody may still register it, and guessing could run the job once too often. */
  #of(job: JobRecord): Promise<RetryPolicy> {
    const { registry } = this.#engine;
    return mustSucceed(
      this.#engine,
      () => `getting the retry policy of ${this.#text(job)}`,
      async () => registry.mustHavePolicy(job),
    );
  }

  async #answer(job: JobRecord, ask: () => RetryAnswer | Promise<RetryAnswer>): Promise<RetryAnswer> {
    const engine = this.#engine;
    const what = (): string => `asking the retry policy of ${this.#text(job)}`;
    const redactor = (): Redactor => engine.registry.redactorOf(job);
    const answer = await mustSucceed(engine, what, async () => ask(), redactor);
    if (typeof answer === 'boolean') return answer;
    try {
      putBackAt(answer, engine.store.now());
      return answer;
    } catch (error) {
      engine.log.events('ERROR', () => `${this.#text(job)} is not tried again: ${this.#shown(job, error)}`, {
        job: job.id,
      });
      return false;
    }
  }

  #has(policy: RetryPolicy, method: keyof RetryPolicy, job: JobRecord): boolean {
    if (typeof policy[method] === 'function') return true;
    this.#engine.log.events(
      'ERROR',
      () =>
        `retry policy "${policy.name}" of ${this.#text(job)} has no ${method}; that counts as: do not retry`,
      { job: job.id },
    );
    return false;
  }

  /** The policy first used stays the job's, and the start of its first attempt ever is never overwritten. */
  #kept(job: JobRecord, policy: RetryPolicy, data: RetryData): RetryData {
    const own = { policy: policy.name, first_active: job.activeStart };
    try {
      // What is no JSON would be refused by the store, and with it the outcome.
      return withinLimits(jsonWithin({ ...own, ...data }, largestKept) ?? '{}');
    } catch (error) {
      const what = (): string =>
        `what ${policy.name} keeps of ${this.#text(job)} cannot be kept: ${this.#shown(job, error)}`;
      this.#engine.log.events('ERROR', what, { job: job.id });
      return { ...own, ...job.retryData };
    }
  }

  #tools(job: JobRecord): RetryTools {
    const { log, registry } = this.#engine;
    const shown = (message: string): string => registry.redactorOf(job).text(message);
    return {
      wait: (ms) => this.#engine.sleep(ms),
      trace: (level, message) =>
        log.trace(level, () => `${shown(message)}: ${this.#text(job)}`, { job: job.id }),
      events: (level, message) =>
        log.events(level, () => `${shown(message)}: ${this.#text(job)}`, { job: job.id }),
    };
  }

  #shown(job: JobRecord, error: unknown): string {
    return String(shownError(this.#engine.registry.redactorOf(job), error));
  }

  #text(job: JobRecord): string {
    return this.#engine.executor.text(job);
  }
}

/** What is kept of a job, for its policy: a copy, since a policy may change what it is given, and the record is the store's. */
function dataOf(job: JobRecord): RetryData {
  return structuredClone(job.retryData ?? {});
}

// Three failures with all their causes take less.
const largestKept = 4 * 1024 * 1024;

/** What a policy keeps, as every store can keep it: what a database refused would take the outcome with it. @throws SignalboxError `ARGS_TOO_DEEP`. */
function withinLimits(text: string): RetryData {
  const data = storableValue(text) as RetryData;
  const { depth } = defaultLimits;
  if (nestsWithin(data, depth)) return data;
  throw new SignalboxError('ARGS_TOO_DEEP', { path: 'retryData', limit: depth, actual: depth + 1 });
}
