import { agentMachine } from '../../../../machines/agent.machine.ts';
import { describeMachine, type MachineGraph } from '../../../../machines/describe.ts';
import { dispatcherMachine } from '../../../../machines/dispatcher.machine.ts';
import { supervisorMachine } from '../../../../machines/supervisor.machine.ts';
import {
  edgeTaken,
  jobGraph,
  representationEdge,
  representationGraph,
} from '../../../reading/chart-edges.ts';
import type { StoredChart } from './traffic.ts';

/** The charts whose subjects are records. */
export const storedCharts: readonly StoredChart[] = [
  { kind: 'job', graph: jobGraph, edgeTaken },
  { kind: 'representation', graph: representationGraph, edgeTaken: representationEdge },
];

/** The charts whose subjects are actors of one process. */
export const liveGraphs: readonly MachineGraph[] = [supervisorMachine, dispatcherMachine, agentMachine].map(
  (machine) => describeMachine(machine),
);
