import { invalidOption } from '../../errors.ts';
import type { JobRecord } from '../records/records.ts';

/** How urgent a job is: a whole number from -9 to 9, lower is sooner; `'high'` is -5, `'normal'` 0, `'low'` 5. */
export type Priority = number | 'high' | 'normal' | 'low';

const words: ReadonlyMap<unknown, number> = new Map([
  ['high', -5],
  ['normal', 0],
  ['low', 5],
]);

/** Returns the level of a priority. @throws SignalboxError `INVALID_OPTION`. */
export function checkPriority(priority: unknown): number {
  const level = words.get(priority) ?? priority;
  if (typeof level === 'number' && Number.isInteger(level) && Math.abs(level) <= 9) return level;
  throw invalidOption('priority', "a whole number from -9 to 9, 'high', 'normal' or 'low'", priority);
}

/** The aging of a queue that was given none: how much earlier a job may have become ready for a level to make up for it. */
export const defaultAgingMs = 60 * 60 * 1000;

/** What the order between levels depends on. */
export interface LevelOrder {
  /** Milliseconds that one level is worth; null: a lower level always goes first. */
  readonly agingMs: number | null;
  readonly now: number;
}

/** The instant at which a job became ready: a put in the past gives it no earlier one. */
export function readySince({ beginAfter, readyAt }: Pick<JobRecord, 'beginAfter' | 'readyAt'>): number {
  return Math.max(beginAfter ?? 0, readyAt ?? 0);
}

/**
 * Compares the first jobs of two levels: below 0 when `one` is offered first. Jobs that were put back come before all others. The
 * rest count as ready earlier or later by their level times the aging, so nothing is overtaken for ever. What is not due
 * comes last, in the order in which it becomes due.
 */
export function compareLevels(one: JobRecord, other: JobRecord, { agingMs, now }: LevelOrder): number {
  const [isOneDue, isOtherDue] = [isDue(one, now), isDue(other, now)];
  if (isOneDue !== isOtherDue) return isOneDue ? -1 : 1;
  const [isOneBack, isOtherBack] = [isPutBack(one), isPutBack(other)];
  if (isOneBack !== isOtherBack) return isOneBack ? -1 : 1;
  if (isOneBack) return one.position - other.position;
  const levels = one.priority - other.priority;
  const instants = isOneDue
    ? readySince(one) - readySince(other)
    : (one.beginAfter ?? 0) - (other.beginAfter ?? 0);
  if (!isOneDue) return instants || levels;
  return agingMs === null ? levels : instants + levels * agingMs || levels;
}

function isDue({ beginAfter }: JobRecord, now: number): boolean {
  return (beginAfter ?? 0) <= now;
}

function isPutBack({ line }: JobRecord): boolean {
  return line === 'putBack';
}
