import type { JournalLine, JournalPage } from '../../../protocol/timeline.ts';

/** Lines that were read without a hole: of all entries from one seq to another those that pass the filter. */
export interface Stretch {
  /** Newest first. */
  readonly lines: readonly JournalLine[];
  readonly from: number;
  readonly to: number;
}

/** What is known of the journal. */
export interface Log {
  /** Newest first; between two of them lie entries that were not read. */
  readonly stretches: readonly Stretch[];
  /** Ask for the lines before this seq; null: there are none. */
  readonly next: number | null;
}

/** One row of the log. */
export type LogRow =
  | { readonly is: 'line'; readonly line: JournalLine; readonly afterMs: number | null }
  /** Entries that were not read. */
  | { readonly is: 'gap'; readonly before: number; readonly entries: number };

export const emptyLog: Log = { stretches: [], next: null };

/** Lines that are kept; older ones are asked for again. */
const mostLines = 100_000;

/** Adds the newest page. What came between it and what is known stays a gap. Pure. */
export function withNewest(log: Log, page: JournalPage): Log {
  const [top, ...rest] = log.stretches;
  if (top === undefined) return { stretches: [stretchOf(page)], next: page.next };
  if (page.to <= top.to) return log;
  const stretches =
    page.from <= top.to + 1 ? [joined(stretchOf(page), top), ...rest] : [stretchOf(page), ...log.stretches];
  return bounded({ ...log, stretches });
}

/** Adds the page before a seq: at the end, or into the gap under the stretch that begins there. Pure. */
export function withBefore(log: Log, before: number, page: JournalPage): Log {
  const index = log.stretches.findIndex(({ from }) => from === before);
  const upper = log.stretches[index];
  if (upper === undefined) return log;
  const grown = joined(upper, stretchOf(page));
  const lower = log.stretches[index + 1];
  const isLast = lower === undefined;
  const meets = lower !== undefined && grown.from <= lower.to + 1;
  return bounded({
    stretches: log.stretches.toSpliced(index, meets ? 2 : 1, meets ? joined(grown, lower) : grown),
    next: isLast ? page.next : log.next,
  });
}

/** Adds a page that lies apart from all that is known, at the end. Pure. */
export function withApart(log: Log, page: JournalPage): Log {
  const last = log.stretches.at(-1);
  if (last === undefined || page.to >= last.from) return log;
  if (page.to === last.from - 1) return withBefore(log, last.from, page);
  return bounded({ stretches: [...log.stretches, stretchOf(page)], next: page.next });
}

/** Whether an entry is among those that were looked at. */
export function covers({ stretches }: Log, seq: number): boolean {
  return stretches.some(({ from, to }) => from <= seq && seq <= to);
}

/** The first gap: between which seqs, and how many entries. Null: there is none. */
export function firstGap(log: Log): { readonly before: number; readonly entries: number } | null {
  const [top, second] = log.stretches;
  return top === undefined || second === undefined
    ? null
    : { before: top.from, entries: top.from - second.to - 1 };
}

/** The rows up to a seq; later ones wait. `until` null: all. Pure. */
export function rowsOf({ stretches }: Log, until: number | null): readonly LogRow[] {
  const rows: LogRow[] = [];
  for (const [index, stretch] of stretches.entries()) {
    if (until !== null && stretch.from > until) continue;
    const above = stretches[index - 1];
    if (above !== undefined && rows.length > 0)
      rows.push({ is: 'gap', before: above.from, entries: above.from - stretch.to - 1 });
    for (const [at, line] of stretch.lines.entries()) {
      if (until !== null && line.seq > until) continue;
      const older = stretch.lines[at + 1];
      rows.push({ is: 'line', line, afterMs: older === undefined ? null : line.at - older.at });
    }
  }
  return rows;
}

/** How many lines are newer than a seq, and whether some between were not read. */
export function newerThan({ stretches }: Log, seq: number): { readonly n: number; readonly more: boolean } {
  let n = 0;
  for (const { lines } of stretches) {
    const end = lines.findIndex((line) => line.seq <= seq);
    n += end < 0 ? lines.length : end;
    if (end >= 0) break;
  }
  return { n, more: stretches.some(({ from }) => from > seq + 1) };
}

function stretchOf({ lines, from, to }: JournalPage): Stretch {
  return { lines, from, to };
}

/** Two stretches that meet or overlap. */
function joined(upper: Stretch, lower: Stretch): Stretch {
  const { to } = lower;
  const newer = upper.lines.filter(({ seq }) => seq > to);
  return {
    lines: [...newer, ...lower.lines],
    from: Math.min(upper.from, lower.from),
    to: Math.max(upper.to, to),
  };
}

function bounded(log: Log): Log {
  let count = 0;
  const kept: Stretch[] = [];
  for (const stretch of log.stretches) {
    const room = mostLines - count;
    if (room <= 0) break;
    count += stretch.lines.length;
    if (stretch.lines.length <= room) kept.push(stretch);
    else {
      const lines = stretch.lines.slice(0, room);
      kept.push({ ...stretch, lines, from: lines.at(-1)?.seq ?? stretch.from });
    }
  }
  const last = kept.at(-1);
  const isWhole = kept.length === log.stretches.length && last?.from === log.stretches.at(-1)?.from;
  return { stretches: kept, next: isWhole ? log.next : (last?.from ?? null) };
}
