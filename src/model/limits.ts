import { SignalboxError, shown } from '../errors.ts';

/** Limits of one value at the door: of the arguments of a job taken together, of a result, of an annotation. */
export interface ValueLimits {
  /** How deep it may nest. Default 64, at most 256: JSON text that is much deeper cannot be written again. */
  readonly depth: number;
  /** How many keys and elements it may have in all. Default 10,000. */
  readonly keys: number;
  /** How many bytes of JSON it may take. Default 1 MiB. */
  readonly bytes: number;
}

/** The default limits. */
export const defaultLimits: ValueLimits = {
  depth: 64,
  keys: 10_000,
  bytes: 1024 * 1024,
};

/** How deep anything in a store may nest: the deepest value, and what stands around it. */
export const storedDepth = 320;

const largest: ValueLimits = { depth: 256, keys: 10_000_000, bytes: 64 * 1024 * 1024 };

/** The limits with defaults for what is not given. @throws SignalboxError `INVALID_OPTION`. */
export function limitsOf(given: Partial<ValueLimits> = {}): ValueLimits {
  for (const [name, limit] of Object.entries(given)) {
    const most = Object.hasOwn(largest, name) ? largest[name as keyof ValueLimits] : 0;
    if (limit === undefined || (Number.isInteger(limit) && limit >= 1 && limit <= most)) continue;
    throw new SignalboxError('INVALID_OPTION', {
      option: `limits.${name}`,
      expected:
        most === 0
          ? `absent: only ${Object.keys(largest).join(', ')} are known`
          : `a whole number from 1 to ${most}`,
      actual: shown(limit),
    });
  }
  return { ...defaultLimits, ...withoutUndefined(given) };
}

function withoutUndefined<Given extends object>(given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given;
}

/** Whether a value nests at most this deep. However deep it is, no more than that of it is looked at. */
export function nestsWithin(value: unknown, depth: number): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (depth === 0) return false;
  for (const key in value) {
    if (!nestsWithin((value as Record<string, unknown>)[key], depth - 1)) return false;
  }
  return true;
}
