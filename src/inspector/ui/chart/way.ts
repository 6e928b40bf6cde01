import type { EndingName } from '../../protocol/explanation.ts';
import type { HistoryLine, JobView, PossibleEvent, StateVisits, TakenEdge } from '../../protocol/job.ts';
import { isBad } from '../state.ts';
import { edgeKey } from './edge-key.ts';

/** Where a job stands at one moment of its life, and the way that it took there. */
export interface Way {
  /** The line of its history at that moment; null: there is none. */
  readonly line: HistoryLine | null;
  readonly isPast: boolean;
  /** Whether all data beside the way is of that moment as well. */
  readonly isWhole: boolean;
  /** The instant: of that line, or now. */
  readonly at: number;
  readonly state: string;
  readonly ending: EndingName | null;
  readonly states: readonly StateVisits[];
  readonly taken: readonly TakenEdge[];
  readonly next: readonly PossibleEvent[];
  /** Keys of the edges by which a job that ended badly came to its end. */
  readonly lastWay: ReadonlySet<string>;
}

/** What a picture of a chart needs to know of the one that is in it. */
export type ChartWay = Pick<Way, 'ending' | 'states' | 'taken' | 'next' | 'lastWay'>;

/** The way to now, or to one line of the history: from the lines alone, nothing is run again. */
export function wayTo(view: JobView, seq: number | null, now: number): Way {
  const { lines } = view.history;
  const index = seq === null ? -1 : lines.findLastIndex((line) => line.seq <= seq);
  const line = lines[index] ?? null;
  if (line === null || index === lines.length - 1) {
    const { state, ending, states, taken, next } = view;
    const lastWay = endOf(lines, taken, ending);
    return {
      line: lines.at(-1) ?? null,
      isPast: false,
      isWhole: true,
      at: now,
      state,
      ending,
      states,
      taken,
      next,
      lastWay,
    };
  }
  const until = lines.slice(0, index + 1);
  const state = line.to ?? line.from ?? view.state;
  const ending = until.findLast((each) => each.ending !== null)?.ending ?? null;
  const taken = takenIn(until, view.taken);
  return {
    line,
    isPast: true,
    isWhole: false,
    at: line.at,
    state,
    ending,
    states: statesIn(until, view.states, state),
    taken,
    next: [],
    lastWay: endOf(until, view.taken, ending),
  };
}

function takenIn(lines: readonly HistoryLine[], edges: readonly TakenEdge[]): readonly TakenEdge[] {
  const counts = new Map<number, number>();
  for (const { edge } of lines) if (edge !== null) counts.set(edge, (counts.get(edge) ?? 0) + 1);
  const last = lines.findLast(({ edge, from, to }) => edge !== null && from !== to)?.edge ?? null;
  return edges.flatMap((edge, index) => {
    const count = counts.get(index);
    return count === undefined ? [] : [{ ...edge, count, isLast: index === last }];
  });
}

function statesIn(
  lines: readonly HistoryLine[],
  states: readonly StateVisits[],
  now: string,
): readonly StateVisits[] {
  const holds = (outer: string, inner: string | null): boolean =>
    inner !== null && (inner === outer || inner.startsWith(`${outer}.`));
  return states.map(({ state, isKnown }) => {
    let [visits, ms] = [0, 0];
    for (const [index, line] of lines.entries()) {
      if (!holds(state, line.to)) continue;
      const before = index === 0 ? line.from : (lines[index - 1]?.to ?? null);
      if (index === 0 || !holds(state, before) || (line.from !== line.to && line.to === state)) visits += 1;
      ms += Math.max(0, (lines[index + 1]?.at ?? line.at) - line.at);
    }
    return { state, isKnown, visits, ms, isNow: holds(state, now) };
  });
}

/** The edges of the last lines, from the one that brought it to its callbacks on. */
function endOf(
  lines: readonly HistoryLine[],
  taken: readonly TakenEdge[],
  ending: EndingName | null,
): ReadonlySet<string> {
  const keys = new Set<string>();
  if (!isBad(ending)) return keys;
  for (const { from, to, edge } of lines.toReversed()) {
    if (to !== 'callbacks' && to !== 'completed') break;
    const named = edge === null ? undefined : taken[edge];
    if (from !== to && named !== undefined) keys.add(edgeKey(named));
  }
  return keys;
}
