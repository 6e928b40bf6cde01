import type { EdgeName } from '../../protocol/job.ts';
import job from './job.layout.json' with { type: 'json' };

export type Point = readonly [x: number, y: number];

/** Where a chart is drawn. It is laid by hand: the charts of the engine change seldom, and a test says when one did. */
export interface ChartLayout {
  readonly chart: string;
  readonly version: string;
  readonly width: number;
  readonly height: number;
  /** How much of a corner is cut. */
  readonly chamfer: number;
  readonly nodes: readonly NodeLayout[];
  readonly edges: readonly EdgeLayout[];
  readonly starts: readonly { readonly dot: Point; readonly r: number; readonly tip: Point }[];
  /** Whether the name of a way says its guard: where ways of one event differ in nothing else. */
  readonly namesGuards?: boolean;
  /** Events that every state takes: those that leave it are edges from `''`. Null: there are none. */
  readonly any: { readonly at: Point; readonly events: readonly string[] } | null;
}

export interface NodeLayout {
  readonly state: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  /** Events that it takes without leaving it. */
  readonly stays: readonly string[];
  /** Where these are written when the node holds others; else below its name. */
  readonly staysAt?: Point;
}

export interface EdgeLayout extends EdgeName {
  readonly points: readonly Point[];
  readonly label: Point;
  readonly anchor: 'mid' | 'start';
  /** Where its guard is; null: it has none. */
  readonly lamp: Point | null;
  /** Where its count is. */
  readonly plate: Point;
}

/** The chart of jobs. */
export const jobLayout = job as unknown as ChartLayout;

/** What stands beside a way: its event without the noun of the chart, and its guard where the picture names it. */
export function wayText(layout: ChartLayout, { event, guard }: EdgeName): string {
  const name = shortEvent(layout, event);
  return layout.namesGuards === true && guard !== null ? `${name} ${guard}` : name;
}

/** An event of a chart without its noun: `put` for `job.put`, as it is clear whose event it is. */
export function shortEvent({ chart }: Pick<ChartLayout, 'chart'>, event: string): string {
  return event.startsWith(`${chart}.`) ? event.slice(chart.length + 1) : event;
}

/** A track with its corners cut, which ends `short` before its last point. */
export function trackPath(points: readonly Point[], chamfer: number, short: number): string {
  const last = points.length - 1;
  const parts = points.map((point, index) => {
    const before = points[index - 1];
    const next = points[index + 1];
    if (before === undefined) return `M${text(point)}`;
    if (next === undefined) return `L${text(index === last ? toward(point, before, short) : point)}`;
    return `L${text(toward(point, before, chamfer))}L${text(toward(point, next, chamfer))}`;
  });
  return parts.join('');
}

/** The tip of an arrow at the end of a track. */
export function tipPath(points: readonly Point[], size: number): string {
  const end = points.at(-1) ?? [0, 0];
  const before = points.at(-2) ?? end;
  const [dx, dy] = [Math.sign(end[0] - before[0]), Math.sign(end[1] - before[1])];
  const back: Point = [-dx * size * 1.75 - dy * size, -dy * size * 1.75 - dx * size];
  const across: Point = [dy * size * 2, dx * size * 2];
  return `M${text(end)}l${text(back)}l${text(across)}z`;
}

function toward(from: Point, to: Point, by: number): Point {
  return [from[0] + Math.sign(to[0] - from[0]) * by, from[1] + Math.sign(to[1] - from[1]) * by];
}

function text([x, y]: Point): string {
  return `${round(x)} ${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
