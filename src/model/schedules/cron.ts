/*
 * Room: schedules.
 *
 * Owns: When a schedule comes, and what happens at a tick: patterns and zones, missed ticks, overlaps. All of
 *   it is pure: the same record and the same instant give the same answer on every host.
 *
 * Invariant: `stepSchedule` is the only way in which a schedule changes, and its ticks only grow.
 *
 * May import: checks, records, jobs.
 */
import { Cron } from 'croner';
import { SignalboxError, shown } from '../../errors.ts';

/** The instants of a pattern in a zone. They are whole seconds. */
export interface CronTimes {
  /** The first that is later; null: there is none. */
  after(instant: number): number | null;
  /** The latest that is not later; null: there is none. */
  latest(instant: number): number | null;
}

/** Patterns that were read: schedules often share one, and to read it costs as much as to look for an instant. */
const known = new Map<string, CronTimes>();
const mostKnown = 1000;

/** Reads a pattern. It was checked when the schedule was set. */
export function cronTimes(pattern: string, tz: string): CronTimes {
  const key = `${tz} ${pattern}`;
  let times = known.get(key);
  if (times === undefined) {
    if (known.size >= mostKnown) known.clear();
    times = timesOf(parsed(pattern, tz));
    known.set(key, times);
  }
  return times;
}

function timesOf(cron: Cron): CronTimes {
  // Schedules that share a pattern are due together, and ask the same question.
  let newest: { readonly from: number; readonly to: number | null } = { from: Number.NaN, to: null };
  return {
    after(instant) {
      if (newest.from !== instant) {
        const to = cron.nextRun(new Date(instant))?.getTime() ?? null;
        newest = { from: instant, to };
      }
      return newest.to;
    },
    latest(instant) {
      const behind = (Math.floor(instant / 1000) + 1) * 1000;
      return cron.previousRuns(1, new Date(behind))[0]?.getTime() ?? null;
    },
  };
}

// A time that a clock change skips runs at the first instant after it, one that comes twice at its first, also in lists of times.
function parsed(pattern: string, timezone: string): Cron {
  return new Cron(pattern, { timezone, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard', paused: true });
}

const fieldNames = ['second', 'minute', 'hour', 'day of month', 'month', 'day of week'] as const;
const longestPattern = 256;

/**
 * Refuses what is no pattern, and a pattern that never comes, such as 31 February.
 * @throws SignalboxError `INVALID_CRON`, naming the field.
 */
export function checkCron(pattern: unknown): string {
  const isText = typeof pattern === 'string' && pattern.length <= longestPattern;
  if (!isText)
    throw refusal(pattern, 'the pattern', `text of at most ${longestPattern} characters`, shown(pattern));
  if (!pattern.startsWith('@')) checkFields(pattern);
  let first: Date | null;
  try {
    first = parsed(pattern, 'UTC').nextRun(new Date(0));
  } catch {
    throw refusal(pattern, 'the pattern', 'one that is known, such as @daily', shown(pattern));
  }
  if (first === null)
    throw refusal(pattern, 'day of month', 'a day that a month of the pattern has', 'a day that never comes');
  return pattern;
}

/** Reads each field by itself, with any value for the others: so the wrong one can be named. */
function checkFields(pattern: string): void {
  const fields = pattern.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6)
    throw refusal(pattern, 'the pattern', '5 or 6 fields', `${pattern.trim() === '' ? 0 : fields.length}`);
  for (const [index, field] of fields.entries()) {
    const name = fieldNames[index + 6 - fields.length] as string;
    // croner puts the present time in its place, so it would mean another thing on each host.
    if (field.includes('?')) throw refusal(pattern, name, 'a value without ?', shown(field));
    const alone = fields.map((_other, at) => (at === index ? field : '*')).join(' ');
    try {
      parsed(alone, 'UTC');
    } catch {
      throw refusal(pattern, name, 'a value of that field', shown(field));
    }
  }
}

function refusal(pattern: unknown, field: string, expected: string, actual: string): SignalboxError {
  return new SignalboxError('INVALID_CRON', { pattern: shown(pattern), field, expected, actual });
}

/** Zones that were found: to look for one costs more than to set a schedule. */
const zones = new Set<unknown>();

/** Refuses what is no time zone. @throws SignalboxError `INVALID_TIME_ZONE`. */
export function checkTimeZone(tz: unknown): string {
  if (typeof tz === 'string' && /^[A-Za-z]/.test(tz)) {
    if (zones.has(tz)) return tz;
    try {
      // The name alone is asked: nothing is formatted.
      new Intl.DateTimeFormat('en', { timeZone: tz }).resolvedOptions();
      zones.add(tz);
      return tz;
    } catch {
      // A RangeError: it is refused below, in our words.
    }
  }
  throw new SignalboxError('INVALID_TIME_ZONE', { actual: shown(tz) });
}
