import type { Ending } from '../../../../machines/job.context.ts';
import type { Json } from '../../../../machines/json.ts';
import type { ShownJob } from '../../../reading/shown.ts';
import type { HistoryEntry, Patch } from '../../../store/entry.ts';
import type { HistoryLine, HistoryView } from '../../protocol/job.ts';
import { changesOf, emptyJob, patched } from './diff.ts';
import { noteOf } from './notes.ts';

/** What a history is made of. */
export interface HistoryOf {
  /** All entries that are kept or read, oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** Whether there are older ones that were not read. */
  readonly isPartial: boolean;
  readonly keptFrom: number;
  readonly shown: ShownJob;
  readonly edges: ReadonlyMap<number, number>;
}

/** One page of the history of a job: its newest `limit` lines, or those before a seq. Pure. */
export function historyView(of: HistoryOf, limit: number, before?: number): HistoryView {
  const { entries, isPartial, keptFrom } = of;
  const lines = linesOf(of);
  const end = before === undefined ? lines.length : lines.findIndex(({ seq }) => seq >= before);
  const until = end < 0 ? lines.length : end;
  const page = lines.slice(Math.max(0, until - limit), until);
  const [first] = page;
  return {
    count: entries.length,
    lines: page,
    before: first === undefined || first.seq === lines[0]?.seq ? null : first.seq,
    isCut: isPartial || (entries[0]?.q ?? 0) > 0,
    keptFrom,
  };
}

function linesOf({ entries, shown, edges }: HistoryOf): readonly HistoryLine[] {
  const lines: HistoryLine[] = [];
  let values: Readonly<Record<string, Json>> = emptyJob();
  for (const [index, entry] of entries.entries()) {
    const patch: Patch = shown.patch(entry.patch ?? {});
    const previous = entries[index - 1];
    const { seq, at, event, by, from, to } = entry;
    const note = noteOf({ ...entry, patch }, values);
    lines.push({
      seq,
      at,
      afterMs: previous === undefined ? null : at - previous.at,
      event,
      ...authorOf(by),
      from,
      to,
      ending: endingOf(patch),
      note: note === null ? null : shown.text(note),
      edge: edges.get(seq) ?? null,
      changes: changesOf(values, patch, shown.hidden ?? 'redacted'),
    });
    values = patched(values, patch);
  }
  return lines;
}

export function endingOf({ ending }: Patch): Ending | null {
  return typeof ending === 'string' ? (ending as Ending) : null;
}

/** `client#3`: who, and in which opening of the store. */
export function authorOf(by: string): Pick<HistoryLine, 'by' | 'epoch'> {
  const at = by.lastIndexOf('#');
  return at < 0 ? { by, epoch: null } : { by: by.slice(0, at), epoch: Number(by.slice(at + 1)) };
}
