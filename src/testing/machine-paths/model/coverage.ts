import { wayOf } from '../../../model/durable/look.ts';
import type { PreparedMachine } from '../../../model/durable/machine.ts';
import type { MachineWay, Moved } from './tree.ts';

/** What paths take of a machine. */
export interface MachineCoverage {
  /** Its transitions that they take, in document order. */
  readonly taken: readonly MachineWay[];
  /** Its transitions that they do not take. */
  readonly missed: readonly MachineWay[];
}

/** Compares what actors of a machine did with what it can. Pure. */
export function coverageOf(machine: PreparedMachine, moved: Iterable<Moved>): MachineCoverage {
  const seen = new Set<string>();
  for (const { machine: mover, ways } of moved)
    if (mover.name === machine.name) for (const way of ways) seen.add(keyOf(way));
  const all = new Map(waysOf(machine).map((way) => [keyOf(way), way]));
  const [taken, missed]: [MachineWay[], MachineWay[]] = [[], []];
  for (const [key, way] of all) (seen.has(key) ? taken : missed).push(way);
  return { taken, missed };
}

/** The transitions of a machine, but those that do nothing. Of a reducer none is known. */
function waysOf({ engine }: PreparedMachine): readonly MachineWay[] {
  if (engine === null) return [];
  return [...engine.nodes.values()]
    .sort((one, other) => one.order - other.order)
    .flatMap(({ path, always = [], transitions }) =>
      [...always, ...[...transitions.values()].flat()]
        .filter(({ target, actions }) => target !== undefined || actions.length > 0)
        .map((each) => ({ source: path.join('.'), ...wayOf(each.eventType, each) })),
    );
}

function keyOf({ source, event, guard, targets }: MachineWay): string {
  return JSON.stringify([source, event, guard, targets]);
}
