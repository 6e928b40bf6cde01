import { SignalboxError } from '../../errors.ts';
import { jsonWithin } from '../../model/checks/bounded-json.ts';
import { defaultLimits, nestsWithin } from '../../model/checks/limits.ts';
import { storableValue } from '../../model/checks/storable-text.ts';
import { isExpired } from '../../model/jobs/deadline.ts';
import {
  keptByDefault,
  putBackAt,
  type RetryAnswer,
  type RetryData,
  type RetryPolicy,
  type RetryTools,
} from '../../model/jobs/retry.ts';
import { isUnrecoverable } from '../../model/jobs/retry-errors.ts';
import { stopError } from '../../model/jobs/stop-error.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { type Redactor, shownError } from '../../model/values/redaction.ts';
import { retryForever } from '../commits/retry.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText } from '../environment/logging.ts';
import { jobFields } from './outcome-log.ts';
import type { Run } from './run.ts';

/** Asks the retry policies of jobs. A policy that is not known here, or that throws, is asked until it answers. */
export class RetryPolicies {
  readonly #context: RuntimeContext;

  constructor(context: RuntimeContext) {
    this.#context = context;
  }

  /**
   * Whether a job is tried again after an error of its code or of its commit. An expired job is not, nor one whose code says
   * that it cannot help.
   */
  async after(run: Run, failure: Failure, error: 'jobError' | 'commitError'): Promise<RetryAnswer> {
    if (isExpired(run.job, this.#context.store.now()) || isUnrecoverable(failure)) return false;
    const policy = await this.policyOf(run);
    if (!this.#has(policy, error, run.job)) return false;
    const tools = this.#tools(run.job);
    return this.#answer(run.job, () => policy[error](failure, run.cache, tools));
  }

  async policyOf(run: Run): Promise<RetryPolicy> {
    run.policy ??= await this.#of(run.job);
    return run.policy;
  }

  /** Whether an interrupted job is tried again, and what its policy keeps of it. */
  async afterInterrupt(job: JobRecord): Promise<{ readonly answer: RetryAnswer; readonly data: RetryData }> {
    const kept = job.retryData ?? {};
    const policy = await this.#of(job);
    if (job.state === 'active.timingOut' && job.stop !== null)
      return this.#afterLimit(job, policy, Failure.from(stopError(job, job.stop)));
    if (!this.#has(policy, 'interrupted', job)) return { answer: false, data: this.#kept(job, policy, kept) };
    let data: RetryData = kept;
    const answer = await this.#answer(job, () => {
      const decision = policy.interrupted(dataOf(job), this.#tools(job));
      data = decision.data;
      return decision.answer;
    });
    return {
      answer: isExpired(job, this.#context.store.now()) ? false : answer,
      data: this.#kept(job, policy, data),
    };
  }

  /** A time limit had passed when the process was lost: that is a failure of the attempt, and no interruption. */
  async #afterLimit(
    job: JobRecord,
    policy: RetryPolicy,
    failure: Failure,
  ): Promise<{ readonly answer: RetryAnswer; readonly data: RetryData }> {
    const kept = job.retryData ?? {};
    if (isExpired(job, this.#context.store.now()) || !this.#has(policy, 'jobError', job))
      return { answer: false, data: this.#kept(job, policy, kept) };
    const cache = new Map(Object.entries(dataOf(job)));
    const answer = await this.#answer(job, () => policy.jobError(failure, cache, this.#tools(job)));
    const data = (policy.updateData ?? keptByDefault)(dataOf(job), cache) ?? kept;
    return { answer, data: this.#kept(job, policy, data) };
  }

  /** What the policy keeps of a call that ends. `always`: also when it has counted nothing, since the job is not over. */
  dataOf(run: Run, always = false): JobRecord['retryData'] {
    const { policy, job } = run;
    if (policy === null) return job.retryData;
    const data = this.#updated(run, policy);
    if (data === null && !always) return job.retryData;
    return this.#kept(job, policy, data ?? job.retryData ?? {});
  }

  /** An error here loses what the policy keeps, never the outcome that it is stored with. */
  #updated({ job, cache }: Run, policy: RetryPolicy): RetryData | null {
    try {
      return (policy.updateData ?? keptByDefault)(dataOf(job), cache);
    } catch (error) {
      this.#context.log.events(
        'ERROR',
        () => `${jobLabel(job)}: retry policy "${policy.name}" keeps nothing: ${this.#shown(job, error)}`,
        jobFields(job),
      );
      return null;
    }
  }

  /** Waits for a policy of an unknown name: the program may still register it, and a guess could run the job once too often. */
  #of(job: JobRecord): Promise<RetryPolicy> {
    const { registry } = this.#context;
    return retryForever(
      this.#context,
      () => `getting the retry policy of ${jobLabel(job)}`,
      async () => registry.mustHavePolicy(job),
    );
  }

  async #answer(job: JobRecord, ask: () => RetryAnswer | Promise<RetryAnswer>): Promise<RetryAnswer> {
    const { registry, store, log } = this.#context;
    const what = (): string => `asking the retry policy of ${jobLabel(job)}`;
    const redactor = (): Redactor => registry.redactorOf(job);
    const answer = await retryForever(this.#context, what, async () => ask(), { redactor });
    if (typeof answer === 'boolean') return answer;
    try {
      putBackAt(answer, store.now());
      return answer;
    } catch (error) {
      const what = (): string => `${jobLabel(job)} is not tried again: ${this.#shown(job, error)}`;
      log.events('ERROR', what, jobFields(job));
      return false;
    }
  }

  #has(policy: RetryPolicy, method: keyof RetryPolicy, job: JobRecord): boolean {
    if (typeof policy[method] === 'function') return true;
    this.#context.log.events(
      'ERROR',
      () => `${jobLabel(job)}: retry policy "${policy.name}" has no ${method}; that counts as: do not retry`,
      jobFields(job),
    );
    return false;
  }

  /** A job keeps the policy that it used first, and the start of its first attempt. */
  #kept(job: JobRecord, policy: RetryPolicy, data: RetryData): RetryData {
    const own = { policy: policy.name, first_active: job.activeStart };
    try {
      // The store would refuse what is not JSON, and the outcome with it.
      return withinLimits(jsonWithin({ ...own, ...data }, largestKept) ?? '{}');
    } catch (error) {
      const what = (): string =>
        `${jobLabel(job)}: the data that retry policy "${policy.name}" keeps cannot be stored: ${this.#shown(job, error)}`;
      this.#context.log.events('ERROR', what, jobFields(job));
      return { ...own, ...job.retryData };
    }
  }

  #tools(job: JobRecord): RetryTools {
    const { log, random, registry, store } = this.#context;
    const shown = (message: string): string => registry.redactorOf(job).text(message);
    return {
      attempt: job.attempts,
      data: dataOf(job),
      job,
      now: () => store.now(),
      random: () => random.next(),
      wait: (ms) => this.#context.sleep(ms),
      trace: (level, message) =>
        log.trace(level, () => `${jobLabel(job)}: ${shown(message)}`, jobFields(job)),
      events: (level, message) =>
        log.events(level, () => `${jobLabel(job)}: ${shown(message)}`, jobFields(job)),
    };
  }

  #shown(job: JobRecord, error: unknown): string {
    return errorText(shownError(this.#context.registry.redactorOf(job), error));
  }
}

/** What is kept of a job, for its policy: a copy, since a policy may change it, and the record is the store's. */
function dataOf(job: JobRecord): RetryData {
  return structuredClone(job.retryData ?? {});
}

// Three failures with all their causes are smaller.
const largestKept = 4 * 1024 * 1024;

/** What a policy keeps, as every store can keep it: a database that refused it would refuse the outcome. @throws SignalboxError `ARGS_TOO_DEEP`. */
function withinLimits(text: string): RetryData {
  const data = storableValue(text) as RetryData;
  const { depth } = defaultLimits;
  if (nestsWithin(data, depth)) return data;
  throw new SignalboxError('ARGS_TOO_DEEP', { path: 'retryData', limit: depth, actual: depth + 1 });
}
