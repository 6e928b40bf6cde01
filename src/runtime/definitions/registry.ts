/*
 * Room: definitions.
 *
 * Owns: What a process knows by name: job definitions, filters, choosers, conditions and retry policies.
 *   Records store only the name; this room turns it into code.
 *
 * Invariant: A name means one thing in a process. What a name means is looked up when it is needed, never
 *   stored.
 *
 * May import: environment.
 */
import { SignalboxError, shown } from '../../errors.ts';
import { backoffOfName } from '../../model/jobs/backoff.ts';
import { checkPolicy } from '../../model/jobs/check-policy.ts';
import { NeverRetry, RetryCommonForever, RetryCommonFourTimes } from '../../model/jobs/common-retry.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { JobRecord } from '../../model/records/records.ts';
import {
  failureCondition,
  isSystemJob,
  isSystemName,
  scheduleLimit,
  splitSystemName,
} from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { Redactor } from '../../model/values/redaction.ts';
import { type RedactionRules, ruleOfMachine } from '../../model/values/redaction-rules.ts';
import type { KnownNames } from '../../reading/explanation.ts';
import { isLogLevel, type LogLevel } from '../environment/logging.ts';

import type { ConditionDefinition } from './conditions.ts';
import type { Definition } from './definition.ts';
import type { ChooserDefinition, FilterDefinition } from './filters-and-choosers.ts';
import { type JobLimit, type LimitFigures, sameFigures } from './job-limits.ts';
import { Machines } from './machines.ts';

/** The policy of system jobs. When the job that they decide about is in quarantine, they are put back and try again later. */
const whileQuarantined: RetryPolicy = {
  ...RetryCommonForever,
  jobError: (failure, cache, tools) =>
    failure.code === 'JOB_QUARANTINED'
      ? { after: '10m' }
      : RetryCommonForever.jobError(failure, cache, tools),
};

const oneAtOnce: LimitFigures = { size: 1, rate: null, keyed: true };

/** How long code may take to stop when its definition does not say. */
const defaultGraceMs = 5000;

/** Everything that a process knows by name. Stored names are looked up here and nowhere else. */
export class Registry {
  readonly machines = new Machines();
  readonly #definitions = new Map<string, Definition>();
  readonly #filters = new Map<string, FilterDefinition>();
  readonly #choosers = new Map<string, ChooserDefinition>();
  readonly #policies = new Map<string, RetryPolicy>();
  readonly #conditions = new Map<string, ConditionDefinition>();
  readonly #limits = new Map<string, LimitFigures>();

  constructor() {
    for (const policy of [RetryCommonFourTimes, RetryCommonForever, NeverRetry]) this.addPolicy(policy);
    this.addCondition({ conditionName: failureCondition, holds: (input) => input instanceof Failure });
  }

