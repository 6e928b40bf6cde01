import type { HistoryEntry } from '../entry.ts';
import type { Log } from '../log.ts';

/**
 * Yields the entries of one subject, newest first: each names the seq of the one before it. Ends where
 * history was cut.
 */
export async function* historyOf(log: Log, lastSeq: number): AsyncGenerator<HistoryEntry> {
  for (let seq = lastSeq; seq > 0; ) {
    const line = await log.find(seq);
    const entry = line?.entries[seq - line.s];
    if (line === null || entry === undefined) return;
    yield { ...entry, seq, at: line.at, by: line.by };
    seq = entry.q;
  }
}
