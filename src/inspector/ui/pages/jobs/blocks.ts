import type { JobRow, JobsPage } from '../../../protocol/jobs.ts';

/** A page of a list that was asked for once. Its rows are forgotten while it is far from what can be seen. */
export interface Block {
  /** The cursor with which it is asked for; null: it is the first one, which is always there. */
  readonly after: string | null;
  readonly rows: readonly JobRow[] | null;
  /** The queue of each of its rows. */
  readonly queues: readonly (string | null)[];
  /** The cursor of the page after it; null: it is the last. */
  readonly next: string | null;
  /** How many jobs were looked at for it. */
  readonly looked: number;
  /** Whether so many were looked at that it ended before it was full: a person says whether to look further. */
  readonly isCut: boolean;
}

/** A line of the table; its row is null while it is not at hand. */
export interface Slot {
  readonly row: JobRow | null;
  /** Its place in its own queue. */
  readonly place: number;
}

/** What can be seen: indexes of lines, the last one excluded. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Two pages are loaded ahead. */
const aheadRows = 400;
/** Rows are kept so far from what can be seen. */
const keptRows = 1000;

export function blockOf(
  after: string | null,
  { rows, next, looked, isCut }: Pick<JobsPage, 'rows' | 'next' | 'looked' | 'isCut'>,
): Block {
  return { after, rows, queues: rows.map(({ queue }) => queue), next, looked, isCut };
}

/** The lines of all blocks. A job that moved on to a later page while it was asked for stands where it came first. Pure. */
export function slotsOf(blocks: readonly Block[]): readonly Slot[] {
  const places = new Map<string | null, number>();
  const seen = new Set<string>();
  const slots: Slot[] = [];
  for (const { rows, queues } of blocks) {
    for (const [index, queue] of queues.entries()) {
      const row = rows?.[index] ?? null;
      if (row !== null && seen.has(row.id)) continue;
      if (row !== null) seen.add(row.id);
      const place = (places.get(queue) ?? 0) + 1;
      places.set(queue, place);
      slots.push({ row, place });
    }
  }
  return slots;
}

/** The block to ask for next, by its index, for what can be seen; null: all is there. `isWanted`: a person asked for more. Pure. */
export function missingBlock(blocks: readonly Block[], { from, to }: Range, isWanted = false): number | null {
  let start = 0;
  for (const [index, { rows, queues }] of blocks.entries()) {
    const end = start + queues.length;
    if (rows === null && start < to + aheadRows && end > from - aheadRows) return index;
    start = end;
  }
  const last = blocks.at(-1);
  if (last === undefined || last.next === null) return null;
  return isWanted || (!last.isCut && start < to + aheadRows) ? blocks.length : null;
}

/** The block in the middle of what can be seen, by its index. Pure. */
export function seenBlock(blocks: readonly Block[], { from, to }: Range): number {
  const middle = (from + to) / 2;
  let end = 0;
  const found = blocks.findIndex(({ queues }) => {
    end += queues.length;
    return middle < end;
  });
  return found < 0 ? blocks.length - 1 : found;
}

/** A block with the rows that it had, each with what is known of it now: rows that are pointed at do not move. Pure. */
export function inOrderOf(known: Block, newest: Block): Block {
  if (known.rows === null) return newest;
  const rows = new Map(newest.rows?.map((row) => [row.id, row]));
  return { ...known, rows: known.rows.map((row) => rows.get(row.id) ?? row) };
}

/** The cursor with which a block is asked for. Pure. */
export function cursorOf(blocks: readonly Block[], index: number): string | null {
  return blocks[index]?.after ?? blocks[index - 1]?.next ?? null;
}

/** The blocks with one that has come; the rows of those that are far away are forgotten. Pure. */
export function withBlock(
  blocks: readonly Block[],
  index: number,
  block: Block,
  { from, to }: Range,
): readonly Block[] {
  const all = [...blocks.slice(0, index), block, ...blocks.slice(index + 1)];
  let start = 0;
  return all.map((each, at) => {
    const end = start + each.queues.length;
    const isFar = end < from - keptRows || start > to + keptRows;
    start = end;
    return isFar && at > 0 && at !== index && each.rows !== null ? { ...each, rows: null } : each;
  });
}
