import type { SequenceMessage, SequenceView } from '../../protocol/timeline.ts';

/** Where the parts of a sequence lie, in pixels. */
export interface SequenceLayout {
  readonly width: number;
  readonly height: number;
  /** Of each lane. */
  readonly x: readonly number[];
  /** Of each row: the line of a message, or the middle of a fold. */
  readonly y: readonly number[];
  /** Where the page of rows begins and ends. */
  readonly left: number;
  readonly right: number;
}

const [left, right, head, foot] = [96, 60, 54, 32];
const [messageHeight, entryHeight, foldHeight] = [24, 30, 46];
const [narrowest, widest, letter] = [116, 260, 6.7];

/** Lays out a sequence: lanes as far apart as what is said between them is long. Pure. */
export function layoutOf(view: SequenceView): SequenceLayout {
  const x: number[] = [];
  for (const [lane] of view.lanes.entries())
    x.push(lane === 0 ? left + firstWidth(view) : (x[lane - 1] ?? 0) + widthBetween(view, lane - 1));
  const y: number[] = [];
  let at = head;
  for (const [index, row] of view.rows.entries()) {
    if (row.is === 'fold') at += index === 0 ? 0 : foldHeight;
    else if (index > 0)
      at += view.rows[index - 1]?.is === 'fold' ? foldHeight : row.isFirst ? entryHeight : messageHeight;
    y.push(at);
  }
  return {
    x,
    y,
    left,
    right: (x.at(-1) ?? left) + 70,
    width: (x.at(-1) ?? left) + 70 + right,
    height: at + foot + 12,
  };
}

/** The first lane: its name is centred. */
function firstWidth({ lanes }: SequenceView): number {
  return Math.max(46, ((lanes[0]?.title.length ?? 0) * 7.2) / 2 + 8);
}

/** The distance of a lane to the next one. */
function widthBetween({ rows, lanes }: SequenceView, lane: number): number {
  const said = rows.filter((row): row is SequenceMessage => row.is === 'message' && spans(row, lane));
  const names = ((lanes[lane]?.title.length ?? 0) + (lanes[lane + 1]?.title.length ?? 0)) * 3.6 + 20;
  const longest = Math.max(0, ...said.map(({ text }) => shortened(text).length * letter + 36));
  return Math.min(widest, Math.max(narrowest, longest, names));
}

/** Whether a message lies between a lane and the next one alone. */
function spans({ from, to }: SequenceMessage, lane: number): boolean {
  return Math.min(from, to) === lane && Math.max(from, to) === lane + 1;
}

/** `again in 5 s`: there is little room. */
export function shortened(text: string): string {
  return text.replace(/(\d) (millisecond|second|minute|hour|day)s?\b/g, (_, digit: string, unit: string) => {
    return `${digit} ${unit === 'millisecond' ? 'ms' : unit.slice(0, 1)}`;
  });
}
