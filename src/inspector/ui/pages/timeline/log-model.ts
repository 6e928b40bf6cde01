import type { JournalLine, JournalPage } from '../../../protocol/timeline.ts';

/** Lines that were read without a hole: of all entries from one seq to another those that pass the filter. */
interface Stretch {
  /** Newest first, in pieces as they were read: so nothing is copied when a hundred thousand grow by a page. */
  readonly pieces: readonly (readonly JournalLine[])[];
  readonly from: number;
  readonly to: number;
}

/** What is known of the journal. */
export interface Log {
  /** Newest first; between two of them lie entries that were not read. */
  readonly stretches: readonly Stretch[];
  /** Ask for the lines before this seq; null: there are none. */
  readonly next: number | null;
  /** Whether the distance of two seqs is a number of entries. */
  readonly isDense: boolean;
}

/** One row of the log. */
export type LogRow =
  | { readonly is: 'line'; readonly line: JournalLine; readonly afterMs: number | null }
  /** Entries that were not read; `entries` null: not known how many. */
  | ({ readonly is: 'gap' } & Gap);

/** What lies before a seq and was not read. */
interface Gap {
  readonly before: number;
  readonly entries: number | null;
}

/** The rows of a log, each made when it is asked for. */
export interface LogRows {
  readonly length: number;
  /** How many entries lie in gaps; null: not known. */
  readonly missing: number | null;
  at(index: number): LogRow | undefined;
  /** The row of the newest line that is not after a seq; -1: there is none. */
  placeOf(seq: number): number;
}

export const emptyLog: Log = { stretches: [], next: null, isDense: true };

/** Lines that are kept; older ones are asked for again. */
const mostLines = 100_000;
/** Pieces that are shorter are joined with the next one that comes. */
const smallPiece = 500;

/** Adds the newest page. What came between it and what is known stays a gap. Pure. */
export function withNewest(log: Log, page: JournalPage): Log {
  const [top, ...rest] = log.stretches;
  const { next, isDense } = page;
  if (top === undefined) return { stretches: [stretchOf(page)], next, isDense };
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
  const meets = lower !== undefined && grown.from <= lower.to + 1;
  return bounded({
    ...log,
    stretches: log.stretches.toSpliced(index, meets ? 2 : 1, meets ? joined(grown, lower) : grown),
    next: lower === undefined ? page.next : log.next,
  });
}

/** Adds a page that lies apart from all that is known, at the end. Pure. */
export function withApart(log: Log, page: JournalPage): Log {
  const last = log.stretches.at(-1);
  if (last === undefined || page.to >= last.from) return log;
  if (page.to === last.from - 1) return withBefore(log, last.from, page);
  return bounded({ ...log, stretches: [...log.stretches, stretchOf(page)], next: page.next });
}

/** Whether an entry is among those that were looked at. */
export function covers({ stretches }: Log, seq: number): boolean {
  return stretches.some(({ from, to }) => from <= seq && seq <= to);
}

/** The first gap; null: there is none. */
export function firstGap({ stretches: [top, second], isDense }: Log): Gap | null {
  return top === undefined || second === undefined ? null : gapBetween(top, second, isDense);
}

function gapBetween({ from }: Stretch, { to }: Stretch, isDense: boolean): Gap {
  return { before: from, entries: isDense ? from - to - 1 : null };
}

/** The newest line that is known. */
export function newestOf({ stretches }: Log): number {
  for (const { pieces } of stretches) for (const [line] of pieces) if (line !== undefined) return line.seq;
  return 0;
}

/** How many lines are newer than a seq, and whether some between were not read. */
export function newerThan({ stretches }: Log, seq: number): { readonly n: number; readonly more: boolean } {
  let n = 0;
  for (const { pieces } of stretches) for (const piece of pieces) n += countAfter(piece, seq);
  return { n, more: stretches.some(({ from }) => from > seq + 1) };
}

