import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkName, checkQuotaNames, checkTags } from '../../model/checks/names.ts';
import { checkPolicyOrName } from '../../model/jobs/check-policy.ts';
import { checkPriority } from '../../model/jobs/priority.ts';
import { isSystemName } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { checkRedaction } from '../../model/values/redaction.ts';
import { durationMs } from '../../time.ts';
import type { Definition, JobOptions, MaybeSchema, PutArgs } from '../definitions/definition.ts';
import { Detached } from '../definitions/detached.ts';
import { type ConcurrencyLimit, jobLimits, type RateLimit } from '../definitions/job-limits.ts';
import { Snooze } from '../definitions/snooze.ts';
import type { InferInput, InferOutput, StandardSchemaV1 } from '../definitions/standard-schema.ts';
import { type Unique, uniqueSettings } from '../definitions/unique-rule.ts';
import { checkSchema, inputOf, resultOf } from '../definitions/validation.ts';
import { checkLogLevel } from '../environment/logging.ts';
import { currentRun } from '../execution/run.ts';
import { isJob } from '../jobs/job-like.ts';
import type { StoredJob } from '../jobs/not-stored.ts';
import { Job, type JobDefinition, type JobDefinitionWithInput } from './job.ts';

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

/** What is stored of what the code returns. */
export type GivenBy<Returned, Output extends MaybeSchema> = Output extends StandardSchemaV1
  ? InferOutput<Output>
  : Returned;

/** What `defineJob` returns: with a schema of its input, a definition of one argument. */
export type DefinedJob<
  Args extends readonly unknown[],
  Input extends MaybeSchema,
  Result,
> = Input extends StandardSchemaV1
  ? JobDefinitionWithInput<InferInput<Input>, Result>
  : JobDefinition<Args, Result>;

const jobOptions = [
  'name',
  'run',
  'input',
  'output',
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
 * With `input` its one argument has to pass a schema, with `output` its result: see {@link JobOptions}.
 *
 * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`.
 */
export function defineJob<
  const Args extends readonly unknown[],
  Returned,
  Info = undefined,
  Input extends MaybeSchema = undefined,
  Output extends MaybeSchema = undefined,
>(
  options: JobOptions<Args, Returned, Info, Input, Output> &
    StoredJob<PutArgs<Args, Input>, GivenBy<Returned, Output>>,
): DefinedJob<Args, Input, ResultOf<GivenBy<Returned, Output>>> {
  checkName(options.name, 'the name of a job');
  if (isSystemName(options.name)) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'name',
      expected: "a name outside the reserved prefix 'signalbox.'",
      actual: shown(options.name),
    });
  }
  return makeDefinition(options as never) as never;
}

/** Like `defineJob`, for the machinery's own names. */
export function makeDefinition<const Args extends readonly unknown[], Returned>(
  options: JobOptions<Args, Returned>,
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
  const input = checkSchema(options.input, 'input');
  const output = checkSchema(options.output, 'output');
  const definition: Definition = {
    name: options.name,
    run: validating(options.name, options.run, input, output),
    input,
    output,
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

/** The code of a definition between its schemas. Without any it is as it was given. */
function validating(
  name: string,
  code: unknown,
  input: StandardSchemaV1 | null,
  output: StandardSchemaV1 | null,
): Definition['run'] {
  const run = code as (...args: readonly unknown[]) => unknown;
  if (input === null && output === null) return run;
  return async (...args: readonly unknown[]) => {
    const given = await run(...(await inputOf({ name, input }, args)));
    // After a transaction of the job its result is stored, and what its code returns does not count.
    if (output === null || currentRun.getStore()?.ended != null) return given;
    return accepted(given, (value) => resultOf({ name, output }, value));
  };
}

/** What is no value passes: it goes on as it would without a schema. */
function accepted(given: unknown, accept: (value: unknown) => Promise<unknown>): unknown {
  if (given instanceof Detached) return new Detached(given.promise.then((value) => accepted(value, accept)));
  return given instanceof Failure || given instanceof Snooze || isJob(given) ? given : accept(given);
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
