import type { HistoryEntry } from '../../../index.ts';
import { placeOf, type ReplayedRecord } from './replayed-record.ts';

/** What a claim is judged by: records as the journal gives them right before it. */
export interface ClaimFacts {
  readonly jobs: Iterable<ReplayedRecord>;
  readonly queue: ReplayedRecord | undefined;
  /** When a job was changed last. */
  changedAt(job: ReplayedRecord): number;
  /** Whether the quotas that a job names have no slot for it. */
  isBlocked(job: ReplayedRecord): boolean;
  /** So much later a claim may still not know of something: another process has just committed it. Milliseconds. */
  readonly slackMs: number;
}

interface Pause {
  readonly job: string | null;
  readonly at: number;
  readonly until: number | null;
}

const hourMs = 3_600_000;

/** The pause in spite of which a job was claimed; null: there is none. Patterns end in `*`, as far as simulations have any. */
export function pauseBroken(
  { at }: HistoryEntry,
  job: ReplayedRecord,
  { queue, slackMs }: Pick<ClaimFacts, 'queue' | 'slackMs'>,
): Pause | null {
  const name = String(job.fields.name);
  if (name.startsWith('signalbox.')) return null;
  const pauses = (queue?.fields.pauses ?? []) as readonly Pause[];
  const stops = ({ job: pattern, until, at: since }: Pause): boolean =>
    (until === null || until > at) &&
    at - since >= slackMs &&
    (pattern === null ||
      pattern === name ||
      (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))));
  return pauses.find(stops) ?? null;
}

/**
 * A job of another priority that should have been claimed instead: it waits, is due, has slots, and counts as ready before the
 * claimed one, and so does all that stands before it in its level. Null: there is none.
 */
export function overtaken(
  { at }: HistoryEntry,
  claimed: ReplayedRecord,
  facts: ClaimFacts,
): ReplayedRecord | null {
  const { queue, slackMs } = facts;
  if (lineOf(claimed) === 'putBack' || String(claimed.fields.name).startsWith('signalbox.fail')) return null;
  if (((queue?.fields.pauses ?? []) as readonly Pause[]).length > 0) return null;
  const agingMs = (queue?.fields.agingMs ?? hourMs) as number | null;
  const rank = (job: ReplayedRecord): number =>
    agingMs === null ? levelOf(job) : readyAt(job) + levelOf(job) * agingMs;
  for (const jobs of levels(facts.jobs, claimed)) {
    for (const job of inOrder(jobs)) {
      const isDue = Number(job.fields.beginAfter ?? 0) <= at;
      const isLater =
        lineOf(job) !== 'putBack' && rank(job) + (agingMs === null ? 0 : slackMs) >= rank(claimed);
      if (!isDue || isLater) break;
      const isFresh = at - facts.changedAt(job) < slackMs;
      // One with keys may be parked, which the journal does not say.
      const isOpen = job.fields.keys == null && !facts.isBlocked(job);
      if (job.state === 'pending' && !isFresh && !isLate(job, at) && isOpen) return job;
    }
  }
  return null;
}

/** Jobs that wait in the queue of the claimed one, by priority, but for those of its own. */
function levels(jobs: Iterable<ReplayedRecord>, claimed: ReplayedRecord): Iterable<ReplayedRecord[]> {
  const place = placeOf(claimed);
  const queue = place !== null && 'queue' in place ? place.queue : null;
  const found = new Map<number, ReplayedRecord[]>();
  for (const job of jobs) {
    const at = placeOf(job);
    if (at === null || !('queue' in at) || 'agent' in at || at.queue !== queue) continue;
    const level = levelOf(job);
    if (level === levelOf(claimed)) continue;
    const list = found.get(level) ?? [];
    list.push(job);
    found.set(level, list);
  }
  return found.values();
}

/** Put back ones first; then the immediate and the held ones, whose heads are compared. */
function inOrder(jobs: readonly ReplayedRecord[]): ReplayedRecord[] {
  const line = (name: string): ReplayedRecord[] =>
    jobs.filter((job) => lineOf(job) === name).sort((one, other) => keyOf(one) - keyOf(other));
  const begin = (job: ReplayedRecord): number => Number(job.fields.beginAfter ?? 0);
  const held = line('held').sort((one, other) => begin(one) - begin(other) || (one.id < other.id ? -1 : 1));
  const now = line('now');
  const order = line('putBack');
  while (held.length + now.length > 0) {
    const [first, due] = [now[0], held[0]];
    const isHeld = first === undefined || (due !== undefined && begin(due) <= begin(first));
    order.push((isHeld ? held.shift() : now.shift()) as ReplayedRecord);
  }
  return order;
}

function lineOf({ fields }: ReplayedRecord): string | undefined {
  return (fields.order as readonly [string, number] | null | undefined)?.[0];
}

function keyOf({ fields }: ReplayedRecord): number {
  return (fields.order as readonly [string, number] | null | undefined)?.[1] ?? 0;
}

function levelOf({ fields }: ReplayedRecord): number {
  return Number(fields.priority ?? 0);
}

function readyAt({ fields }: ReplayedRecord): number {
  return Math.max(Number(fields.beginAfter ?? 0), Number(fields.readyAt ?? 0));
}

function isLate({ fields }: ReplayedRecord, at: number): boolean {
  if (fields.deadline != null && at > Number(fields.deadline)) return true;
  return fields.beginBy != null && at > Number(fields.beginAfter ?? 0) + Number(fields.beginBy);
}
