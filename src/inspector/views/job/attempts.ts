import { attemptsOf } from '../../../model/jobs/attempts.ts';
import type { ShownJob } from '../../../reading/shown.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { AttemptView } from '../../protocol/job.ts';
import type { LifePart } from '../../protocol/jobs.ts';
import { failureView } from '../values/failure-view.ts';

/** Where the time before an attempt went. */
interface Wait {
  readonly from: number;
  readonly heldMs: number;
  readonly waitMs: number;
}

/** The attempts of a job side by side, from its entries, oldest first. Pure. */
export function attemptViews(entries: readonly HistoryEntry[], shown: ShownJob): readonly AttemptView[] {
  const waits = waitsOf(entries);
  return attemptsOf(entries).map(({ attempt, startedAt, ms, ending, failure }) => {
    const wait = waits.get(attempt) ?? null;
    return {
      n: attempt,
      from: wait?.from ?? null,
      heldMs: wait?.heldMs ?? null,
      waitMs: wait?.waitMs ?? null,
      runMs: ms,
      startedAt: startedAt.getTime(),
      ending,
      failure: failure === null ? null : failureView(shown.failure(failure.data)),
    };
  });
}

/** Where the time of a job went, in order: between attempts, in them, and in its callbacks. Pure. */
export function lifeOf(entries: readonly HistoryEntry[], now: number): readonly LifePart[] {
  const parts: LifePart[] = [];
  const add = (is: LifePart['is'], ms: number): void => {
    const last = parts.at(-1);
    if (ms <= 0) return;
    if (last?.is === is) parts[parts.length - 1] = { is, ms: last.ms + ms };
    else parts.push({ is, ms });
  };
  let due = 0;
  for (const [index, entry] of entries.entries()) {
    due = dueOf(entry, due);
    const until = entries[index + 1]?.at ?? now;
    const { at, to } = entry;
    if (to === 'pending') {
      const held = Math.max(0, Math.min(due, until) - at);
      add('held', held);
      add('waiting', until - at - held);
    } else if (to === 'assigned') add('waiting', until - at);
    else if (to?.startsWith('active') === true) add('running', until - at);
    else if (to === 'callbacks') add('callbacks', until - at);
  }
  return parts;
}

/** By the number of the attempt; one without its beginning in what is kept is left out. */
function waitsOf(entries: readonly HistoryEntry[]): ReadonlyMap<number, Wait> {
  const waits = new Map<number, Wait>();
  let from: number | null = null;
  let due = 0;
  for (const entry of entries) {
    const { event, at, patch, to } = entry;
    due = dueOf(entry, due);
    if (to === 'pending' && entry.from !== 'pending') from ??= at;
    if (event === 'job.retry') waits.set(Number(patch?.attempts), { from: at, heldMs: 0, waitMs: 0 });
    if (event !== 'job.start') continue;
    if (from !== null) waits.set(Number(patch?.attempts), waitUntil(at, from, due));
    from = null;
  }
  return waits;
}

function waitUntil(start: number, from: number, due: number): Wait {
  const heldMs = Math.max(0, Math.min(due, start) - from);
  return { from, heldMs, waitMs: Math.max(0, start - from - heldMs) };
}

function dueOf({ patch }: HistoryEntry, due: number): number {
  const { beginAfter } = patch ?? {};
  return typeof beginAfter === 'number' ? beginAfter : due;
}