/** Lines of a piece, or a gap, with the row at which they begin. */
type Segment =
  | {
      readonly start: number;
      readonly lines: readonly JournalLine[];
      /** How many of them are left out at the begin. */
      readonly skip: number;
      /** The line after the last one. */
      readonly older: JournalLine | undefined;
    }
  | { readonly start: number; readonly gap: LogRow & { readonly is: 'gap' } };

/** The rows up to a seq; later ones wait. `until` null: all. Pure. */
export function rowsOf(log: Log, until: number | null): LogRows {
  const segments: Segment[] = [];
  let length = 0;
  let missing: number | null = 0;
  for (const [index, stretch] of log.stretches.entries()) {
    const { pieces, from } = stretch;
    if (until !== null && from > until) continue;
    const above = log.stretches[index - 1];
    if (above !== undefined && length > 0) {
      const gap = gapBetween(above, stretch, log.isDense);
      segments.push({ start: length, gap: { is: 'gap', ...gap } });
      length += 1;
      missing = missing === null || gap.entries === null ? null : missing + gap.entries;
    }
    for (const [at, lines] of pieces.entries()) {
      const skip = until === null ? 0 : countAfter(lines, until);
      if (skip === lines.length) continue;
      segments.push({ start: length, lines, skip, older: pieces[at + 1]?.[0] });
      length += lines.length - skip;
    }
  }
  return {
    length,
    missing,
    at: (index) => (index < 0 || index >= length ? undefined : rowAt(segments, index)),
    placeOf(seq) {
      for (const segment of segments) {
        if ('gap' in segment) continue;
        const { lines, start, skip } = segment;
        if ((lines.at(-1)?.seq ?? 0) <= seq) return start + Math.max(skip, countAfter(lines, seq)) - skip;
      }
      return -1;
    },
  };
}

function rowAt(segments: readonly Segment[], index: number): LogRow | undefined {
  let [low, high] = [0, segments.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((segments[middle]?.start ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  const segment = segments[low];
  if (segment === undefined || 'gap' in segment) return segment?.gap;
  const place = index - segment.start + segment.skip;
  const line = segment.lines[place];
  if (line === undefined) return undefined;
  const older = segment.lines[place + 1] ?? segment.older;
  return { is: 'line', line, afterMs: older === undefined ? null : line.at - older.at };
}

/** How many lines of a piece are newer than a seq: they are its first ones. */
function countAfter(lines: readonly JournalLine[], seq: number): number {
  if ((lines.at(-1)?.seq ?? 0) > seq) return lines.length;
  const end = lines.findIndex((line) => line.seq <= seq);
  return end < 0 ? lines.length : end;
}

function stretchOf({ lines, from, to }: JournalPage): Stretch {
  return { pieces: lines.length === 0 ? [] : [lines], from, to };
}

/** Two stretches that meet or overlap. */
function joined(upper: Stretch, lower: Stretch): Stretch {
  const newer = upper.pieces.flatMap((piece) => {
    const kept = countAfter(piece, lower.to);
    return kept === 0 ? [] : [kept === piece.length ? piece : piece.slice(0, kept)];
  });
  const [last, first] = [newer.at(-1), lower.pieces[0]];
  const isSmall = last !== undefined && first !== undefined && last.length + first.length <= smallPiece;
  const pieces = isSmall
    ? [...newer.slice(0, -1), [...last, ...first], ...lower.pieces.slice(1)]
    : [...newer, ...lower.pieces];
  return { pieces, from: Math.min(upper.from, lower.from), to: Math.max(upper.to, lower.to) };
}

function bounded(log: Log): Log {
  let room = mostLines;
  const kept: Stretch[] = [];
  for (const stretch of log.stretches) {
    const pieces: (readonly JournalLine[])[] = [];
    for (const piece of stretch.pieces) {
      if (piece.length > room) {
        pieces.push(piece.slice(0, room));
        const from = pieces.at(-1)?.at(-1)?.seq ?? pieces.at(-2)?.at(-1)?.seq ?? stretch.to;
        return { ...log, stretches: [...kept, { ...stretch, pieces, from }], next: from };
      }
      room -= piece.length;
      pieces.push(piece);
    }
    kept.push(stretch);
  }
  return log;
}
