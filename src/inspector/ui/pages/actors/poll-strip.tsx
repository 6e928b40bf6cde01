import type { PollCell } from '../../../protocol/actors.ts';

const height = 26;
const base = 24;

/** One cell a poll: its height is what was claimed, red an error, a dashed hole one that was missed. */
export function PollStrip(props: {
  readonly cells: readonly PollCell[];
  /** From one cell to the next. */
  readonly pitch: number;
  /** How many cells it has room for; the newest is at the right. */
  readonly count: number;
  readonly picked?: string | null;
  readonly pick?: (cell: PollCell) => void;
}) {
  const { cells, pitch, count, picked = null, pick } = props;
  const width = count * pitch;
  const shown = cells.slice(-count);
  const most = Math.max(8, ...shown.map(({ claimed }) => claimed));
  const x = (index: number): number => width - (shown.length - index) * pitch;
  const bar = Math.min(pitch * 0.8, 8);
  const path = (kind: (cell: PollCell) => boolean): string =>
    shown.map((cell, index) => (kind(cell) ? barPath(x(index), bar, heightOf(cell, most)) : '')).join('');
  const at = shown.findIndex(({ key }) => key !== null && key === picked);
  return (
    <svg
      class="polls"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio={pick === undefined ? 'xMaxYMid meet' : 'none'}
      aria-hidden="true"
      onClick={(event) => {
        const { left, width: wide } = event.currentTarget.getBoundingClientRect();
        const index = Math.floor(((event.clientX - left) / wide) * count) - (count - shown.length);
        const cell = shown[index];
        if (cell !== undefined) pick?.(cell);
      }}
    >
      <path
        class="p-0"
        d={path(({ key, claimed, errors }) => key !== null && errors === 0 && claimed === 0)}
      />
      <path class="p-n" d={path(({ errors, claimed }) => errors === 0 && claimed > 0)} />
      <path class="p-err" d={path(({ errors }) => errors > 0)} />
      {holesOf(shown).map(({ from, length }) => (
        <rect
          key={from}
          class="p-late"
          x={x(from) + 0.5}
          y="3.5"
          width={Math.max(1, length * pitch - 1 - (pitch - bar))}
          height="20"
        />
      ))}
      <path class="p-base" d={`M0 25H${width}`} />
      {at >= 0 && <rect class="p-pick" x={x(at) - 1} y="0.75" width={bar + 2} height="24.5" />}
    </svg>
  );
}

function barPath(x: number, width: number, tall: number): string {
  return `M${round(x)} ${base}v${-tall}h${round(width)}v${tall}z`;
}

function heightOf({ claimed, errors }: PollCell, most: number): number {
  if (errors > 0) return 22;
  return claimed === 0 ? 1.5 : round(3 + (19 * claimed) / most);
}

/** Polls that were missed one after the other are one hole. */
function holesOf(cells: readonly PollCell[]): readonly { readonly from: number; readonly length: number }[] {
  const holes: { from: number; length: number }[] = [];
  for (const [index, { key }] of cells.entries()) {
    if (key !== null) continue;
    const last = holes.at(-1);
    if (last !== undefined && last.from + last.length === index) last.length += 1;
    else holes.push({ from: index, length: 1 });
  }
  return holes;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
