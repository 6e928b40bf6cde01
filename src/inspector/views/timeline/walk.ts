import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';

/** How many entries one question looks at, at most. */
const mostLooked = 20_000;

/** How many entries are read at a time on the way back, at least and at most. */
const [smallestWindow, largestWindow] = [128, 2048];

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

/** A walk: as far as `limit` entries are found, or enough were looked at. */
export interface Walk {
  readonly limit: number;
  readonly look?: number;
  readonly wants: (entry: HistoryEntry) => Wanted | Promise<Wanted>;
}

/** Walks back from the entry before a seq, in windows of seqs: no page reads more than it shows, but for what a filter passes over. */
export async function walkBack(reader: StoreReader, before: number, walk: Walk): Promise<Walked> {
  const { limit, wants, look = mostLooked } = walk;
  const oldest = reader.oldestSeq();
  const last = Math.max(oldest, before - look);
  const found: HistoryEntry[] = [];
  let [from, looked, size] = [before, 0, Math.max(limit, smallestWindow)];
  const ended = (isCut: boolean): Walked => ({
    entries: found,
    from,
    to: before - 1,
    looked,
    next: from > oldest ? from : null,
    isCut: isCut && from > oldest,
  });
  while (from > last) {
    const start = Math.max(last, from - size);
    for (const entry of (await entriesIn(reader, start, from)).reverse()) {
      const wanted = await wants(entry);
      if (wanted === null) return ended(true);
      looked += 1;
      from = entry.seq;
      if (wanted && found.push(entry) >= limit) return ended(false);
    }
    from = start;
    size = Math.min(2 * size, largestWindow);
  }
  return ended(true);
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

/** The entries from a seq to before another. */
export async function entriesIn(reader: StoreReader, from: number, to: number): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.entries(from)) {
    if (entry.seq >= to) break;
    entries.push(entry);
  }
  return entries;
}
