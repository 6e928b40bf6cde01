import type { Backoff } from '../../model/jobs/backoff.ts';
import type { Priority } from '../../model/jobs/priority.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { Duration } from '../../time.ts';
import type { LogLevel } from '../environment/logging.ts';
import type { ConcurrencyLimit, JobLimit, RateLimit } from './job-limits.ts';
import type { Unique, UniqueSettings } from './unique-rule.ts';

/** A definition, as the registry holds it. */
export interface Definition {
  readonly name: string;
  readonly run: (...args: never[]) => unknown;
  readonly retry: RetryPolicy | string | null;
  readonly failureLogLevel: LogLevel | null;
  readonly quotas: readonly string[];
  readonly priority: number;
  readonly redact: readonly string[];
  readonly setUp: (() => unknown) | null;
  readonly tearDown: ((info: never) => unknown) | null;
  readonly context: ContextStorage | null;
  /** Milliseconds, all four. */
  readonly timeout: number | null;
  readonly heartbeat: number | null;
  readonly deadline: number | null;
  readonly grace: number | null;
  readonly limits: readonly JobLimit[];
  readonly unique: UniqueSettings | null;
  readonly tags: readonly string[] | ((...args: never[]) => readonly string[]) | null;
}

/** Options of `defineJob`. */
export interface JobOptions<Args extends readonly unknown[], Returned, Info = undefined> {
  /** The name that is stored with every job of it. Keep it as long as jobs with it exist. */
  readonly name: string;
  /** The code. It may be called more than once; what it throws becomes the job's failure. */
  readonly run: (...args: Args) => Returned;
  /**
   * A backoff such as `{ maxAttempts: 5, delay: '10s' }`, a retry policy, or the name of one. Ranks below the job's own and
   * above the process default.
   */
  readonly retry?: Backoff | RetryPolicy | string;
  /** Level at which a failure is logged. Default ERROR; CRITICAL for callbacks. */
  readonly failureLogLevel?: LogLevel;
  /** How long one attempt may take: then its code is asked to stop, and the retry policy about another one. Default: no limit. */
  readonly timeout?: Duration;
  /** How long an attempt may go without `local.heartbeat()`: then the same happens. Default: no limit. */
  readonly heartbeat?: Duration;
  /**
   * How long a job may take in all, its waits and retries included, from the instant at which it may begin first. Then a waiting
   * one expires, and a running one is asked to stop and expires without another attempt. Default: no limit.
   */
  readonly deadline?: Duration;
  /** How long code may take to stop when it is asked to, before its job goes on without it. Default 5 s. */
  readonly grace?: Duration;
  /**
   * How many of its jobs may run at once: in all, or for each `key`. A list for several limits. The key is stored with the job, and
   * the queue gets a quota of the name of the limit with the first job.
   */
  readonly concurrency?: ConcurrencyLimit<Args> | readonly ConcurrencyLimit<Args>[];
  /** How many of its jobs may begin in a time: in all, or for each `key`. A list for several limits. */
  readonly rateLimit?: RateLimit<Args> | readonly RateLimit<Args>[];
  /**
   * Which of its jobs are the same work: while one of them is there, a put of another adds none. `{}`: those with the same arguments,
   * until the outcome is stored. Default: none are.
   */
  readonly unique?: Unique<Args>;
  /**
   * Words by which its jobs are found, or what gives them from the arguments: up to 16, each of 1 to 64 characters. Unless the job says
   * otherwise. Default: none.
   */
  readonly tags?: readonly string[] | NoInfer<(...args: Args) => readonly string[]>;
  /** Quotas of every job of it, unless the job says otherwise. */
  readonly quotas?: readonly string[];
  /** How urgent each job of it is, unless the job says otherwise: -9 to 9, lower is sooner, or a word. Default 0. */
  readonly priority?: Priority;
  /**
   * Paths of what logs and records of dispatchers do not show: `0.card.number` in the arguments, `result.token`, or
   * `failure` for all but its name and code; `*` matches any key. Keys such as `password` are never shown.
   */
  readonly redact?: readonly string[];
  /** Called before every attempt. What it throws counts as thrown by the code, which is not called then. */
  readonly setUp?: () => Info;
  /**
   * Called after every attempt with what `setUp` gave (undefined when that threw): after the commit when the attempt
   * succeeded, after its changes were dropped when it failed. What it throws is logged; what it puts is dropped.
   */
  readonly tearDown?: (info: Awaited<Info> | undefined) => unknown;
  /**
   * An `AsyncLocalStorage` that jobs of it carry: the JSON value it has where a job is made is stored with the job, as
   * annotation `signalbox.context`, and is there again in `setUp`, the code, its commit and `tearDown`, in any process.
   */
  readonly context?: ContextStorage;
}

/**
 * Where a job keeps what it carries: an `AsyncLocalStorage`, or anything with these two of its methods.
 */
export interface ContextStorage {
  getStore(): unknown;
  run<Result>(value: unknown, work: () => Result): Result;
}
