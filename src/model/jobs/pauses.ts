import type { PauseMark, QueuePause } from '../records/records.ts';
import { isSystemJob } from '../records/system-names.ts';
import { matchesPattern } from './filter.ts';

/** Whether a pause still lasts. */
export function isInForce({ until }: PauseMark, now: number): boolean {
  return until === null || until > now;
}

/**
 * The pause by which the jobs of a definition are not claimed; null: there is none. System jobs are never paused: they end what a
 * process has left half done.
 */
export function pauseOf(name: string, pauses: readonly QueuePause[], now: number): QueuePause | null {
  if (pauses.length === 0 || isSystemJob(name)) return null;
  const stops = (pause: QueuePause): boolean =>
    isInForce(pause, now) && (pause.job === null || matchesPattern(pause.job, name));
  return pauses.find(stops) ?? null;
}

/** The acceptance of a claim, less the lanes that pauses refuse. Itself where there are none. */
export function unpaused<Accepts extends { lane(name: string, quotaNames: readonly string[]): boolean }>(
  accepts: Accepts,
  pauses: readonly QueuePause[],
  now: number,
): Accepts {
  if (pauses.length === 0) return accepts;
  return {
    ...accepts,
    lane: (name: string, quotaNames: readonly string[]) =>
      pauseOf(name, pauses, now) === null && accepts.lane(name, quotaNames),
  };
}
