import type { MachineGraph } from '../../../../machines/describe.ts';
import type { Count } from '../../protocol/answer.ts';
import type {
  EdgeHeat,
  MachineHeat,
  MachineRow,
  MachinesView,
  MachineView,
  StateHeat,
} from '../../protocol/machines.ts';
import type { Sight } from '../sight.ts';
import { liveGraphs, storedCharts } from './charts.ts';
import { pickedEdge } from './picked-edge.ts';
import { type Population, populations } from './population.ts';
import type { ChartTraffic } from './traffic.ts';
import { countTraffic, type RangeAsked } from './traffic-window.ts';

/** What is asked of one chart. */
export interface MachineAsked extends RangeAsked {
  /** An edge of it, as `edgeName` writes it; null: none. */
  readonly edge: string | null;
}

/** Every chart of the engine, with how many are where. */
export async function machinesView(sight: Sight, asked: RangeAsked): Promise<MachinesView> {
  const { view } = await readMachines(sight, asked);
  return view;
}

/** One chart as a heat map. Undefined: there is no chart of that name. */
export async function machineView(
  sight: Sight,
  name: string,
  { edge: picked, ...asked }: MachineAsked,
): Promise<MachineView | undefined> {
  const { view, heats, traffic } = await readMachines(sight, asked);
  const machine = heats.find((each) => each.name === name);
  if (machine === undefined) return undefined;
  const edge = machine.edges.find((each) => edgeName(each) === picked);
  return {
    ...view,
    machine,
    picked: edge === undefined ? null : await pickedEdge(sight.reader, name, edge, traffic),
  };
}

/** An edge as one word: `pending|job.claim||assigned`. */
export function edgeName({
  source,
  event,
  guard,
  target,
}: Pick<EdgeHeat, 'source' | 'event' | 'guard' | 'target'>): string {
  return [source, event, guard ?? '', target ?? ''].join('|');
}

async function readMachines(sight: Sight, asked: RangeAsked) {
  const { traffic, range } = await countTraffic(sight.reader, asked, sight.pause);
  const found = await populations(sight);
  const heats: readonly MachineHeat[] = [
    ...storedCharts.map(({ kind, graph }) => heatOf(graph, found.get(graph.id), traffic.of(kind))),
    ...liveGraphs.map((graph) => heatOf(graph, found.get(graph.id), null)),
  ];
  const view: MachinesView = { range, machines: heats.map(rowOf) };
  return { view, heats, traffic };
}

function rowOf({ states, edges, unknown, ...row }: MachineHeat): MachineRow {
  return row;
}

/** A chart with its figures. `traffic` null: the journal does not have it. Pure. */
export function heatOf(
  graph: MachineGraph,
  population: Population | undefined,
  traffic: ChartTraffic | null,
): MachineHeat {
  const edges = graph.edges.map((edge): EdgeHeat => {
    const { source, event, guard, target } = edge;
    return {
      source,
      event,
      guard,
      target,
      count: traffic === null ? null : (traffic.edges.get(edge)?.count ?? 0),
    };
  });
  const ways = edges.filter(({ target }) => target !== null);
  return {
    name: graph.id,
    version: graph.version,
    kind: traffic === null ? 'live' : 'stored',
    population: population === undefined ? null : sumOf([...population.states.values()]),
    traffic: traffic === null ? null : traffic.total,
    ways: ways.length,
    never: traffic === null ? null : ways.filter(({ count }) => count === 0).length,
    remark: population?.remark ?? null,
    states: statesOf(graph, population, traffic),
    edges,
    unknown: traffic?.unknown ?? [],
  };
}

function statesOf(
  { nodes }: MachineGraph,
  population: Population | undefined,
  traffic: ChartTraffic | null,
): readonly StateHeat[] {
  const paths = nodes.map(({ path }) => path).filter((path) => path !== '');
  const known = paths.map((state): StateHeat => {
    const inside = [...(population?.states ?? [])].filter(([each]) => each.startsWith(`${state}.`));
    const holdsOthers = paths.some((path) => path.startsWith(`${state}.`));
    const own = population?.states.get(state) ?? none;
    return {
      state,
      holdsOthers,
      isKnown: true,
      population: population === undefined ? null : sumOf([own, ...inside.map(([, count]) => count)]),
      dwell: traffic?.dwell.get(state) ?? null,
    };
  });
  const others = [...(population?.states ?? [])].filter(([state]) => !paths.includes(state));
  return [
    ...known,
    ...others.map(
      ([state, count]): StateHeat => ({
        state,
        holdsOthers: false,
        isKnown: false,
        population: count,
        dwell: traffic?.dwell.get(state) ?? null,
      }),
    ),
  ];
}

const none: Count = { n: 0, more: false };

function sumOf(counts: readonly Count[]): Count {
  return {
    n: counts.reduce((sum, { n }) => sum + n, 0),
    more: counts.some(({ more }) => more),
  };
}
