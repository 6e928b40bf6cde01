import { readFileSync } from 'node:fs';
import {
  agentMachine,
  describeMachine,
  dispatcherMachine,
  jobMachine,
  representationMachine,
  supervisorMachine,
} from 'signalbox/machines';
import { describe, expect, it } from 'vitest';
import { stationsOf } from '../../src/inspector/ui/chart/stations.ts';

interface Edge {
  readonly event: string;
  readonly guard: string | null;
  readonly source: string;
  readonly target: string | null;
  readonly points: readonly (readonly [number, number])[];
  readonly label: readonly [number, number];
  readonly anchor: 'mid' | 'start';
  readonly lamp: readonly [number, number] | null;
  readonly plate: readonly [number, number];
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
  readonly chart: string;
  readonly version: string;
  readonly width: number;
  readonly height: number;
  readonly chamfer: number;
  readonly namesGuards?: boolean;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
  readonly starts: [];
  readonly any: { readonly at: readonly [number, number]; readonly events: readonly string[] } | null;
}

const machines = [jobMachine, agentMachine, dispatcherMachine, representationMachine, supervisorMachine];

// The pictures are laid by hand: this test says when a chart has changed and its picture has not.
describe.each(machines.map((machine) => ({ machine, chart: machine.id })))(
  'The picture of the chart $chart',
  ({ machine, chart }) => {
    const file = new URL(`../../src/inspector/ui/chart/${chart}.layout.json`, import.meta.url);
    const layout = JSON.parse(readFileSync(file, 'utf8')) as Layout;
    const graph = describeMachine(machine);
    const boxOf = (state: string): Box =>
      layout.nodes.find((node) => node.state === state) ?? { x: -1, y: -1, w: 0, h: 0 };

    it('is of the version that runs', () => {
      expect([layout.chart, layout.version]).toEqual([graph.id, graph.version]);
    });

    it('shows every state, and no other', () => {
      const states = graph.nodes.map(({ path }) => path).filter((path) => path !== '');

      expect(layout.nodes.map(({ state }) => state).sort()).toEqual([...states].sort());
    });

    it('shows every way from state to state, with its guard', () => {
      const ways = graph.edges.filter(({ targetless }) => !targetless);

      expect(layout.edges.map(nameOf).sort()).toEqual(ways.map(nameOf).sort());
    });

    it('names every event that leaves no state, in the state that takes it', () => {
      const stays = graph.edges.filter(({ targetless }) => targetless);
      const drawn = [
        ...layout.nodes.flatMap(({ state, stays: events }) => events.map((event) => `${state} ${event}`)),
        ...(layout.any?.events ?? []).map((event) => ` ${event}`),
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
        // What any state does begins beside the words that say so.
        const begins = source === '' ? layout.any !== null : isOnEdge(boxOf(source), first);
        return !begins || !isOnEdge(boxOf(target ?? source), last);
      });

      expect(off.map(({ source, event }) => `${source} ${event}`)).toEqual([]);
    });

    it('leads no way through a box', () => {
      const through = layout.edges.flatMap((edge) =>
        layout.nodes
          .filter((node) => segmentsOf(edge).some((segment) => overlap(inner(node), segment)))
          .filter(({ state }) => ![edge.source, edge.target].some((end) => isWithin(state, end)))
          .map(({ state }) => `${nameOf(edge)} through ${state}`),
      );

      expect(through).toEqual([]);
    });

    it('turns its ways at right angles, with room to cut each corner', () => {
      const short = layout.edges.flatMap((edge) =>
        segmentsOf(edge)
          .filter(({ w, h }, index, all) => {
            const corners = (index > 0 ? 1 : 0) + (index < all.length - 1 ? 1 : 0);
            return (w > 0 && h > 0) || w + h < corners * layout.chamfer;
          })
          .map(() => nameOf(edge)),
      );

      expect(short).toEqual([]);
    });

    it('has no name of a way on a box', () => {
      const on = layout.edges.filter((edge) =>
        layout.nodes.some((node) => crossesEdge(node, labelOf(layout, edge))),
      );

      expect(on.map(nameOf)).toEqual([]);
    });

    it('has no name of a way on another name, on a track or on a count', () => {
      const texts = layout.edges.map((edge) => ({ name: nameOf(edge), box: labelOf(layout, edge) }));
      const on = texts.flatMap(({ name, box }, index) => [
        ...texts
          .slice(index + 1)
          .flatMap((other) => (overlap(box, other.box) ? [`${name} on ${other.name}`] : [])),
        ...layout.edges.flatMap((edge) => [
          ...(segmentsOf(edge).some((segment) => overlap(box, segment))
            ? [`${name} on the track ${nameOf(edge)}`]
            : []),
          ...(overlap(box, plateOf(edge)) ? [`${name} on the count of ${nameOf(edge)}`] : []),
        ]),
      ]);

      expect(on).toEqual([]);
    });

    it('has the count of a way on its track', () => {
      const off = layout.edges.filter(
        (edge) => !segmentsOf(edge).some((segment) => overlap(plateOf(edge), segment)),
      );

      expect(off.map(nameOf)).toEqual([]);
    });

    it('says the guard of each way, by a lamp or by its name', () => {
      const silent = layout.edges.filter(({ guard, lamp }) =>
        guard === null ? lamp !== null : lamp === null && layout.namesGuards !== true,
      );

      expect(silent.map(nameOf)).toEqual([]);
    });

    it('keeps inside its frame', () => {
      const boxes: readonly Box[] = [
        ...layout.nodes,
        ...layout.edges.flatMap((edge) => [labelOf(layout, edge), ...segmentsOf(edge)]),
      ];

      expect(
        boxes.filter(({ x, y, w, h }) => x < 0 || y < 0 || x + w > layout.width || y + h > layout.height),
      ).toEqual([]);
    });

    it('has an outline with every state, and every event in the state that takes it', () => {
      const stations = stationsOf(layout as never);
      const leaves = graph.nodes.filter(({ initial }) => initial === null).map(({ path }) => path);

      const has = ({ source, event, targetless, target }: (typeof graph.edges)[number]): boolean =>
        stations
          .filter(({ state }) => (source === '' ? state === '' : isWithin(state, source)))
          .every(({ ways, stays }) =>
            targetless
              ? stays.includes(event)
              : ways.some((way) => way.event === event && way.target === target),
          );
      expect(stations.map(({ state }) => state).filter((state) => state !== '')).toEqual(
        expect.arrayContaining(leaves),
      );
      expect(graph.edges.filter((edge) => !has(edge)).map(nameOf)).toEqual([]);
    });
  },
);

