import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';

/** How many entries one question looks at, at most. */
const mostLooked = 20_000;

/** How many entries are read at a time on the way back: at first, and at most. */
const [smallestWindow, largestWindow] = [128, 2048];
/** By how much a window becomes longer or shorter at once, where there are far fewer or far more entries in it than seqs. */
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

/** A walk: as far as `limit` entries are found, or enough were looked at. */
export interface Walk {
  readonly limit: number;
  readonly look?: number;
  readonly wants: (entry: HistoryEntry) => Wanted | Promise<Wanted>;
}

/**
 * Walks back from the entry before a seq, in windows of seqs: no page reads more than it shows, but for what a filter passes over.
 * Where seqs have gaps, a window is as long as the one before it has shown that it takes.
 */
export async function walkBack(reader: StoreReader, before: number, walk: Walk): Promise<Walked> {
  const { limit, wants, look = mostLooked } = walk;
  const oldest = reader.oldestSeq();
  const found: HistoryEntry[] = [];
  let [from, looked, size, spread] = [before, 0, Math.max(limit, smallestWindow), 1];
  const ended = (isCut: boolean): Walked => ({
    entries: found,
    from,
    to: before - 1,
    looked,
    next: from > oldest ? from : null,
    isCut: isCut && from > oldest,
  });
  while (from > oldest && looked < look) {
    const most = Math.min(size, largestWindow, look - looked);
    const start = Math.max(oldest, from - Math.ceil(most * spread));
    const entries = await entriesIn(reader, start, from, 2 * most);
    if (entries.length === 2 * most) {
      spread = Math.max(1, (from - start) / most / mostSpread);
      continue;
    }
    spread = Math.max(1, Math.min(mostSpread * spread, (from - start) / Math.max(1, entries.length)));
    for (const entry of entries.reverse()) {
      const wanted = looked < look ? await wants(entry) : null;
      if (wanted === null) return ended(true);
      looked += 1;
      from = entry.seq;
      if (wanted && found.push(entry) >= limit) return ended(false);
    }
    from = start;
    size = 2 * most;
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
