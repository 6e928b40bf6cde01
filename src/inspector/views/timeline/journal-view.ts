import { Shown } from '../../../reading/shown.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { JournalLine, JournalPage } from '../../protocol/timeline.ts';
import { journalFilter } from './journal-filter.ts';
import { journalLine } from './journal-line.ts';
import { Subjects } from './subjects.ts';
import { isDense, walkBack, walkOn } from './walk.ts';

/** A page of the journal that is asked for. */
export interface JournalRequest {
  /** Oldest first from this seq on. */
  readonly from: number | null;
  /** Newest first, from the entry before this seq; null with `from` null: from the newest on. */
  readonly before: number | null;
  readonly limit: number;
  readonly text: string;
}

/** A page of the journal: entries that pass a filter, in one direction from one place. */
export async function journalView(reader: StoreReader, request: JournalRequest): Promise<JournalPage> {
  const { from, before, limit } = request;
  const { seq: newest, at: newestAt } = await reader.position();
  const subjects = new Subjects(reader, await Shown.of(reader));
  const { wants, unknown } = journalFilter(request.text, subjects);
  const walk = { limit, wants };
  const walked =
    from === null
      ? await walkBack(reader, Math.min(before ?? newest + 1, newest + 1), walk)
      : await walkOn(reader, Math.max(from, reader.oldestSeq()), walk);
  const { entries, ...place } = walked;
  subjects.learn(entries);
  const lines: JournalLine[] = [];
  for (const entry of entries) lines.push(await journalLine(entry, subjects));
  const order = from === null ? 'newest' : 'oldest';
  const facts = { isDense: isDense(reader), keptFrom: reader.oldestSeq(), newest, newestAt, unknown };
  return { order, lines, ...place, ...facts };
}
