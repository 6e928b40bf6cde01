import { agentMachine } from '../../../../machines/agent.machine.ts';
import { describeMachine, type MachineEdge, type MachineGraph } from '../../../../machines/describe.ts';
import { dispatcherMachine } from '../../../../machines/dispatcher.machine.ts';
import { supervisorMachine } from '../../../../machines/supervisor.machine.ts';

const graphs = {
  supervisor: describeMachine(supervisorMachine),
  dispatcher: describeMachine(dispatcherMachine),
  agent: describeMachine(agentMachine),
} satisfies Readonly<Record<string, MachineGraph>>;

/** The charts of live machines: they have no states inside states. */
export function graphOf(machine: keyof typeof graphs): MachineGraph {
  return graphs[machine];
}

/** The edges that a state has, as the chart tries them: what any state has counts where the state says nothing itself. */
export function edgesFrom({ edges }: MachineGraph, state: string): readonly MachineEdge[] {
  const own = edges.filter(({ source }) => source === state);
  const named = new Set(own.map(({ event }) => event));
  return [...own, ...edges.filter(({ source, event }) => source === '' && !named.has(event))];
}

/** The edge by which an event led from one state to another; undefined: the chart ignored it. */
export function edgeOf(
  graph: MachineGraph,
  from: string,
  event: string,
  to: string,
): MachineEdge | undefined {
  const edges = edgesFrom(graph, from).filter((edge) => edge.event === event);
  return edges.find(({ target }) => (target ?? from) === to);
}
