import type { ScheduleFigures, SkipReason } from '../../../machines/schedule.context.ts';
import type { JobRecord, ScheduleRecord } from '../records/records.ts';
import { type Tick, Ticks } from './ticks.ts';

/** A tick that is more than this late is a misfire. */
const lateAfterMs = 60_000;

/** What matters of the last job of a schedule. */
export interface LastJob {
  /** It has an outcome, or was taken out of its queue. */
  readonly isOver: boolean;
  /** Its code was called at least once. */
  readonly hasBegun: boolean;
  /** It carries the key of its schedule, so what is put behind it waits for its end. */
  readonly isInLine: boolean;
}

/** What a due schedule does at one of its ticks. */
export interface Decision {
  readonly tick: number;
  readonly next: Tick | null;
  /** Null: the tick puts a job. */
  readonly why: SkipReason | null;
  /** How many ticks are counted only. */
  readonly missed: number;
  /** The last job is cancelled in the same commit. */
  readonly cancelsLast: boolean;
}

/**
 * What a schedule does now: one tick, or null when none is due. A tick that is late by more than a minute is a misfire; an
 * overlap is looked at for each tick that would put a job.
 */
export function decideTick(
  { id, figures, nextTick, nextAt }: Pick<ScheduleRecord, 'id' | 'figures' | 'nextTick' | 'nextAt'>,
  now: number,
  last: LastJob | null,
): Decision | null {
  if (nextTick === null || nextAt === null || nextAt > now) return null;
  const ticks = new Ticks(id, figures);
  const { tick, missed, isCounted } =
    nextAt < now - lateAfterMs
      ? misfire(ticks, figures, { first: nextTick, firstAt: nextAt, now })
      : { tick: nextTick, missed: 0, isCounted: false };
  const next = ticks.after(tick);
  if (isCounted) return { tick, next, why: 'missed', missed, cancelsLast: false };
  return { tick, next, missed, ...overlap(figures, last) };
}

/** A misfire: the tick that is dealt with, and how many are counted with it, or besides it. */
interface Misfired {
  readonly tick: number;
  readonly missed: number;
  /** It only counts. */
  readonly isCounted: boolean;
}

function misfire(
  ticks: Ticks,
  { misfire, misfireWindow, jitter }: ScheduleFigures,
  { first, firstAt, now }: { readonly first: number; readonly firstAt: number; readonly now: number },
): Misfired {
  /** The latest tick that is due before an instant, whatever its jitter. */
  const before = (instant: number): number => Math.max(first, ticks.latest(instant - 1 - jitter) ?? first);
  const counted = (tick: number): Misfired => ({ tick, missed: ticks.count(first, tick), isCounted: true });
  const newest = before(now - lateAfterMs);
  const windowBegin = now - misfireWindow;
  if (misfire === 'all')
    return firstAt >= windowBegin
      ? { tick: first, missed: 0, isCounted: false }
      : counted(Math.min(newest, before(windowBegin)));
  if (misfire === 'skip' || ticks.dueAt(newest) < windowBegin) return counted(newest);
  return { tick: newest, missed: ticks.count(first, newest) - 1, isCounted: false };
}

function overlap(figures: ScheduleFigures, last: LastJob | null): Pick<Decision, 'why' | 'cancelsLast'> {
  const put = { why: null, cancelsLast: false } as const;
  if (last === null || last.isOver || figures.overlap === 'allow') return put;
  const { hasBegun, isInLine } = last;
  if (figures.overlap === 'skip') return { why: 'overlap', cancelsLast: false };
  // A job that was put under another rule has no key: nothing would hold the next one until it ends.
  const why = hasBegun && !isInLine ? 'overlap' : null;
  if (figures.overlap === 'cancel') return { why, cancelsLast: true };
  return hasBegun ? { why, cancelsLast: false } : { why: 'buffered', cancelsLast: false };
}

/** What matters of a job at the next tick; null: it is not stored any more. */
export function lastJobOf(job: JobRecord | undefined, key: string): LastJob | null {
  if (job === undefined) return null;
  const { outcome, state, parent, attempts, keys } = job;
  return {
    isOver: outcome !== null || (state === 'new' && parent === null),
    hasBegun: attempts > 0,
    isInLine: keys?.includes(key) === true,
  };
}

/**
 * The tick that comes next for a schedule that is set or resumed: the first from now on. Ticks only grow, also when the clock
 * was set back. Null: none comes.
 */
export function firstTick(
  { id, lastTick, runs }: Pick<ScheduleRecord, 'id' | 'lastTick' | 'runs'>,
  figures: ScheduleFigures,
  now: number,
): Tick | null {
  if (figures.maxRuns !== null && runs >= figures.maxRuns) return null;
  return new Ticks(id, figures).after(Math.max(now, lastTick ?? now));
}

/** The next ticks of a schedule, at most so many. A paused one shows those that it would have if it were resumed now. */
export function nextTicks(schedule: ScheduleRecord, now: number, most: number): readonly Tick[] {
  const { id, state, figures, nextTick, nextAt, runs } = schedule;
  const left = figures.maxRuns === null ? most : Math.min(most, figures.maxRuns - runs);
  const ticks = new Ticks(id, figures);
  const found: Tick[] = [];
  let next =
    nextTick !== null && nextAt !== null
      ? { tick: nextTick, at: nextAt }
      : state === 'paused'
        ? firstTick(schedule, figures, now)
        : null;
  while (next !== null && found.length < left) {
    found.push(next);
    next = ticks.after(next.tick);
  }
  return found;
}
