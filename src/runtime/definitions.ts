import { SignalboxError, shown } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { checkName, checkQuotaNames } from '../model/names.ts';
import type { JobRecord } from '../model/records.ts';
import { NeverRetry, RetryCommonForever, RetryCommonFourTimes, type RetryPolicy } from '../model/retry.ts';
import { failureCondition, isSystemJob, isSystemName } from '../model/system-names.ts';
import type { ContextStorage } from './attempt.ts';
import type { Detached } from './detached.ts';
import { Job } from './job.ts';
import { checkLogLevel, type LogLevel } from './logging.ts';

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
  if (typeof options.run !== 'function') {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'run',
      expected: 'a function',
      actual: shown(options.run),
    });
  }
  checkLogLevel(options.failureLogLevel ?? null);
  const definition: Definition = {
    name: options.name,
    run: options.run as Definition['run'],
    retry: options.retry ?? null,
    failureLogLevel: options.failureLogLevel ?? null,
    quotas: checkQuotaNames(options.quotas ?? [], 'quotas'),
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

/** A filter by name: a predicate on jobs, for agents. Synchronous, and independent of the agent's state. */
export interface FilterDefinition {
  readonly filterName: string;
  readonly accepts: (job: JobRecord) => boolean;
}

/** A chooser by name: picks from what is claimable, in order, or says null. Synchronous. */
export interface ChooserDefinition {
  readonly chooserName: string;
  readonly choose: (claimable: Iterable<JobRecord>, held: readonly JobRecord[]) => JobRecord | null;
}

/**
 * Names a filter function, so that an agent that uses it can be stored.
 *
 * @example
 * ```ts
 * import { agent, defineFilter } from 'signalbox';
 *
 * export const small = defineFilter('small', (job) => Number(job.args[0]) < 10);
 * console.log(agent({ filter: small }).selection); // => { kind: 'filter', name: 'small' }
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`.
 */
export function defineFilter(name: string, accepts: FilterDefinition['accepts']): FilterDefinition {
  return { filterName: checkName(name, 'the name of a filter'), accepts };
}

/**
 * Names a chooser function, so that an agent that uses it can be stored.
 *
 * @example
 * ```ts
 * import { agent, defineChooser } from 'signalbox';
 *
 * export const oldest = defineChooser('oldest', (claimable) => [...claimable][0] ?? null);
 * console.log(agent({ chooser: oldest }).selection); // => { kind: 'chooser', name: 'oldest' }
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`.
 */
export function defineChooser(name: string, choose: ChooserDefinition['choose']): ChooserDefinition {
  return { chooserName: checkName(name, 'the name of a chooser'), choose };
}

/** A condition by name, for callbacks of which one is chosen. Total and fast: what it throws is asked again for ever. */
export interface ConditionDefinition {
  readonly conditionName: string;
  /** Whether the outcome, a value or a Failure, meets it. */
  readonly holds: (input: unknown) => boolean;
}

/**
 * Names a condition, so that the callbacks that depend on it can be stored: see `job.addConditionalCallbacks`.
 *
 * @example
 * ```ts
 * import { defineCondition, Failure } from 'signalbox';
 *
 * export const isTimeout = defineCondition('isTimeout', (input) => input instanceof Failure && input.check('TIMEOUT'));
 * console.log(isTimeout.holds(new Failure({ ...Failure.from(new Error('late')).data, code: 'TIMEOUT' }))); // => true
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`.
 */
export function defineCondition(name: string, holds: ConditionDefinition['holds']): ConditionDefinition {
  checkName(name, 'the name of a condition');
  if (!isSystemName(name)) return { conditionName: name, holds };
  throw new SignalboxError('INVALID_OPTION', {
    option: 'name',
    expected: "a name outside the reserved prefix 'signalbox.'",
    actual: shown(name),
  });
}

/** Everything that a process knows by name. Stored names are looked up here and nowhere else. */
export class Registry {
  readonly #definitions = new Map<string, Definition>();
  readonly #filters = new Map<string, FilterDefinition>();
  readonly #choosers = new Map<string, ChooserDefinition>();
  readonly #policies = new Map<string, RetryPolicy>();
  readonly #conditions = new Map<string, ConditionDefinition>();

  constructor() {
    for (const policy of [RetryCommonFourTimes, RetryCommonForever, NeverRetry]) this.addPolicy(policy);
    this.addCondition({ conditionName: failureCondition, holds: (input) => input instanceof Failure });
  }

  add(definition: JobDefinition<never, unknown>): void {
    const known = definition as unknown as { readonly definition?: Definition };
    if (typeof definition !== 'function' || known.definition === undefined) {
      throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(definition) });
    }
    const { name, retry } = known.definition;
    const present = this.#definitions.get(name);
    if (present !== undefined && present !== known.definition) {
      throw new SignalboxError('DUPLICATE_DEFINITION', { what: 'job', name });
    }
    this.#definitions.set(name, known.definition);
    if (retry !== null && typeof retry === 'object') this.addPolicy(retry);
  }

  definition(name: string): Definition | undefined {
    return this.#definitions.get(name);
  }

  /** @throws SignalboxError `UNKNOWN_DEFINITION`. */
  mustKnow(definition: Definition): void {
    if (this.#definitions.get(definition.name) !== definition) {
      throw new SignalboxError('UNKNOWN_DEFINITION', { name: definition.name, known: this.names() });
    }
  }

  names(): string[] {
    return [...this.#definitions.keys()].filter((name) => !isSystemName(name)).sort();
  }

  addFilter(filter: FilterDefinition): void {
    this.#filters.set(filter.filterName, filter);
  }

  filter(name: string): FilterDefinition {
    const filter = this.#filters.get(name);
    if (filter !== undefined) return filter;
    throw new SignalboxError('UNKNOWN_FILTER', { what: 'filter', name, known: [...this.#filters.keys()] });
  }

  addChooser(chooser: ChooserDefinition): void {
    this.#choosers.set(chooser.chooserName, chooser);
  }

  chooser(name: string): ChooserDefinition {
    const chooser = this.#choosers.get(name);
    if (chooser !== undefined) return chooser;
    throw new SignalboxError('UNKNOWN_FILTER', { what: 'chooser', name, known: [...this.#choosers.keys()] });
  }

  addCondition(condition: ConditionDefinition): void {
    this.#conditions.set(condition.conditionName, condition);
  }

  /** @throws SignalboxError `UNKNOWN_CONDITION`. */
  condition(name: string): ConditionDefinition {
    const condition = this.#conditions.get(name);
    if (condition !== undefined) return condition;
    throw new SignalboxError('UNKNOWN_CONDITION', { name, known: [...this.#conditions.keys()] });
  }

  /**
   * Registers a policy under its name, and under `''` (default of jobs) or `callback` (default of callbacks) when one of
   * these is given: a job keeps the policy it used first, by its name.
   */
  addPolicy(policy: RetryPolicy, name: string = policy.name): void {
    this.#policies.set(name, policy);
    if (name !== policy.name) this.#policies.set(policy.name, policy);
  }

  policy(name: string): RetryPolicy | undefined {
    return this.#policies.get(name);
  }

  /**
   * The policy of a job: the one it used first, its own, its definition's, the process default, then the built-in one.
   * Undefined when it is named and this process does not know the name.
   */
  policyOf(job: JobRecord): RetryPolicy | undefined {
    const own = job.retryData?.policy ?? job.retryPolicy ?? this.definition(job.name)?.retry ?? null;
    if (typeof own === 'string') return this.policy(own);
    if (own !== null) return own as RetryPolicy;
    if (isSystemJob(job.name)) return RetryCommonForever;
    const isCallback = job.parent !== null && ('job' in job.parent || 'proxy' in job.parent);
    return isCallback
      ? (this.policy('callback') ?? RetryCommonForever)
      : (this.policy('') ?? RetryCommonFourTimes);
  }

  /** @throws SignalboxError `UNKNOWN_POLICY`. */
  mustHavePolicy(job: JobRecord): RetryPolicy {
    const policy = this.policyOf(job);
    if (policy !== undefined) return policy;
    const name = String(job.retryData?.policy ?? job.retryPolicy ?? this.definition(job.name)?.retry);
    throw new SignalboxError('UNKNOWN_POLICY', { name, known: [...this.#policies.keys()] });
  }

  /** The level at which a job's failure is logged. */
  failureLevelOf(job: JobRecord): LogLevel {
    const own = job.failureLogLevel ?? this.definition(job.name)?.failureLogLevel ?? null;
    if (own !== null) return own as LogLevel;
    const isCallback = job.parent !== null && ('job' in job.parent || 'proxy' in job.parent);
    return isCallback || isSystemJob(job.name) ? 'CRITICAL' : 'ERROR';
  }
}
