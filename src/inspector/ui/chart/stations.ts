import type { EdgeName } from '../../protocol/job.ts';
import type { ChartLayout } from './layout.ts';

/** A leaf state in the outline of a chart, with everything that the chart has for it. */
export interface Station {
  /** Empty: any state. */
  readonly state: string;
  /** Ways out of it, or of a state around it. */
  readonly ways: readonly EdgeName[];
  /** Events that it takes without leaving it. */
  readonly stays: readonly string[];
}

/** The same as the picture says, state by state; what any state takes comes last. */
export function stationsOf(layout: ChartLayout): readonly Station[] {
  const { nodes, edges, any } = layout;
  const leaves = nodes.filter(({ state }) => !nodes.some((other) => other.state.startsWith(`${state}.`)));
  const around = (outer: string, state: string): boolean => outer === state || state.startsWith(`${outer}.`);
  const stations = leaves.map(({ state }) => ({
    state,
    ways: edges.filter(({ source }) => source !== '' && around(source, state)),
    stays: nodes.filter((node) => around(node.state, state)).flatMap(({ stays }) => stays),
  }));
  if (any === null) return stations;
  return [...stations, { state: '', ways: edges.filter(({ source }) => source === ''), stays: any.events }];
}
