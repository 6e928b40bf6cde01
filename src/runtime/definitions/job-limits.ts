import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkKey, checkName } from '../../model/checks/names.ts';
import type { Rate } from '../../model/jobs/rate.ts';
import { keyOf } from '../../model/records/keys.ts';
import { type Duration, durationMs } from '../../time.ts';

/** How many jobs may run at once. */
export interface ConcurrencyLimit<Args extends readonly unknown[] = never[]> {
  readonly limit: number;
  /** From the arguments of a job: each key has the limit for itself. Default: one limit for all jobs. */
  readonly key?: NoInfer<(...args: Args) => string>;
  /** The name of the limit; definitions with the same one share it. Default: the name of the definition. */
  readonly name?: string;
}

/** How many jobs may begin in a time. */
export interface RateLimit<Args extends readonly unknown[] = never[]> {
  readonly limit: number;
  readonly per: Duration;
  /** How many may begin at once. Default 1: they are spaced evenly. */
  readonly burst?: number;
  /** From the arguments of a job: each key has the limit for itself. Default: one limit for all jobs. */
  readonly key?: NoInfer<(...args: Args) => string>;
  /** The name of the limit; definitions with the same one share it. Default: `<name of the definition>.rate`. */
  readonly name?: string;
}

/** The figures of a quota. */
export interface LimitFigures {
  readonly size: number | null;
  readonly rate: Rate | null;
  readonly keyed: boolean;
}

/** A limit of a definition: a quota of this name is made where it lacks. */
export interface JobLimit extends LimitFigures {
  readonly name: string;
  /** The keys of a job; there may be two, of a concurrency and of a rate of the same name. */
  readonly keysOf: readonly ((...args: never[]) => string)[];
}

type OneOrMany<Limit> = Limit | readonly Limit[];

/** The limits that a definition is made with, those of one name as one. @throws SignalboxError `INVALID_OPTION`, `INVALID_NAME`, `INVALID_DURATION`. */
export function jobLimits(
  definition: string,
  concurrency: OneOrMany<ConcurrencyLimit> | undefined,
  rateLimit: OneOrMany<RateLimit> | undefined,
): readonly JobLimit[] {
  const limits = new Map<string, JobLimit>();
  const add = (option: string, limit: JobLimit): void => {
    const known = limits.get(limit.name);
    limits.set(limit.name, known === undefined ? limit : joined(option, known, limit));
  };
  for (const given of listOf(concurrency)) {
    checkKnown(given, ['limit', 'key', 'name']);
    const size = checkFigure(given.limit, 'concurrency.limit');
    add('concurrency', { ...namedLimit('concurrency', given, definition), size, rate: null });
  }
  for (const given of listOf(rateLimit)) {
    checkKnown(given, ['limit', 'per', 'burst', 'key', 'name']);
    const rate = checkRate(given, 'rateLimit');
    add('rateLimit', { ...namedLimit('rateLimit', given, `${definition}.rate`), size: null, rate });
  }
  return [...limits.values()];
}

function listOf<Limit>(given: OneOrMany<Limit> | undefined): readonly Limit[] {
  if (given == null) return [];
  return Array.isArray(given) ? (given as readonly Limit[]) : [given as Limit];
}

function namedLimit(
  option: string,
  { key, name }: Pick<ConcurrencyLimit, 'key' | 'name'>,
  byDefault: string,
): Pick<JobLimit, 'name' | 'keyed' | 'keysOf'> {
  if (key !== undefined && typeof key !== 'function') throw invalidOption(`${option}.key`, 'a function', key);
  return {
    name: checkName(name ?? byDefault, `the name of a limit of ${option}`),
    keyed: key !== undefined,
    keysOf: key === undefined ? [] : [key],
  };
}

/** A concurrency and a rate of one name are one quota: it has either keys or none. */
function joined(option: string, one: JobLimit, other: JobLimit): JobLimit {
  const repair = 'Give one of the two another name.';
  const expected = (what: string, actual: string): SignalboxError =>
    new SignalboxError('INVALID_OPTION', { option: `${option}.name`, expected: what, actual, repair });
  if (one.size !== null && other.size !== null) throw expected('a name of its own', shown(other.name));
  if (one.rate !== null && other.rate !== null) throw expected('a name of its own', shown(other.name));
  if (one.keyed !== other.keyed)
    throw expected('that of a limit that has keys, too, or none, too', shown(other.name));
  const keysOf = [...new Set([...one.keysOf, ...other.keysOf])];
  return { ...one, size: one.size ?? other.size, rate: one.rate ?? other.rate, keysOf };
}

/** The figures of a rate. @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`. */
export function checkRate(
  given: { readonly limit: number; readonly per: Duration; readonly burst?: number },
  option: string,
): Rate {
  const per = durationMs(given.per, `${option}.per`);
  if (per < 1) throw invalidOption(`${option}.per`, 'a millisecond or more', given.per);
  return {
    limit: checkFigure(given.limit, `${option}.limit`),
    per,
    burst: checkFigure(given.burst ?? 1, `${option}.burst`),
  };
}

/** A whole number from 1 up. @throws SignalboxError `INVALID_OPTION`. */
export function checkFigure(figure: number, option: string): number {
  if (Number.isSafeInteger(figure) && figure >= 1) return figure;
  throw invalidOption(option, 'a whole number from 1 up', figure);
}

const noKeys: { readonly [limit: string]: string } = Object.freeze({});

/**
 * The keys of a new job: those of its definition, with others over them, by the name of the limit. Null: it has none.
 * @throws SignalboxError `INVALID_KEY`, and what `key` throws.
 */
export function keysFor(
  limits: readonly JobLimit[],
  args: readonly unknown[],
  given: { readonly [limit: string]: string } = noKeys,
): readonly string[] | null {
  if (limits.length === 0 && given === noKeys) return null;
  const keys = new Set<string>();
  for (const { name, keysOf } of limits) {
    if (Object.hasOwn(given, name)) continue;
    for (const key of keysOf) keys.add(keyOf(name, checkKey(key(...(args as never[])), name)));
  }
  for (const [name, key] of Object.entries(given)) keys.add(keyOf(name, checkKey(key, name)));
  return keys.size === 0 ? null : [...keys];
}

/** Checks the option `keys` of a put. @throws SignalboxError `INVALID_KEY`, `INVALID_NAME`, `INVALID_OPTION`. */
export function checkKeys(keys: { readonly [limit: string]: string }): void {
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys))
    throw invalidOption('keys', 'keys by the names of their limits', keys);
  for (const [name, key] of Object.entries(keys)) checkKey(key, checkName(name, 'the name of a limit'));
}

/** Whether two quotas have the same figures. */
export function sameFigures(one: LimitFigures, other: LimitFigures): boolean {
  return one.size === other.size && one.keyed === other.keyed && sameRate(one.rate, other.rate);
}

function sameRate(one: Rate | null, other: Rate | null): boolean {
  if (one === null || other === null) return one === other;
  return one.limit === other.limit && one.per === other.per && one.burst === other.burst;
}
