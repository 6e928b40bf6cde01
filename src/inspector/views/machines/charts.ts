import type { MachineGraph } from '../../../../machines/describe.ts';
import {
  edgeTaken,
  jobGraph,
  representationEdge,
  representationGraph,
} from '../../../reading/chart-edges.ts';
import { graphOf } from '../actors/graphs.ts';
import type { StoredChart } from './traffic.ts';

/** The charts whose subjects are records. */
export const storedCharts: readonly StoredChart[] = [
  { kind: 'job', graph: jobGraph, edgeTaken },
  { kind: 'representation', graph: representationGraph, edgeTaken: representationEdge },
];

/** The charts whose subjects are actors of one process. */
export const liveGraphs: readonly MachineGraph[] = (['supervisor', 'dispatcher', 'agent'] as const).map(
  graphOf,
);
