import type { HistoryEntry } from '../../../index.ts';
import { placeOf, type ReplayedRecord } from './replayed-record.ts';

/** What a claim is judged by: records as the journal gives them right before it. */
export interface ClaimFacts {
  readonly jobs: readonly ReplayedRecord[];
  readonly queue: ReplayedRecord | undefined;
  /** When a job was changed last. */
  changedAt(job: ReplayedRecord): number;
  /** Whether the quotas of a job, and its keys, have room for it. */
  hasRoom(job: ReplayedRecord): boolean;
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
  const isKnown = ({ until, at: since }: Pause): boolean =>
    (until === null || until > at) && at - since >= slackMs;
  return pausesOf(job, queue).find(isKnown) ?? null;
}

/** The pauses of a queue that concern a job, whether or not they are over. */
function pausesOf({ fields }: ReplayedRecord, queue: ReplayedRecord | undefined): readonly Pause[] {
  const name = String(fields.name);
  if (name.startsWith('signalbox.')) return [];
  const concerns = ({ job }: Pause): boolean =>
    job === null || job === name || (job.endsWith('*') && name.startsWith(job.slice(0, -1)));
  return ((queue?.fields.pauses ?? []) as readonly Pause[]).filter(concerns);
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
  if (lineOf(claimed) === 'putBack' || isOfExpired(claimed)) return null;
  const agingMs = (queue?.fields.agingMs ?? hourMs) as number | null;
  const rank = (job: ReplayedRecord): number =>
    agingMs === null ? levelOf(job) : readyAt(job) + levelOf(job) * agingMs;
  for (const jobs of levels(facts.jobs, claimed)) {
    for (const job of inOrder(jobs)) {
      const isDue = Number(job.fields.beginAfter ?? 0) <= at;
      const isLater =
        lineOf(job) !== 'putBack' && rank(job) + (agingMs === null ? 0 : slackMs) >= rank(claimed);
      if (!isDue || isLater) break;
      if (mayBegin(job, at, facts)) return job;
    }
  }
  return null;
}

/**
 * A job that was put for now should be claimed before one that was put after it, of the same priority: also one that was parked, once
 * its keys have room. Null: there is none.
 */
export function passedOver(
  { at }: HistoryEntry,
  claimed: ReplayedRecord,
  facts: ClaimFacts,
): ReplayedRecord | null {
  if (lineOf(claimed) !== 'now' || isOfExpired(claimed)) return null;
  for (const job of waitingWith(facts.jobs, claimed)) {
    const isBefore =
      lineOf(job) === 'now' && levelOf(job) === levelOf(claimed) && keyOf(job) < keyOf(claimed);
    if (isBefore && Number(job.fields.beginAfter ?? 0) <= at && mayBegin(job, at, facts)) return job;
  }
  return null;
}

function isOfExpired({ fields }: ReplayedRecord): boolean {
  return String(fields.name).startsWith('signalbox.fail');
}

/** Whether a claim of an agent that takes any job may take a waiting one that is due. */
export function mayBegin(job: ReplayedRecord, at: number, facts: Omit<ClaimFacts, 'jobs'>): boolean {
  const { queue, slackMs } = facts;
  const isFresh = at - facts.changedAt(job) < slackMs;
  const isPaused = pausesOf(job, queue).some(({ until }) => until === null || until > at - slackMs);
  return job.state === 'pending' && !isFresh && !isPaused && !isLate(job, at) && facts.hasRoom(job);
}

/** Jobs that wait in the queue of the claimed one. */
function* waitingWith(jobs: readonly ReplayedRecord[], claimed: ReplayedRecord): Generator<ReplayedRecord> {
  const place = placeOf(claimed);
  const queue = place !== null && 'queue' in place ? place.queue : null;
  for (const job of jobs) {
    const at = placeOf(job);
    if (at !== null && 'queue' in at && !('agent' in at) && at.queue === queue) yield job;
  }
}

/** Jobs that wait in the queue of the claimed one, by priority, but for those of its own. */
function levels(jobs: readonly ReplayedRecord[], claimed: ReplayedRecord): Iterable<ReplayedRecord[]> {
  const found = new Map<number, ReplayedRecord[]>();
  for (const job of waitingWith(jobs, claimed)) {
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
  return (fields.line as string | null | undefined) ?? undefined;
}

function keyOf({ fields }: ReplayedRecord): number {
  return Number(fields.position ?? 0);
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
