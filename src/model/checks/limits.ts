import { SignalboxError, shown } from '../../errors.ts';

/** Limits of one value at the door: of the arguments of a job taken together, of a result, of an annotation. */
export interface ValueLimits {
  /** How deep it may nest. Default 64, at most 256: JSON text that is much deeper cannot be written again. */
  readonly depth: number;
  /** How many keys and elements it may have in all. Default 10,000. */
  readonly keys: number;
  /** How many bytes of JSON it may take. Default 1 MiB. */
  readonly bytes: number;
}

/** Limits of what a program can have stored: see {@link ValueLimits} for those of one value. */
export interface Limits extends ValueLimits {
  /**
   * How many jobs may wait in one queue. Default: no limit. A put beyond it is refused with `QUEUE_FULL`. What the
   * machinery puts, and what belongs to a joined job that was let in, is not.
   */
  readonly waiting: number;
  /** How many callbacks a job may have. Default 10,000. */
  readonly callbacks: number;
  /** How many annotations a job may have. Default 1,000. */
  readonly annotations: number;
}

/** The default limits. */
export const defaultLimits: Limits = {
  depth: 64,
  keys: 10_000,
  bytes: 1024 * 1024,
  waiting: Number.POSITIVE_INFINITY,
  callbacks: 10_000,
  annotations: 1000,
};

/** How deep anything in a store may nest: the deepest value, and what stands around it. */
export const storedDepth = 320;

const largest: Limits = {
  depth: 256,
  keys: 10_000_000,
  bytes: 64 * 1024 * 1024,
  waiting: Number.POSITIVE_INFINITY,
  callbacks: 1_000_000,
  annotations: 1_000_000,
};

/** The limits with defaults for what is not given. @throws SignalboxError `INVALID_OPTION`. */
export function limitsOf(told?: Partial<Limits> | null): Limits {
  const given = told ?? {};
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

/** Whether a value nests at most this deep. However deep it is, no more than that of it is looked at. */
export function nestsWithin(value: unknown, depth: number): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (depth === 0) return false;
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key];
    // Most of what stands in a record is flat: a call for each would be a twentieth of an opening.
    if (typeof inner === 'object' && !nestsWithin(inner, depth - 1)) return false;
  }
  return true;
}
