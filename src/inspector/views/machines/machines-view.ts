import type { MachineGraph } from '../../../../machines/describe.ts';
import { jobGraph, representationGraph } from '../../../reading/chart-edges.ts';
import type { Count } from '../../protocol/answer.ts';
import type {
  EdgeHeat,
  MachineHeat,
  MachineRow,
  MachinesView,
  MachineView,
  StateHeat,
} from '../../protocol/machines.ts';
import type { ActorSource } from '../actors/actor-source.ts';
import type { Sight } from '../sight.ts';
import { liveGraphs, storedCharts } from './charts.ts';
import { type Figures, figuresOf, liveFigures } from './figures.ts';
import { pickedEdge } from './picked-edge.ts';
import { ofActors, ofJobs, ofRepresentations, type Population } from './population.ts';
import { countTraffic, type RangeAsked } from './traffic-window.ts';

/** What is asked of one chart. */
export interface MachineAsked extends RangeAsked {
  /** An edge of it, as `edgeName` writes it; null: none. */
  readonly edge: string | null;
}

/** What the views of machines are made from. */
export interface MachinesSource extends Pick<Sight, 'reader' | 'pause'> {
  /** The live machines of this process; null: they cannot be seen. */
  readonly live: ActorSource | null;
  /** Why they cannot be seen, in words. */
  readonly notLive: string;
}

/** Every chart of the engine, with how many are where. */
export async function machinesView(source: MachinesSource, asked: RangeAsked): Promise<MachinesView> {
  const { view } = await readMachines(source, asked);
  return view;
}

/** One chart as a heat map. Undefined: there is no chart of that name. */
export async function machineView(
  source: MachinesSource,
  name: string,
  { edge: picked, ...asked }: MachineAsked,
): Promise<MachineView | undefined> {
  const { view, heats, traffic } = await readMachines(source, asked);
  const machine = heats.find((each) => each.name === name);
  if (machine === undefined) return undefined;
  const edge = machine.edges.find((each) => edgeName(each) === picked);
  return {
    ...view,
    machine,
    picked: edge === undefined ? null : await pickedEdge(source.reader, name, edge, traffic),
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

async function readMachines(source: MachinesSource, asked: RangeAsked) {
  const { reader, live, notLive } = source;
  const { traffic, range } = await countTraffic(reader, asked, source.pause);
  const stored = { job: await ofJobs(reader), representation: await ofRepresentations(reader) };
  const heats: readonly MachineHeat[] = [
    heatOf(jobGraph, stored.job, figuresOf(traffic.of('job'))),
    heatOf(representationGraph, stored.representation, figuresOf(traffic.of('representation'))),
    ...liveGraphs.map((graph) =>
      live === null
        ? heatOf(graph, { states: null, remark: notLive }, null)
        : heatOf(graph, ofActors(reader, live, graph.id), liveFigures(live, graph.id, reader.now())),
    ),
  ];
  const view: MachinesView = { range, machines: heats.map(rowOf) };
  return { view, heats, traffic };
}

function rowOf({ states, edges, unknown, ...row }: MachineHeat): MachineRow {
  return row;
}

/** A chart with its figures. `figures` null: its traffic is not recorded. Pure. */
export function heatOf(graph: MachineGraph, population: Population, figures: Figures | null): MachineHeat {
  const edges = graph.edges.map((edge): EdgeHeat => {
    const { source, event, guard, target } = edge;
    return { source, event, guard, target, count: figures === null ? null : figures.countOf(edge) };
  });
  const ways = edges.filter(({ target }) => target !== null);
  const { states, remark } = population;
  return {
    name: graph.id,
    version: graph.version,
    kind: storedCharts.some((chart) => chart.graph === graph) ? 'stored' : 'live',
    population: states === null ? null : sumOf([...states.values()]),
    traffic: figures === null ? null : figures.total,
    since: figures === null ? null : figures.since,
    ways: ways.length,
    never: figures === null || figures.since !== null ? null : ways.filter(({ count }) => count === 0).length,
    remark,
    states: statesOf(graph, states, figures),
    edges,
    unknown: figures?.unknown ?? [],
  };
}

function statesOf(
  { nodes }: MachineGraph,
  population: Population['states'],
  figures: Figures | null,
): readonly StateHeat[] {
  const paths = nodes.map(({ path }) => path).filter((path) => path !== '');
  const others = [...(population?.keys() ?? [])].filter((state) => !paths.includes(state));
  return [...paths, ...others].map((state): StateHeat => {
    const inside = [...(population ?? [])].filter(([each]) => each === state || each.startsWith(`${state}.`));
    return {
      state,
      holdsOthers: paths.some((path) => path.startsWith(`${state}.`)),
      isKnown: paths.includes(state),
      population: population === null ? null : sumOf(inside.map(([, count]) => count)),
      dwell: figures?.dwell.get(state) ?? null,
    };
  });
}

function sumOf(counts: readonly Count[]): Count {
  return {
    n: counts.reduce((sum, { n }) => sum + n, 0),
    more: counts.some(({ more }) => more),
  };
}
