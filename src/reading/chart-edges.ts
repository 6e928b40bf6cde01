import { describeMachine, type MachineEdge, type MachineGraph } from '../../machines/describe.ts';
import { jobMachine } from '../../machines/job.machine.ts';
import { representationMachine } from '../../machines/representation.machine.ts';
import type { Edge } from '../model/chart/chart.ts';
import { jobChart, representationChart } from '../model/jobs/machine-version.ts';
import { lineOf } from './coverage/compare/coverage-chart.ts';

/** The chart of jobs as data: the one that steps them. */
export const jobGraph: MachineGraph = describeMachine(jobMachine);

/** The chart of representations as data: the one that steps them. */
export const representationGraph: MachineGraph = describeMachine(representationMachine);

/** The edges that a leaf state has for an event, as the chart writes them, in the order in which a step tries them. */
export function edgesAt(state: string, event: string, graph = jobGraph): readonly MachineEdge[] {
  return lineOf(state).flatMap((source) =>
    graph.edges.filter((edge) => edge.source === source && edge.event === event),
  );
}

/** The edge that led a job from one leaf state to another; undefined when the chart of this version has none. */
export function edgeTaken(from: string, event: string, to: string): MachineEdge | undefined {
  return edgeIn(jobGraph, jobChart, from, event, to);
}

/** The edge that led a representation from one state to another; undefined when the chart of this version has none. */
export function representationEdge(from: string, event: string, to: string): MachineEdge | undefined {
  return edgeIn(representationGraph, representationChart, from, event, to);
}

function edgeIn(
  graph: MachineGraph,
  chart: { edges(): readonly Edge[] },
  from: string,
  event: string,
  to: string,
): MachineEdge | undefined {
  const at = chart
    .edges()
    .filter((edge) => edge.from === from && edge.event === event)
    .findIndex((edge) => edge.to === to);
  return edgesAt(from, event, graph)[at];
}
