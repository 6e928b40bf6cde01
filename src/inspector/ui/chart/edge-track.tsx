import type { Signal } from '@preact/signals';
import { type ChartLayout, type EdgeLayout, tipPath, trackPath, wayText } from './layout.ts';

/** What one job or actor makes of an edge. */
export interface EdgeLook {
  readonly key: string;
  readonly count: number;
  /** It belongs to the way to a bad end. */
  readonly isLast: boolean;
  /** Null: it does not leave the state of the job. */
  readonly next: 'open' | 'blocked' | null;
  /** What stops it. */
  readonly refusal: string | null;
}

/** One edge: its track, its tip, its guard as a lamp, and its name. */
export function EdgeTrack(props: {
  readonly edge: EdgeLayout;
  readonly look: EdgeLook;
  readonly layout: ChartLayout;
  readonly lit: Signal<string | null>;
}) {
  const { edge, look, layout, lit } = props;
  const { chamfer } = layout;
  const classes = `${classOf(look)}${lit.value === look.key ? ' lit' : ''}`;
  const isStrong = look.count > 0;
  const [x, y] = edge.label;
  return (
    <g
      class={classes}
      onPointerEnter={() => {
        lit.value = look.key;
      }}
      onPointerLeave={() => {
        lit.value = null;
      }}
    >
      <path class="wide" d={trackPath(edge.points, chamfer, 0)} />
      <path class="track" d={trackPath(edge.points, chamfer, 4)} />
      <path class="tip" d={tipPath(edge.points, isStrong ? 5.5 : 4.5)} />
      {look.next === 'blocked' && !isStrong && <path class="stop" d={stopPath(edge)} />}
      {edge.lamp !== null && <circle class="lamp" cx={edge.lamp[0]} cy={edge.lamp[1]} r="3.25" />}
      <text x={x} y={y} class={edge.anchor === 'mid' ? 'mid' : undefined}>
        {wayText(layout, edge)}
        {look.refusal !== null && isLong(edge) ? ` ${look.refusal}` : ''}
      </text>
    </g>
  );
}

function classOf({ count, isLast, next }: EdgeLook): string {
  return [
    'edge',
    count > 0 ? 'taken' : '',
    isLast ? 'last' : '',
    next === 'open' ? 'next' : next === 'blocked' ? 'blocked' : '',
  ]
    .filter((name) => name !== '')
    .join(' ');
}

/** Whether there is room beside its name for what stops it. */
function isLong({ points }: EdgeLayout): boolean {
  return points.length > 2 && Math.abs((points[1]?.[0] ?? 0) - (points[2]?.[0] ?? 0)) > 250;
}

/** A bar across the track, where its count would be. */
function stopPath({ plate: [x, y], points }: EdgeLayout): string {
  const lies = points.some((point, index) => point[1] === y && points[index + 1]?.[1] === y);
  return lies ? `M${x} ${y - 7}v14` : `M${x - 7} ${y}h14`;
}
