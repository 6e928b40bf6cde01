import { formatDuration as formatParts } from 'date-fns/formatDuration';
import { isValid } from 'date-fns/isValid';
import { milliseconds } from 'date-fns/milliseconds';
import { parseISO } from 'date-fns/parseISO';
import { SignalboxError, shown } from './errors.ts';

/** A span of time: milliseconds, or text such as `'5m'`, `'1h30m'`, `'250ms'`. Zero or more. */
export type Duration = number | string;

/** A point in time: a Date, epoch milliseconds, or ISO 8601 text with an offset. */
export type Instant = Date | number | string;

/** When something may begin: an instant, a delay as text (`'5m'`), or `{ after }`. A bare number is an instant. */
export type Beginning = Instant | { readonly after: Duration };

const units = { d: 'days', h: 'hours', m: 'minutes', s: 'seconds' } as const;
/**
 * The largest instant of a Date, in either direction. A larger one could be compared, but not shown or stored
 * everywhere.
 */
const farthest = 8.64e15;
const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+$/;

/**
 * Returns the milliseconds of a duration.
 *
 * @example
 * ```ts
 * import { durationMs } from 'signalbox';
 *
 * console.log(durationMs('1h30m', 'patience')); // => 5400000
 * ```
 *
 * @throws SignalboxError `INVALID_DURATION` for anything else, negative ones included.
 */
export function durationMs(value: Duration, option: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  if (typeof value === 'string' && durationPattern.test(value)) {
    let total = 0;
    for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|d|h|m|s)/g)) {
      total +=
        unit === 'ms'
          ? Number(amount)
          : milliseconds({ [units[unit as keyof typeof units]]: Number(amount) });
    }
    if (Number.isFinite(total)) return total;
  }
  throw new SignalboxError('INVALID_DURATION', { option, actual: shown(value) });
}

/**
 * Returns the epoch milliseconds of an instant. Text must have an offset: without it, its meaning depends on the host.
 * @throws SignalboxError `INVALID_INSTANT`.
 */
export function instantMs(value: Instant, option: string): number {
  if (typeof value === 'number' && isInstant(value)) return value;
  if (value instanceof Date && isValid(value)) return value.getTime();
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(value)) {
    const parsed = parseISO(value);
    if (isValid(parsed)) return parsed.getTime();
  }
  throw new SignalboxError('INVALID_INSTANT', { option, actual: shown(value) });
}

/** Whether a beginning is a delay, which counts from now. */
export function isDelay(value: Beginning): boolean {
  return typeof value === 'string'
    ? durationPattern.test(value)
    : typeof value === 'object' && 'after' in value;
}

/**
 * Returns the epoch milliseconds of a beginning; a delay counts from `now`. @throws as `durationMs` and
 * `instantMs` do.
 */
export function beginningMs(value: Beginning, now: number, option: string): number {
  if (typeof value === 'string' && durationPattern.test(value))
    return instantMs(now + durationMs(value, option), option);
  if (typeof value === 'object' && value !== null && 'after' in value)
    return instantMs(now + durationMs(value.after, `${option}.after`), option);
  return instantMs(value, option);
}

/** Whether a number is epoch milliseconds that a Date can hold. */
export function isInstant(ms: number): boolean {
  return Math.abs(ms) <= farthest;
}

/** Returns a duration as text for people: `1 minute 30 seconds`, `250 ms`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${ms} ms`;
  const total = Math.round(ms / 1000);
  return formatParts({
    days: Math.floor(total / 86_400),
    hours: Math.floor((total % 86_400) / 3600),
    minutes: Math.floor((total % 3600) / 60),
    seconds: total % 60,
  });
}
