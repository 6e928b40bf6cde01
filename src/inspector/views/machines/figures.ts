import type { MachineEdge } from '../../../../machines/describe.ts';
import type { Dwell, UnknownEdge } from '../../protocol/machines.ts';
import type { ActorSource } from '../actors/actor-source.ts';
import type { ChartTraffic } from './traffic.ts';

/** The traffic of one chart, wherever it is known from. */
export interface Figures {
  readonly total: number;
  /** Since when it is counted; null: over a range of the journal. */
  readonly since: number | null;
  countOf(edge: MachineEdge): number;
  readonly dwell: ReadonlyMap<string, Dwell>;
  readonly unknown: readonly UnknownEdge[];
}

/** From the journal. */
export function figuresOf({ total, edges, dwell, unknown }: ChartTraffic): Figures {
  return { total, since: null, countOf: (edge) => edges.get(edge)?.count ?? 0, dwell, unknown };
}

/** From the live machines of this process, since a page looks at them. */
export function liveFigures(live: ActorSource, chart: string, now: number): Figures {
  const counts = new Map<string, number>();
  let since = now;
  for (const actor of live.actors().filter(({ machine }) => machine === chart)) {
    const trace = live.trace(actor, now);
    since = Math.min(since, trace.since);
    for (const edge of trace.taken) counts.set(nameOf(edge), (counts.get(nameOf(edge)) ?? 0) + edge.count);
  }
  return {
    total: [...counts.values()].reduce((sum, count) => sum + count, 0),
    since,
    countOf: (edge) => counts.get(nameOf(edge)) ?? 0,
    dwell: new Map(),
    unknown: [],
  };
}

function nameOf({ source, event, guard, target }: Omit<MachineEdge, 'actions' | 'targetless'>): string {
  return JSON.stringify([source, event, guard, target]);
}
