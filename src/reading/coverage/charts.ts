import { describeMachine, type MachineGraph } from '../../../machines/describe.ts';
import { scheduleMachine } from '../../../machines/schedule.machine.ts';
import { familyOf } from '../../model/durable/family.ts';
import { beginningOf, outlineOf } from '../../model/durable/look.ts';
import type { PreparedMachine } from '../../model/durable/machine.ts';
import { jobGraph, representationGraph } from '../chart-edges.ts';
import type { CoverageChart } from './compare/coverage-chart.ts';

/** The charts of the engine whose subjects are records. */
export const ownCharts: readonly CoverageChart[] = [
  jobGraph,
  representationGraph,
  describeMachine(scheduleMachine),
].map(chartOfGraph);

/** The charts of machines of a program and of the machines that are their children, each once. */
export function chartsOf(
  machines: Iterable<{ readonly prepared: PreparedMachine }>,
): readonly CoverageChart[] {
  const family = familyOf(Array.from(machines, ({ prepared }) => prepared));
  return Array.from(family.values(), chartOfMachine);
}

/** A reducer takes every event in its one state. */
function chartOfMachine(machine: PreparedMachine): CoverageChart {
  const states = outlineOf(machine) ?? [];
  return {
    machine: machine.name,
    version: machine.version,
    states: states.map(({ path, type, ways }) => ({ path, type, ways })),
    begins: beginningOf(machine),
  };
}

function chartOfGraph({ id, version, nodes, edges }: MachineGraph): CoverageChart {
  return {
    machine: id,
    version: version ?? '',
    states: nodes.map(({ path, initial }) => ({
      path,
      type: initial === null ? 'atomic' : 'compound',
      ways: edges
        .filter(({ source }) => source === path)
        .map(({ event, guard, target }) => ({ event, guard, targets: target === null ? [] : [target] })),
    })),
  };
}
