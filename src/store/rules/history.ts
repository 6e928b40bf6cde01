import { entriesOf, type HistoryEntry, type Kind } from '../entry.ts';
import type { Log } from '../log.ts';

/**
 * Yields the entries of one subject from one of them on, newest first: each names the seq of the one before it. Ends where
 * history was cut.
 */
export async function* historyOf(
  log: Pick<Log, 'find'>,
  kind: Kind,
  id: string,
  from: number,
): AsyncGenerator<HistoryEntry> {
  for (let seq = from; seq > 0; ) {
    const line = await log.find(seq);
    const [entry] = line === null ? [] : entriesOf(line, seq);
    if (entry?.seq !== seq || entry.kind !== kind || entry.id !== id) return;
    yield entry;
    seq = entry.q;
  }
}
