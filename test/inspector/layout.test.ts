import { readFileSync } from 'node:fs';
import { describeMachine, jobMachine } from 'signalbox/machines';
import { describe, expect, it } from 'vitest';

interface Edge {
  readonly event: string;
  readonly guard: string | null;
  readonly source: string;
  readonly target: string | null;
  readonly points: readonly (readonly [number, number])[];
  readonly label: readonly [number, number];
  readonly anchor: 'mid' | 'start';
}

interface Node {
  readonly state: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly stays: readonly string[];
}

interface Layout {
  readonly version: string;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
  readonly any: { readonly events: readonly string[] };
}

const file = new URL('../../src/inspector/ui/chart/job.layout.json', import.meta.url);
const layout = JSON.parse(readFileSync(file, 'utf8')) as Layout;
const graph = describeMachine(jobMachine);

// The picture is laid by hand: this test says when the chart has changed and the picture has not.
describe('The picture of the chart of jobs', () => {
  it('is of the version that steps jobs', () => {
    expect(layout.version).toBe(graph.version);
  });

  it('shows every state, and no other', () => {
    const states = graph.nodes.map(({ path }) => path).filter((path) => path !== '');

    expect(layout.nodes.map(({ state }) => state).sort()).toEqual([...states].sort());
  });

  it('shows every way from state to state, with its guard', () => {
    const name = ({ source, event, guard, target }: Omit<Edge, 'points' | 'label' | 'anchor'>): string =>
      `${source} -${event}[${guard}]-> ${target}`;
    const ways = graph.edges.filter(({ targetless }) => !targetless);

    expect(layout.edges.map(name).sort()).toEqual(ways.map(name).sort());
  });

  it('names every event that leaves no state, in the state that takes it', () => {
    const stays = graph.edges.filter(({ targetless }) => targetless);
    const drawn = [
      ...layout.nodes.flatMap(({ state, stays: events }) => events.map((event) => `${state} ${event}`)),
      ...layout.any.events.map((event) => ` ${event}`),
    ];

    expect(drawn.sort()).toEqual(stays.map(({ source, event }) => `${source} ${event}`).sort());
  });

  it('has no boxes that overlap, but those inside each other', () => {
    const overlapping = layout.nodes.flatMap((one, index) =>
      layout.nodes
        .slice(index + 1)
        .filter((other) => overlap(one, other) && !holds(one, other) && !holds(other, one))
        .map((other) => `${one.state} and ${other.state}`),
    );

    expect(overlapping).toEqual([]);
  });

  it('begins and ends every way on the edge of its box', () => {
    const off = layout.edges.filter(({ source, target, points }) => {
      const [first, last] = [points[0], points.at(-1)];
      return !isOnEdge(boxOf(source), first) || !isOnEdge(boxOf(target ?? source), last);
    });

    expect(off.map(({ source, event }) => `${source} ${event}`)).toEqual([]);
  });

  it('has no name of a way on a box', () => {
    const on = layout.edges.filter(({ event, label: [x, y], anchor }) => {
      const width = event.replace(/^job\./, '').length * 6.4;
      const text = { x: anchor === 'mid' ? x - width / 2 : x, y: y - 9, w: width, h: 11 };
      return layout.nodes.some((node) => crossesEdge(node, text));
    });

    expect(on.map(({ source, event }) => `${source} ${event}`)).toEqual([]);
  });

  it('keeps inside its frame', () => {
    const points = layout.edges.flatMap((edge) => edge.points);

    expect(points.filter(([x, y]) => x < 0 || y < 0 || x > layout.width || y > layout.height)).toEqual([]);
  });
});

type Box = Pick<Node, 'x' | 'y' | 'w' | 'h'>;

function boxOf(state: string): Box {
  return layout.nodes.find((node) => node.state === state) ?? { x: -1, y: -1, w: 0, h: 0 };
}

function overlap(one: Box, other: Box): boolean {
  return (
    one.x < other.x + other.w &&
    other.x < one.x + one.w &&
    one.y < other.y + other.h &&
    other.y < one.y + one.h
  );
}

function holds(outer: Box, inner: Box): boolean {
  return (
    outer.x < inner.x &&
    outer.y < inner.y &&
    outer.x + outer.w > inner.x + inner.w &&
    outer.y + outer.h > inner.y + inner.h
  );
}

/** Text may be inside a box that holds others; it may not cross the line of one. */
function crossesEdge(box: Box, text: Box): boolean {
  return overlap(box, text) && !holds(box, text);
}

function isOnEdge({ x, y, w, h }: Box, point: readonly [number, number] | undefined): boolean {
  if (point === undefined) return false;
  const [px, py] = point;
  const isWithin = px >= x && px <= x + w && py >= y && py <= y + h;
  return isWithin && (px === x || px === x + w || py === y || py === y + h);
}
