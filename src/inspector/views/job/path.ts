import { edgeTaken, jobGraph } from '../../../reading/chart-edges.ts';
import { around } from '../../../reading/coverage/compare/coverage-chart.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { StateVisits, TakenEdge } from '../../protocol/job.ts';

/** The way of a job through its chart. */
export interface PathTaken {
  readonly states: readonly StateVisits[];
  readonly taken: readonly TakenEdge[];
  /** For each entry, by its seq, the edge that it took: an index of `taken`. */
  readonly edges: ReadonlyMap<number, number>;
}

/** Reads the way of a job from its entries, oldest first. The state that it is in lasts until `now`. Pure. */
export function pathOf(entries: readonly HistoryEntry[], now: number): PathTaken {
  const visits = new Map<string, { visits: number; ms: number }>();
  const taken: TakenEdge[] = [];
  const edges = new Map<number, number>();
  let state: string | null = null;
  let since = entries[0]?.at ?? now;
  const stay = (until: number): void => {
    if (state === null) return;
    for (const each of around(state)) counted(visits, each).ms += Math.max(0, until - since);
  };
  for (const { event, from, to, at, seq } of entries) {
    if (to === null) continue;
    if (from !== null) edges.set(seq, tookEdge(taken, from, event, to));
    if (to === state) continue;
    stay(at);
    const left: readonly string[] = state === null ? [] : around(state);
    for (const each of around(to)) if (!left.includes(each)) counted(visits, each).visits += 1;
    state = to;
    since = at;
  }
  stay(now);
  return { states: statesOf(visits, state), taken, edges };
}

function counted(visits: Map<string, { visits: number; ms: number }>, state: string) {
  const found = visits.get(state) ?? { visits: 0, ms: 0 };
  visits.set(state, found);
  return found;
}

/** Counts the edge and returns its index. */
function tookEdge(taken: TakenEdge[], from: string, event: string, to: string): number {
  const edge = edgeTaken(from, event, to);
  const { source, guard, target } = edge ?? { source: from, guard: null, target: from === to ? null : to };
  const moves = from !== to;
  if (moves)
    for (const [at, each] of taken.entries()) if (each.isLast) taken[at] = { ...each, isLast: false };
  const found = taken.findIndex(
    (each) =>
      each.source === source && each.event === event && each.target === target && each.guard === guard,
  );
  const before = taken[found];
  const count = (before?.count ?? 0) + 1;
  const isLast = moves || (before?.isLast ?? false);
  const next: TakenEdge = { source, event, guard, target, count, isLast, isKnown: edge !== undefined };
  if (before === undefined) return taken.push(next) - 1;
  taken[found] = next;
  return found;
}

/** All states of the chart of today, and those that only an older chart had. */
function statesOf(
  visits: ReadonlyMap<string, { visits: number; ms: number }>,
  now: string | null,
): readonly StateVisits[] {
  const known = jobGraph.nodes.filter(({ parent }) => parent !== null).map(({ path }) => path);
  const others = [...visits.keys()].filter((state) => !known.includes(state));
  const isNow = new Set(now === null ? [] : around(now));
  return [...known, ...others].map((state) => ({
    state,
    ...(visits.get(state) ?? { visits: 0, ms: 0 }),
    isNow: isNow.has(state),
    isKnown: known.includes(state),
  }));
}
