import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';

/** How many entries one question looks at, at most. */
export const mostLooked = 20_000;

/** How many entries are read at a time on the way back: at first, and at most. */
const [smallestWindow, largestWindow] = [128, 2048];
/** By how much a window becomes longer at once, where there are far fewer entries in it than seqs. */
const mostSpread = 64;

/** What is wanted of an entry: true, false, or null: the walk ends before it. */
export type Wanted = boolean | null;

/** What a walk through the journal has found. */
export interface Walked {
  /** In the order of the walk. */
  readonly entries: readonly HistoryEntry[];
  /** It looked at all entries from one seq to another, both included. */
  readonly from: number;
  readonly to: number;
  readonly looked: number;
  /** Where another walk goes on; null: there is nothing more. */
  readonly next: number | null;
  /** Whether it ended although fewer than wanted were found, and there are more to look at. */
  readonly isCut: boolean;
}

/**
 * Whether seqs have no gaps, so that the distance of two is a number of entries. A store that processes share gives out numbers
 * that are not used.
 */
export function isDense({ exclusive }: Pick<StoreReader, 'exclusive'>): boolean {
  return exclusive;
}

/** A walk: as far as `limit` entries are found, or enough were looked at. */
export interface Walk {
  readonly limit: number;
  readonly look?: number;
  readonly wants: (entry: HistoryEntry) => Wanted | Promise<Wanted>;
}

/** Walks back from the entry before a seq: no page reads more than it shows, but for what a filter passes over. */
export async function walkBack(reader: StoreReader, before: number, walk: Walk): Promise<Walked> {
  const { limit, wants, look = mostLooked } = walk;
  const oldest = reader.oldestSeq();
  const found: HistoryEntry[] = [];
  let [from, looked] = [before, 0];
  const ended = (isCut: boolean): Walked => ({
    entries: found,
    from,
    to: before - 1,
    looked,
    next: from > oldest ? from : null,
    isCut: isCut && from > oldest,
  });
  const size = Math.max(limit, smallestWindow);
  for await (const { start, entries } of windowsBefore(reader, before, { oldest, size, look })) {
    for (const entry of entries) {
      const wanted = looked < look ? await wants(entry) : null;
      if (wanted === null) return ended(true);
      looked += 1;
      from = entry.seq;
      if (wanted && found.push(entry) >= limit) return ended(false);
    }
    from = start;
  }
  return ended(true);
}

interface Windows {
  readonly oldest: number;
  /** How many entries are looked for in the first window, and in all. */
  readonly size: number;
  readonly look: number;
}

/**
 * The entries before a seq, newest first, by windows of seqs: each holds twice as many entries as the one before it. Where seqs have
 * gaps it is as long as that one has shown that it takes.
 */
async function* windowsBefore(
  reader: StoreReader,
  before: number,
  { oldest, size, look }: Windows,
): AsyncGenerator<{ readonly start: number; readonly entries: readonly HistoryEntry[] }> {
  // The begin of a window that held too much: the next one goes half as far at most.
  let full = Number.NEGATIVE_INFINITY;
  let [from, read, wanted, spread] = [before, 0, size, 1];
  while (from > oldest && read < look) {
    const most = Math.min(wanted, largestWindow, look - read);
    const wide = Math.max(from - Math.ceil(most * spread), from - Math.ceil((from - full) / 2));
    const start = Math.max(oldest, Math.min(from - most, wide));
    const entries = await entriesIn(reader, start, from, 2 * most);
    if (entries.length === 2 * most) {
      full = start;
      continue;
    }
    yield { start, entries: entries.reverse() };
    spread = Math.max(1, Math.min(mostSpread * spread, (from - start) / Math.max(1, entries.length)));
    from = start;
    read += entries.length;
    wanted = 2 * most;
    if (from <= full) full = Number.NEGATIVE_INFINITY;
  }
}

/** Walks on from a seq. */
export async function walkOn(reader: StoreReader, from: number, walk: Walk): Promise<Walked> {
  const { limit, wants, look = mostLooked } = walk;
  const found: HistoryEntry[] = [];
  let [to, looked] = [from - 1, 0];
  const ended = (next: number | null, isCut: boolean): Walked => ({
    entries: found,
    from,
    to,
    looked,
    next,
    isCut,
  });
  for await (const entry of reader.entries(from)) {
    if (found.length >= limit) return ended(entry.seq, false);
    const wanted = looked < look ? await wants(entry) : null;
    if (wanted === null) return ended(entry.seq, true);
    looked += 1;
    to = entry.seq;
    if (wanted) found.push(entry);
  }
  return ended(null, false);
}

/** The entries from a seq to before another: the first `most` of them. */
export async function entriesIn(
  reader: StoreReader,
  from: number,
  to: number,
  most = Number.POSITIVE_INFINITY,
): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.entries(from)) {
    if (entry.seq >= to || entries.push(entry) >= most) break;
  }
  return entries;
}