  add(definition: { readonly definition: Definition }): void {
    const known = definition as unknown as { readonly definition?: Definition };
    if (typeof definition !== 'function' || known.definition === undefined) {
      throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(definition) });
    }
    const { name, retry } = known.definition;
    const present = this.#definitions.get(name);
    if (present !== undefined && present !== known.definition) {
      throw new SignalboxError('DUPLICATE_DEFINITION', { what: 'job', name });
    }
    const limits = known.definition.limits.map(
      (limit) => [limit.name, this.#joinedLimit(name, limit)] as const,
    );
    for (const [limit, figures] of limits) this.#limits.set(limit, figures);
    this.#definitions.set(name, known.definition);
    if (retry !== null && typeof retry === 'object') this.addPolicy(retry);
  }

  /** The definition of a name. A system job that needs a definition is known where that definition is. */
  definition(name: string): Definition | undefined {
    const found = this.#definitions.get(name);
    if (found !== undefined) return found;
    const parts = splitSystemName(name);
    return parts !== null && this.#definitions.has(parts.needs)
      ? this.#definitions.get(parts.system)
      : undefined;
  }

  /** @throws SignalboxError `UNKNOWN_DEFINITION` when this process does not know the name. */
  mustKnowName(name: string): Definition {
    const definition = this.definition(name);
    if (definition === undefined)
      throw new SignalboxError('UNKNOWN_DEFINITION', { name, known: this.names() });
    return definition;
  }

  /** @throws SignalboxError `UNKNOWN_DEFINITION`. */
  mustKnow(definition: Definition): void {
    if (this.#definitions.get(definition.name) !== definition) {
      throw new SignalboxError('UNKNOWN_DEFINITION', { name: definition.name, known: this.names() });
    }
  }

  /** The figures that the definitions of this process give a limit; every process knows that of schedules. */
  limit(name: string): LimitFigures | undefined {
    return this.#limits.get(name) ?? (name === scheduleLimit ? oneAtOnce : undefined);
  }

  get limitNames(): readonly string[] {
    return [...this.#limits.keys()];
  }

  /** A limit that several definitions share has a size by one or all of them, and a rate. */
  #joinedLimit(definition: string, { name, size, rate, keyed }: JobLimit): LimitFigures {
    const known = this.#limits.get(name) ?? { size, rate, keyed };
    const all = { size: known.size ?? size, rate: known.rate ?? rate, keyed };
    if (sameFigures({ size: size ?? all.size, rate: rate ?? all.rate, keyed: known.keyed }, all)) return all;
    throw new SignalboxError('INVALID_OPTION', {
      option: `the limit '${name}' of ${definition}`,
      expected: 'as other definitions of this process have it',
      actual: 'other figures',
      repair: 'Give both the same figures, or two names.',
    });
  }

  /** What an explanation asks. */
  readonly known: KnownNames = {
    definition: (name) => this.definition(name) !== undefined,
    grace: (name) => (this.definition(name) === undefined ? null : this.graceOf(name)),
    policy: (job) => this.policyOf(job) !== undefined,
    filter: (name) => this.filter(name),
    machine: (name) => this.machines.get(name),
  };

  /** How many milliseconds code may take to stop. */
  graceOf(name: string): number {
    return this.definition(name)?.grace ?? defaultGraceMs;
  }

  /** How many definitions it knows: it only grows. */
  get size(): number {
    return this.#definitions.size;
  }

  names(): string[] {
    return [...this.#definitions.keys()].filter((name) => !isSystemName(name)).sort();
  }

  addFilter(filter: FilterDefinition): void {
    if (!isNamed(filter?.filterName, filter?.accepts)) {
      throw unnamed('filter', "defineFilter('small', (job) => Number(job.args[0]) < 10)", filter);
    }
    this.#filters.set(filter.filterName, filter);
  }

  filter(name: string): FilterDefinition {
    const filter = this.#filters.get(name);
    if (filter !== undefined) return filter;
    throw new SignalboxError('UNKNOWN_FILTER', { what: 'filter', name, known: [...this.#filters.keys()] });
  }

  addChooser(chooser: ChooserDefinition): void {
    if (!isNamed(chooser?.chooserName, chooser?.choose)) {
      throw unnamed('chooser', "defineChooser('oldest', (claimable) => [...claimable][0] ?? null)", chooser);
    }
    this.#choosers.set(chooser.chooserName, chooser);
  }

  chooser(name: string): ChooserDefinition {
    const chooser = this.#choosers.get(name);
    if (chooser !== undefined) return chooser;
    throw new SignalboxError('UNKNOWN_FILTER', { what: 'chooser', name, known: [...this.#choosers.keys()] });
  }

  addCondition(condition: ConditionDefinition): void {
    if (!isNamed(condition?.conditionName, condition?.holds)) {
      throw unnamed('condition', "defineCondition('isHeavy', (input) => Number(input) > 1000)", condition);
    }
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
  addPolicy(given: RetryPolicy, name?: string): void {
    const policy = checkPolicy(given);
    this.#policies.set(policy.name, policy);
    if (name !== undefined) this.#policies.set(name, policy);
  }

  policy(name: string): RetryPolicy | undefined {
    const known = this.#policies.get(name) ?? backoffOfName(name);
    if (known !== null) this.#policies.set(name, known);
    return known ?? undefined;
  }

  /**
   * The policy of a job: the one it used first, its own, its definition's, the process default, then the built-in one.
   * System jobs have theirs. Undefined when it is named and this process does not know the name.
   */
  policyOf(job: JobRecord): RetryPolicy | undefined {
    if (isSystemJob(job.name)) return whileQuarantined;
    const own = job.retryData?.policy ?? job.retryPolicy ?? this.definition(job.name)?.retry ?? null;
    if (typeof own === 'string') return this.policy(own);
    if (own !== null) return own as RetryPolicy;
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

  /** What each definition of a program hides, and each machine. */
  redactions(): RedactionRules {
    const ofJobs = this.names().map((name) => [name, this.definition(name)?.redact ?? []] as const);
    const ofMachines = this.machines
      .names()
      .map((name) => [ruleOfMachine(name), this.machines.get(name)?.settings.redact ?? []] as const);
    return Object.fromEntries([...ofJobs, ...ofMachines]);
  }

  /** What may be shown of a job. */
  redactorOf(job: Pick<JobRecord, 'name' | 'args'>): Redactor {
    return new Redactor(this.definition(job.name)?.redact ?? [], job.args);
  }

  /** The level at which a job's failure is logged. */
  failureLevelOf(job: JobRecord): LogLevel {
    const own = job.failureLogLevel ?? this.definition(job.name)?.failureLogLevel ?? null;
    if (isLogLevel(own)) return own;
    const isCallback = job.parent !== null && ('job' in job.parent || 'proxy' in job.parent);
    return isCallback || isSystemJob(job.name) ? 'CRITICAL' : 'ERROR';
  }
}

function isNamed(name: unknown, code: unknown): boolean {
  return typeof name === 'string' && typeof code === 'function';
}

function unnamed(option: string, example: string, given: unknown): SignalboxError {
  return new SignalboxError('INVALID_OPTION', {
    option,
    expected: `code with a name, such as ${example}`,
    actual: shown(given),
  });
}