function nameOf({
  source,
  event,
  guard,
  target,
}: Pick<Edge, 'source' | 'event' | 'guard' | 'target'>): string {
  return `${source} -${event}[${guard}]-> ${target}`;
}

function isWithin(state: string, outer: string | null): boolean {
  return (
    outer !== null && (state === outer || outer.startsWith(`${state}.`) || state.startsWith(`${outer}.`))
  );
}

function labelOf({ chart, namesGuards }: Layout, { event, guard, label: [x, y], anchor }: Edge): Box {
  const name = event.startsWith(`${chart}.`) ? event.slice(chart.length + 1) : event;
  const text = namesGuards === true && guard !== null ? `${name} ${guard}` : name;
  const width = text.length * 6.4;
  return { x: anchor === 'mid' ? x - width / 2 : x, y: y - 8, w: width, h: 10 };
}

function segmentsOf({ points }: Edge): readonly Box[] {
  return points.slice(1).map(([x, y], index) => {
    const [fromX, fromY] = points[index] ?? [x, y];
    return { x: Math.min(x, fromX), y: Math.min(y, fromY), w: Math.abs(x - fromX), h: Math.abs(y - fromY) };
  });
}

function plateOf({ plate: [x, y] }: Edge): Box {
  return { x: x - 7.5, y: y - 7.5, w: 15, h: 15 };
}

function inner({ x, y, w, h }: Box): Box {
  return { x: x + 1, y: y + 1, w: w - 2, h: h - 2 };
}

type Box = Pick<Node, 'x' | 'y' | 'w' | 'h'>;

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
