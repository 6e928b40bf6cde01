import type { Misfire, Overlap, ScheduleFigures } from '../../../machines/schedule.context.ts';
import { invalidOption } from '../../errors.ts';
import { checkCount, checkKnown } from '../../model/checks/check-options.ts';
import { checkCron, checkTimeZone } from '../../model/schedules/cron.ts';
import { type Duration, durationMs, type Instant, instantMs } from '../../time.ts';

/** When a schedule comes, and what happens when that cannot be. Either `cron` or `every` is given. */
export interface ScheduleOptions {
  /** Minute, hour, day of month, month and day of week, with the second before them if there are six: `'30 2 * * 1-5'`. */
  readonly cron?: string;
  /** The time zone of `cron`. Default `'UTC'`, never that of the host. */
  readonly tz?: string;
  /** It comes every so long, at least a second, in absolute time. */
  readonly every?: Duration;
  /** The instant that `every` counts from. Default: when it was set first. */
  readonly from?: Instant;
  /** While the last job is not over: `'skip'` (default), `'buffer'` one, `'cancel'` the last, or `'allow'` both. */
  readonly overlap?: Overlap;
  /** Of ticks that are more than a minute late: `'once'` (default) the latest, `'all'`, or `'skip'` none. */
  readonly misfire?: Misfire;
  /** Ticks that are later than this get no job. Default 1 day. */
  readonly misfireWindow?: Duration;
  /** Each tick is due later by up to so much, the same on every host. Default 0. */
  readonly jitter?: Duration;
  /** The last instant at which it may come. Default: none. */
  readonly until?: Instant | null;
  /** How many ticks get a job. Default: all. */
  readonly maxRuns?: number | null;
}

const known = [
  'cron',
  'tz',
  'every',
  'from',
  'overlap',
  'misfire',
  'misfireWindow',
  'jitter',
  'until',
  'maxRuns',
] as const satisfies readonly (keyof ScheduleOptions)[];

const overlaps = ['skip', 'buffer', 'allow', 'cancel'] as const;
const misfires = ['once', 'all', 'skip'] as const;
const shortestMs = 1000;

/**
 * The figures of a schedule. `from` is null where it is not given.
 * @throws SignalboxError `INVALID_CRON`, `INVALID_TIME_ZONE`, `INVALID_OPTION`, `INVALID_DURATION`, `INVALID_INSTANT`.
 */
export function figuresOf(options: ScheduleOptions): ScheduleFigures {
  checkKnown(options, known);
  const { cron, every, from, until, maxRuns } = options;
  if ((cron === undefined) === (every === undefined))
    throw invalidOption('every', 'given if `cron` is not, and absent if it is', every);
  if (cron !== undefined && from !== undefined)
    throw invalidOption('from', 'absent: a pattern has none', from);
  if (every !== undefined && options.tz !== undefined)
    throw invalidOption('tz', 'absent: `every` counts in absolute time', options.tz);
  return {
    cron: cron === undefined ? null : checkCron(cron),
    tz: checkTimeZone(options.tz ?? 'UTC'),
    every: every === undefined ? null : checkInterval(every),
    from: from === undefined ? null : instantMs(from, 'from'),
    overlap: oneOf(overlaps, options.overlap ?? 'skip', 'overlap'),
    misfire: oneOf(misfires, options.misfire ?? 'once', 'misfire'),
    misfireWindow: durationMs(options.misfireWindow ?? '1d', 'misfireWindow'),
    jitter: durationMs(options.jitter ?? 0, 'jitter'),
    until: until == null ? null : instantMs(until, 'until'),
    maxRuns: maxRuns == null ? null : checkCount(maxRuns, 'maxRuns', 1),
  };
}

function checkInterval(every: Duration): number {
  const ms = durationMs(every, 'every');
  if (ms >= shortestMs && Number.isInteger(ms)) return ms;
  throw invalidOption('every', 'a second or more, in whole milliseconds', every);
}

function oneOf<Word extends string>(words: readonly Word[], given: Word, option: string): Word {
  if (words.includes(given)) return given;
  throw invalidOption(option, `one of ${words.join(', ')}`, given);
}
