import { SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkName, checkQuotaNames } from '../../model/checks/names.ts';
import { checkPolicyOrName, type RetryPolicy } from '../../model/jobs/retry.ts';
import { isSystemName } from '../../model/records/system-names.ts';
import type { Failure } from '../../model/values/failure.ts';
import { checkRedaction } from '../../model/values/redaction.ts';
import type { Detached } from '../definitions/detached.ts';
import { checkLogLevel, type LogLevel } from '../environment/logging.ts';
import type { ContextStorage } from '../execution/attempt.ts';
import { Job } from './job.ts';

/** What a job's `result()` gives for what its code returns: a returned job or detached promise gives its own result. */
export type ResultOf<Returned> =
  Awaited<Returned> extends Job<infer Inner>
    ? Inner
    : Awaited<Returned> extends Detached<infer Inner>
      ? Inner
      : // biome-ignore lint/suspicious/noConfusingVoidType: code without a return statement returns void
        [Awaited<Returned>] extends [void]
        ? null
        : Exclude<Awaited<Returned>, Failure>;

/** What `defineJob` is told. */
export interface JobOptions<Args extends readonly unknown[], Returned, Info = undefined> {
  /** The name that is stored with every job of it. Keep it as long as jobs with it exist. */
  readonly name: string;
  /** The code. It may be called more than once; what it throws becomes the job's failure. */
  readonly run: (...args: Args) => Returned;
  /** Retry policy, or the name of one. Ranks below the job's own and above the process default. */
  readonly retry?: RetryPolicy | string;
  /** Level at which a failure is logged. Default ERROR; CRITICAL for callbacks. */
  readonly failureLogLevel?: LogLevel;
  /** Quotas of every job of it, unless the job says otherwise. */
  readonly quotas?: readonly string[];
  /**
   * Paths of what logs and records of dispatchers do not show: `0.card.number` in the arguments, `result.token`, or
   * `failure` for all but its name and code; `*` stands for any key. Keys such as `password` are never shown.
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

const jobOptions = [
  'name',
  'run',
  'retry',
  'failureLogLevel',
  'quotas',
  'redact',
  'setUp',
  'tearDown',
  'context',
] as const satisfies readonly (keyof JobOptions<readonly unknown[], unknown>)[];

/** A job by name: call it with the arguments to make a NEW job of it. */
export interface JobDefinition<Args extends readonly unknown[] = readonly unknown[], Result = unknown> {
  (...args: Args): Job<Result>;
  readonly definition: Definition;
  /** A job with only the first arguments; the callback's input is appended to them. */
  partial(...first: Partial<Args>): Job<Result>;
  /** A job that receives itself as its first argument, before these. */
  bind(...rest: Rest<Args>): Job<Result>;
}

type Rest<Args extends readonly unknown[]> = Args extends readonly [unknown, ...infer Others] ? Others : Args;

/** A definition as the registry keeps it. */
export interface Definition {
  readonly name: string;
  readonly run: (...args: never[]) => unknown;
  readonly retry: RetryPolicy | string | null;
  readonly failureLogLevel: LogLevel | null;
  readonly quotas: readonly string[];
  readonly redact: readonly string[];
  readonly setUp: (() => unknown) | null;
  readonly tearDown: ((info: never) => unknown) | null;
  readonly context: ContextStorage | null;
}

/**
 * Defines a job: gives code a name under which it can be stored, found again after a restart, and run anywhere.
 *
 * @example
 * ```ts
 * import { defineJob } from 'signalbox';
 *
 * export const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
 * console.log(String(multiply(14, 3))); // => <Job (id ?, store ?) multiply(14, 3)>
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`.
 */
export function defineJob<const Args extends readonly unknown[], Returned, Info = undefined>(
  options: JobOptions<Args, Returned, Info>,
): JobDefinition<Args, ResultOf<Returned>> {
  checkName(options.name, 'the name of a job');
  if (isSystemName(options.name)) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'name',
      expected: "a name outside the reserved prefix 'signalbox.'",
      actual: shown(options.name),
    });
  }
  return makeDefinition(options);
}

/** Like `defineJob`, for the machinery's own names. */
export function makeDefinition<const Args extends readonly unknown[], Returned, Info = undefined>(
  options: JobOptions<Args, Returned, Info>,
): JobDefinition<Args, ResultOf<Returned>> {
  checkKnown(options, jobOptions);
  mustBeFunction(options.run, 'run');
  if (options.setUp != null) mustBeFunction(options.setUp, 'setUp');
  if (options.tearDown != null) mustBeFunction(options.tearDown, 'tearDown');
  const { context } = options;
  if (context != null && (typeof context.getStore !== 'function' || typeof context.run !== 'function')) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'context',
      expected: 'an AsyncLocalStorage',
      actual: shown(context),
    });
  }
  checkLogLevel(options.failureLogLevel ?? null);
  const definition: Definition = {
    name: options.name,
    run: options.run as Definition['run'],
    retry: options.retry == null ? null : checkPolicyOrName(options.retry),
    failureLogLevel: options.failureLogLevel ?? null,
    quotas: checkQuotaNames(options.quotas ?? [], 'quotas'),
    redact: checkRedaction(options.redact ?? []),
    setUp: options.setUp ?? null,
    tearDown: options.tearDown ?? null,
    context: options.context ?? null,
  };
  const make = (...args: readonly unknown[]): Job<ResultOf<Returned>> => Job.draft(definition, args);
  const bind = (...rest: readonly unknown[]): Job<ResultOf<Returned>> => {
    const job = Job.draft<ResultOf<Returned>>(definition, []);
    job.args = [job, ...rest];
    return job;
  };
  Object.defineProperty(make, 'name', { value: options.name });
  return Object.assign(make, { definition, partial: make, bind }) as unknown as JobDefinition<
    Args,
    ResultOf<Returned>
  >;
}

function mustBeFunction(code: unknown, option: string): void {
  if (typeof code === 'function') return;
  throw new SignalboxError('INVALID_OPTION', { option, expected: 'a function', actual: shown(code) });
}
