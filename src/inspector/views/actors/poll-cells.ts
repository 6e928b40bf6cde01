import type { DispatcherHealth } from '../../../model/monitoring/liveness.ts';
import type { PollInfo } from '../../../model/monitoring/polls.ts';
import type { PollCell, PollDetail } from '../../protocol/actors.ts';
import { cut } from '../values/failure-view.ts';
import type { LiveDispatcher } from './actor-source.ts';

/** A gap of that many intervals between two polls has room for one that was missed. */
const missedAfter = 1.8;
/** A long sleep of the computer is not shown poll by poll. */
const mostMissed = 12;

/**
 * The health of a dispatcher as pages show it. It counts as STUCK from the instant on at which a poll is due, also while that
 * poll is under way: who looks every second would see it in red again and again. Pages wait until one was missed.
 */
export function steadyHealth({
  health,
  pollAgeMs,
  pollIntervalMs,
}: Pick<LiveDispatcher, 'health' | 'pollAgeMs' | 'pollIntervalMs'>): DispatcherHealth {
  const isMissed = pollAgeMs !== null && pollAgeMs >= missedAfter * pollIntervalMs;
  return health === 'STUCK' && !isMissed ? 'RUNNING' : health;
}

/** A cell for each poll, oldest first, and one for each that was missed, the newest `most` of them. `polls`: newest first. */
export function pollCells(
  polls: Iterable<PollInfo>,
  intervalMs: number,
  now: number,
  most: number,
): readonly PollCell[] {
  const cells: PollCell[] = [];
  let next = now;
  for (const poll of polls) {
    if (cells.length >= most) break;
    const at = poll.timestamp.getTime();
    cells.push(...missedBetween(at, next, intervalMs), cellOf(poll, at));
    next = at;
  }
  return cells.slice(0, most).reverse();
}

function missedBetween(from: number, to: number, intervalMs: number): readonly PollCell[] {
  if (to - from < missedAfter * intervalMs) return [];
  const count = Math.min(mostMissed, Math.max(1, Math.round((to - from) / intervalMs) - 1));
  return Array.from({ length: count }, (_, index) => ({
    key: null,
    at: to - (index + 1) * intervalMs,
    claimed: 0,
    errors: 0,
  }));
}

function cellOf({ key, queues }: PollInfo, at: number): PollCell {
  const agents = Object.values(queues).flatMap((queue) => Object.values(queue ?? {}));
  return {
    key: String(key),
    at,
    claimed: agents.reduce((sum, { claimed }) => sum + claimed, 0),
    errors: agents.filter(({ error }) => error !== null).length,
  };
}

/** What the poll of a key found; null: it is no longer kept. */
export function pollDetail(polls: Iterable<PollInfo>, key: string): PollDetail | null {
  for (const poll of polls) {
    if (String(poll.key) !== key) continue;
    const queues = Object.entries(poll.queues);
    return {
      key,
      at: poll.timestamp.getTime(),
      agents: queues.flatMap(([queue, agents]) =>
        Object.entries(agents ?? {}).map(([name, { size, len, claimed, error }]) => ({
          queue,
          name,
          size,
          active: len,
          claimed,
          // Its stack is in the log: a page has room for what was thrown.
          error: error === null ? null : cut(error.split('\n', 1)[0] ?? '', 200),
        })),
      ),
      skipped: queues.filter(([, agents]) => agents === null).map(([queue]) => queue),
    };
  }
  return null;
}
