import type { Backoff } from '../../model/jobs/backoff.ts';
import type { Priority } from '../../model/jobs/priority.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { Failure } from '../../model/values/failure.ts';
import type { Duration } from '../../time.ts';
import type { LogLevel } from '../environment/logging.ts';
import type { Detached } from './detached.ts';
import type { ConcurrencyLimit, JobLimit, RateLimit } from './job-limits.ts';
import type { Snooze } from './snooze.ts';
import type { InferInput, InferOutput, StandardSchemaV1 } from './standard-schema.ts';
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
  /** What its argument and its result have to be; null: any JSON. */
  readonly input: StandardSchemaV1 | null;
  readonly output: StandardSchemaV1 | null;
  readonly unique: UniqueSettings | null;
  readonly tags: readonly string[] | ((...args: never[]) => readonly string[]) | null;
}

/** A schema, or none. */
export type MaybeSchema = StandardSchemaV1 | undefined;

/** What the code of a definition takes: its arguments, or what its schema makes of the one that it has. */
export type RunArgs<
  Args extends readonly unknown[],
  Input extends MaybeSchema,
> = Input extends StandardSchemaV1 ? readonly [input: InferOutput<Input>] : Args;

/**
 * The code of a definition. With a schema of results it gives what that accepts; a returned job would give a result that no schema
 * has seen. One condition around the whole, since the compiler looks into it for the types of literals.
 */
export type JobCode<
  Args extends readonly unknown[],
  Returned,
  Input extends MaybeSchema,
  Output extends MaybeSchema,
> = Output extends StandardSchemaV1
  ? (...args: RunArgs<Args, Input>) => Given<InferInput<Output>> | Promise<Given<InferInput<Output>>>
  : (...args: RunArgs<Args, Input>) => Returned;

type Given<Value> = Value | Failure | Snooze | Detached<Value | Failure>;

/** What a job of a definition is made with, and stored with. */
export type PutArgs<
  Args extends readonly unknown[],
  Input extends MaybeSchema,
> = Input extends StandardSchemaV1 ? readonly [input: InferInput<Input>] : Args;

/** Options of `defineJob`. */
export interface JobOptions<
  Args extends readonly unknown[],
  Returned,
  Info = undefined,
  Input extends MaybeSchema = undefined,
  Output extends MaybeSchema = undefined,
> {
  /** The name that is stored with every job of it. Keep it as long as jobs with it exist. */
  readonly name: string;
  /** The code. It may be called more than once; what it throws becomes the job's failure. */
  readonly run: JobCode<Args, Returned, Input, Output>;
  /**
   * What the one argument of a job of it has to be: a schema of zod, valibot, arktype or any other with the interface of Standard
   * Schema. What it refuses is not put. What it accepts is stored as it was given; when the job starts, the schema looks again, and
   * the code gets what it makes of the argument. What it refuses then fails at once, without a retry.
   */
  readonly input?: Input;
  /** What the result has to be, likewise. What the schema makes of it is the result. What it refuses counts as thrown by the code. */
  readonly output?: Output;
  /**
   * A backoff such as `{ maxAttempts: 5, delay: '10s' }`, a retry policy, or the name of one. Ranks below the job's own and
   * above the process default.
   */
  readonly retry?: Backoff | RetryPolicy | string;
  /** Level at which a failure is logged. Default ERROR; CRITICAL for callbacks. */
  readonly failureLogLevel?: LogLevel;
  /** How long one attempt may take: then its code is asked to stop, and the retry policy about another one. Default: no limit. */
  readonly timeout?: Duration;
  /** How long an attempt may go without `local.heartbeat()` or `local.progress()`: then the same happens. Default: no limit. */
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
  readonly concurrency?:
    | ConcurrencyLimit<PutArgs<Args, Input>>
    | readonly ConcurrencyLimit<PutArgs<Args, Input>>[];
  /** How many of its jobs may begin in a time: in all, or for each `key`. A list for several limits. */
  readonly rateLimit?: RateLimit<PutArgs<Args, Input>> | readonly RateLimit<PutArgs<Args, Input>>[];
  /**
   * Which of its jobs are the same work: while one of them is there, a put of another adds none. `{}`: those with the same arguments,
   * until the outcome is stored. Default: none are.
   */
  readonly unique?: Unique<PutArgs<Args, Input>>;
  /**
   * Words by which its jobs are found, or what gives them from the arguments: up to 16, each of 1 to 64 characters. Unless the job says
   * otherwise. Default: none.
   */
  readonly tags?: readonly string[] | NoInfer<(...args: PutArgs<Args, Input>) => readonly string[]>;
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
