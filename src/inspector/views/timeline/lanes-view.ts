import { isFailed } from '../../../model/jobs/step.ts';
import { Shown } from '../../../reading/shown.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import {
  isEnd,
  type JobLane,
  type LanePart,
  type LaneState,
  type LanesView,
} from '../../protocol/timeline.ts';
import { endingOf } from '../job/history-view.ts';
import { journalFilter } from './journal-filter.ts';
import { Subjects } from './subjects.ts';
import { mostLooked, type Walked, walkBack, walkOn } from './walk.ts';

/** Bars on one page. */
const mostJobs = 200;
/** Entries of the newest part, when no other one is asked for. */
const usualLength = 2000;

/** The part of the journal that is asked for. */
export interface LanesRequest {
  readonly from: number | null;
  readonly to: number | null;
  /** How many entries from `from` on, else up to `to`; null: all that lie between the two, else 2,000. */
  readonly length: number | null;
  readonly text: string;
}

/** Jobs as bars over a part of the journal, from its entries alone. */
export async function lanesView(reader: StoreReader, request: LanesRequest): Promise<LanesView> {
  const { seq: newest, at: now } = await reader.position();
  const part = await partOf(reader, request, newest);
  const subjects = new Subjects(reader, await Shown.of(reader));
  const { wants, unknown } = journalFilter(request.text, subjects);
  const entries = part.entries.filter(({ kind }) => kind === 'job');
  const chosen = new Set<string>();
  // A filter that asks of entries chooses the jobs, and then all of their entries count.
  for (const entry of entries) if ((await wants(entry)) !== false) chosen.add(entry.id);
  const [fromAt, toAt] = [part.entries[0]?.at ?? now, part.entries.at(-1)?.at ?? now];
  const lanes = jobLanes(
    entries.filter(({ id }) => chosen.has(id)),
    { from: fromAt, to: toAt },
  );
  const jobs: JobLane[] = [];
  for (const lane of lanes.slice(0, mostJobs)) {
    const { name, job } = await subjects.job(lane.id);
    jobs.push({ ...lane, name, ending: lane.ending ?? (isEnded(lane) ? (job?.ending ?? null) : null) });
  }
  return {
    from: part.from,
    to: part.to,
    fromAt,
    toAt,
    jobs,
    more: lanes.length - jobs.length,
    looked: part.looked,
    isCut: part.isCut && part.looked >= mostLooked,
    keptFrom: reader.oldestSeq(),
    newest,
    unknown,
  };
}

/** The entries of a part of the journal, oldest first. */
async function partOf(reader: StoreReader, request: LanesRequest, newest: number): Promise<Walked> {
  const { from, length } = request;
  const to = Math.min(request.to ?? newest, newest);
  if (from !== null) {
    const limit = length ?? Number.POSITIVE_INFINITY;
    const walk = { limit, wants: ({ seq }: HistoryEntry) => (seq <= to ? true : null) };
    const part = await walkOn(reader, Math.max(from, reader.oldestSeq()), walk);
    // At its end the journal has the whole length before it.
    if (length === null || part.next !== null) return part;
  }
  const part = await walkBack(reader, to + 1, { limit: length ?? usualLength, wants: () => true });
  return { ...part, entries: part.entries.toReversed() };
}

function isEnded({ parts }: JobLane): boolean {
  const last = parts.at(-1)?.is;
  return last !== undefined && isEnd(last);
}

/** The bars of jobs, from their entries in a part of the journal, oldest first. Pure. */
export function jobLanes(
  entries: readonly HistoryEntry[],
  part: { readonly from: number; readonly to: number },
): readonly JobLane[] {
  const lanes = new Map<string, Lane>();
  for (const entry of entries) {
    const lane = lanes.get(entry.id) ?? new Lane(entry, part.from);
    lanes.set(entry.id, lane);
    lane.add(entry);
  }
  return [...lanes].map(([id, lane]) => ({
    id,
    name: null,
    ending: lane.ending,
    parts: lane.until(part.to),
  }));
}

/** The bar of one job as it grows. */
class Lane {
  ending: JobLane['ending'] = null;
  readonly #parts: LanePart[] = [];
  #is: LaneState | null = null;
  #since: number;
  #seq: number | null = null;
  #due = 0;

  constructor({ from, q }: HistoryEntry, since: number) {
    // A job that was there before is in the state that its first entry leaves.
    this.#is = from === null || q === 0 ? null : laneState(from, false, null);
    this.#since = since;
  }

  add({ seq, at, to, gone, patch }: HistoryEntry): void {
    this.ending = endingOf(patch ?? {}) ?? this.ending;
    if (typeof patch?.beginAfter === 'number') this.#due = patch.beginAfter;
    this.#close(at);
    if (gone || to === null) this.#begin(null, at, null);
    else {
      const is = laneState(to, this.#due > at, this.ending);
      if (is !== this.#is) this.#begin(is, at, seq);
    }
  }

  until(at: number): readonly LanePart[] {
    this.#close(at);
    const isOver = this.#is !== null && isEnd(this.#is);
    // A job that is over stands at its end: a mark without length.
    if (isOver)
      this.#parts.push({ is: this.#is as LaneState, from: this.#since, to: this.#since, seq: this.#seq });
    else this.#part(at);
    return this.#parts;
  }

  /** Splits what is held from what waits, once it is due. */
  #close(at: number): void {
    if (this.#is !== 'held' || this.#due > at) return;
    const due = Math.max(this.#since, this.#due);
    const seq = this.#seq;
    this.#part(due);
    this.#begin('pending', due, seq);
  }

  #begin(is: LaneState | null, at: number, seq: number | null): void {
    this.#part(at);
    this.#is = is;
    this.#since = at;
    this.#seq = seq;
  }

  #part(to: number): void {
    if (this.#is === null || isEnd(this.#is) || to === this.#since) return;
    this.#parts.push({ is: this.#is, from: this.#since, to, seq: this.#seq });
    this.#since = to;
  }
}

const states: Readonly<Record<string, LaneState>> = {
  new: 'new',
  pending: 'pending',
  assigned: 'assigned',
  'active.running': 'running',
  'active.waiting': 'waiting',
  'active.timingOut': 'timingOut',
  'active.cancelling': 'cancelling',
  callbacks: 'callbacks',
};

/** How a leaf state of a job is drawn. */
export function laneState(state: string, isHeld: boolean, ending: JobLane['ending']): LaneState {
  if (state === 'completed')
    return ending === 'cancelled'
      ? 'cancelled'
      : ending !== null && isFailed(ending)
        ? 'failed'
        : 'succeeded';
  if (state === 'pending' && isHeld) return 'held';
  return states[state] ?? 'other';
}
