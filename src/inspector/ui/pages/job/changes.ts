import type { ChangeView, HistoryLine } from '../../../protocol/job.ts';

/** Which entries a diff covers: the one that is selected, its attempt, or all up to it. */
export type DiffRange = 'entry' | 'attempt' | 'all';

/** The lines that a diff covers, oldest first. */
export function linesOf(
  lines: readonly HistoryLine[],
  selected: HistoryLine | null,
  range: DiffRange,
): readonly HistoryLine[] {
  const index = lines.findIndex(({ seq }) => seq === selected?.seq);
  if (index < 0) return [];
  if (range === 'all') return lines.slice(0, index + 1);
  if (range === 'entry') return lines.slice(index, index + 1);
  // An attempt begins where the job was put, or put back.
  const begin = lines.slice(0, index).findLastIndex(({ to, from }) => to === 'pending' && from !== 'pending');
  return lines.slice(begin + 1, index + 1);
}

/** What several entries changed together, one line a key. */
export function mergedChanges(lines: readonly HistoryLine[]): readonly ChangeView[] {
  const merged = new Map<string, ChangeView>();
  for (const change of lines.flatMap(({ changes }) => changes)) {
    const earlier = merged.get(change.key);
    merged.set(change.key, earlier === undefined ? change : { ...change, before: earlier.before });
  }
  return [...merged.values()].filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
}
