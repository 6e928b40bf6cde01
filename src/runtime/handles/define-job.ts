import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkName, checkQuotaNames, checkTags } from '../../model/checks/names.ts';
import { checkPolicyOrName } from '../../model/jobs/check-policy.ts';
import { checkPriority } from '../../model/jobs/priority.ts';
import { isSystemName } from '../../model/records/system-names.ts';
import type { Failure } from '../../model/values/failure.ts';
import { checkRedaction } from '../../model/values/redaction.ts';
import { durationMs } from '../../time.ts';
import type { Definition, JobOptions } from '../definitions/definition.ts';
import type { Detached } from '../definitions/detached.ts';
import { type ConcurrencyLimit, jobLimits, type RateLimit } from '../definitions/job-limits.ts';
import type { Snooze } from '../definitions/snooze.ts';
import { type Unique, uniqueSettings } from '../definitions/unique-rule.ts';
import { checkLogLevel } from '../environment/logging.ts';
import type { StoredJob } from '../jobs/not-stored.ts';
import { Job, type JobDefinition } from './job.ts';

/**
 * The type of `result()` for the type that the code returns: a returned job or detached promise gives its own result, and
 * nothing is null.
 */
export type ResultOf<Returned> = EachResult<Awaited<Returned>>;

type EachResult<Value> =
  Value extends Job<infer Inner>
    ? Inner
    : Value extends Detached<infer Settled>
      ? EachValue<Settled>
      : EachValue<Value>;

type EachValue<Value> = Value extends Failure | Snooze
  ? never
  : // biome-ignore lint/suspicious/noConfusingVoidType: code without a return statement returns void
    Value extends undefined | void
    ? null
    : Value;

const jobOptions = [
  'name',
  'run',
  'retry',
  'failureLogLevel',
  'quotas',
  'priority',
  'redact',
  'setUp',
  'tearDown',
  'context',
  'timeout',
  'heartbeat',
  'deadline',
  'grace',
  'concurrency',
  'rateLimit',
  'unique',
  'tags',
] as const satisfies readonly (keyof JobOptions<readonly unknown[], unknown>)[];

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
  options: JobOptions<Args, Returned, Info> & StoredJob<Args, Returned>,
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
    retry: options.retry == null ? null : checkPolicyOrName(options.retry, `${options.name}.retry`),
    failureLogLevel: options.failureLogLevel ?? null,
    quotas: checkQuotaNames(options.quotas ?? [], 'quotas'),
    priority: checkPriority(options.priority ?? 0),
    redact: checkRedaction(options.redact ?? []),
    setUp: options.setUp ?? null,
    tearDown: options.tearDown ?? null,
    context: options.context ?? null,
    ...timeLimitsOf(options),
    limits: jobLimits(
      options.name,
      options.concurrency as ConcurrencyLimit | undefined,
      options.rateLimit as RateLimit | undefined,
    ),
    tags:
      typeof options.tags === 'function'
        ? (options.tags as unknown as Definition['tags'])
        : checkTags(options.tags ?? null),
    unique: uniqueSettings(options.unique as Unique | undefined),
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

/** @throws SignalboxError `INVALID_DURATION`; `INVALID_OPTION` for a heartbeat that is never due before the attempt is over. */
function timeLimitsOf(
  options: Pick<JobOptions<never, unknown>, 'timeout' | 'heartbeat' | 'deadline' | 'grace'>,
): Pick<Definition, 'timeout' | 'heartbeat' | 'deadline' | 'grace'> {
  const ms = (option: 'timeout' | 'heartbeat' | 'deadline' | 'grace'): number | null =>
    options[option] == null ? null : durationMs(options[option], option);
  const limits = {
    timeout: ms('timeout'),
    heartbeat: ms('heartbeat'),
    deadline: ms('deadline'),
    grace: ms('grace'),
  };
  if (limits.heartbeat !== null && limits.timeout !== null && limits.heartbeat >= limits.timeout)
    throw invalidOption('heartbeat', 'shorter than `timeout`', options.heartbeat);
  return limits;
}

function mustBeFunction(code: unknown, option: string): void {
  if (typeof code === 'function') return;
  throw new SignalboxError('INVALID_OPTION', { option, expected: 'a function', actual: shown(code) });
}
