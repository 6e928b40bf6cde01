import { describeMachine, type MachineEdge, type MachineGraph } from '../../machines/describe.ts';
import { jobMachine } from '../../machines/job.machine.ts';
import { jobChart } from '../model/jobs/machine-version.ts';

/** The chart of jobs as data: the one that steps them. */
export const jobGraph: MachineGraph = describeMachine(jobMachine);

/** A state and those around it, from the inside out, the chart itself last. */
export function lineOf(state: string): readonly string[] {
  const at = state.lastIndexOf('.');
  return at < 0 ? [state, ''] : [state, ...lineOf(state.slice(0, at))];
}

/** The edges that a leaf state has for an event, as the chart writes them, in the order in which a step tries them. */
export function edgesAt(state: string, event: string): readonly MachineEdge[] {
  return lineOf(state).flatMap((source) =>
    jobGraph.edges.filter((edge) => edge.source === source && edge.event === event),
  );
}

/** The edge that led from one leaf state to another; undefined when the chart of this version has none. */
export function edgeTaken(from: string, event: string, to: string): MachineEdge | undefined {
  const at = jobChart
    .edges()
    .filter((edge) => edge.from === from && edge.event === event)
    .findIndex((edge) => edge.to === to);
  return edgesAt(from, event)[at];
}
