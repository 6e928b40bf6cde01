import { SignalboxError, shown } from '../../errors.ts';

/** Limits of one value: of the arguments of a job taken together, of a result, of an annotation. */
export interface ValueLimits {
  /** The deepest nesting. Default 64, at most 256: much deeper JSON text cannot be written again. */
  readonly depth: number;
  /** The largest number of keys and elements in all. Default 10,000. */
  readonly keys: number;
  /** The largest size as JSON, in bytes. Default 1 MiB. */
  readonly bytes: number;
}

/** Limits of what a program can store: see {@link ValueLimits} for those of one value. */
export interface Limits extends ValueLimits {
  /**
   * How many jobs may wait in one queue. Default: no limit. A put beyond it is refused with `QUEUE_FULL`.
   * System jobs, and the jobs of a joined job that was accepted, are never refused.
   */
  readonly waiting: number;
  /** How many callbacks a job may have. Default 10,000. */
  readonly callbacks: number;
  /** How many annotations a job may have. Default 1,000. */
  readonly annotations: number;
  /** How many messages may wait for one actor. Default 10,000. What machines and jobs send is never refused. */
  readonly mail: number;
  /** The largest context of an actor as JSON, in bytes. Default 256 KiB. */
  readonly context: number;
}

/** The default limits. */
export const defaultLimits: Limits = {
  depth: 64,
  keys: 10_000,
  bytes: 1024 * 1024,
  waiting: Number.POSITIVE_INFINITY,
  callbacks: 10_000,
  annotations: 1000,
  mail: 10_000,
  context: 256 * 1024,
};

/** The deepest nesting of any record in a store: the deepest value, and the record around it. */
export const storedDepth = 320;

const largest: Limits = {
  depth: 256,
  keys: 10_000_000,
  bytes: 64 * 1024 * 1024,
  waiting: Number.POSITIVE_INFINITY,
  callbacks: 1_000_000,
  annotations: 1_000_000,
  mail: Number.POSITIVE_INFINITY,
  context: 16 * 1024 * 1024,
};

/** Returns the limits, with defaults for those that are not given. @throws SignalboxError `INVALID_OPTION`. */
export function limitsOf(options?: Partial<Limits> | null): Limits {
  const given = options ?? {};
  for (const [name, limit] of Object.entries(given)) {
    const most = Object.hasOwn(largest, name) ? largest[name as keyof Limits] : 0;
    if (limit === undefined || isWithin(limit, most)) continue;
    throw new SignalboxError('INVALID_OPTION', {
      option: `limits.${name}`,
      expected:
        most === 0
          ? `absent: only ${Object.keys(largest).join(', ')} are known`
          : `a whole number from 1 ${most === Number.POSITIVE_INFINITY ? 'up' : `to ${most}`}`,
      actual: shown(limit),
    });
  }
  return { ...defaultLimits, ...withoutUndefined(given) };
}

function isWithin(limit: unknown, most: number): boolean {
  if (limit === Number.POSITIVE_INFINITY) return most === limit;
  return Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= most;
}

function withoutUndefined<Given extends object>(given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given;
}

/** Whether a value nests at most this deep. Examines no level below that depth. */
export function nestsWithin(value: unknown, depth: number): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (depth === 0) return false;
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key];
    // Most values of a record are flat: a call for each would take a twentieth of the time of an opening.
    if (typeof inner === 'object' && !nestsWithin(inner, depth - 1)) return false;
  }
  return true;
}
