import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { ChartError } from '../../errors.ts';

import { describe, familyOf } from './place.ts';

/** True for `*` and `job.*`, which match many event types. */
export function isWildcard(descriptor: string): boolean {
  return descriptor === '*' || descriptor.endsWith('.*');
}

/** XState's rule: `job.*` matches `job` itself and everything that starts with `job.`. */
function matches(type: string, descriptor: string): boolean {
  if (descriptor === '*' || descriptor === type) return true;
  if (!descriptor.endsWith('.*')) return false;
  const prefix = descriptor.slice(0, -2);
  return type === prefix || type.startsWith(`${prefix}.`);
}

/** A state's own transitions for one event type: the exact ones first, then wildcards, the longest first. */
export function transitionsOf(node: AnyStateNode, type: string): readonly AnyTransitionDefinition[] {
  const wildcards = [...node.transitions.keys()]
    .filter((descriptor) => descriptor !== type && matches(type, descriptor))
    .sort((one, other) => other.length - one.length);
  return [type, ...wildcards].flatMap((descriptor) => node.transitions.get(descriptor) ?? []);
}

/**
 * The finite list of event types over which wildcards are expanded, sorted.
 * @throws {@link ChartError} when a wildcard matches no event type of the list.
 */
export function eventsOf(machine: AnyStateMachine, more: readonly string[]): readonly string[] {
  const types = new Set(more);
  const wildcards: { readonly node: AnyStateNode; readonly descriptor: string }[] = [];
  for (const node of familyOf(machine.root)) {
    for (const descriptor of node.transitions.keys()) {
      if (isWildcard(descriptor)) wildcards.push({ node, descriptor });
      else types.add(descriptor);
    }
  }
  for (const { node, descriptor } of wildcards) {
    if ([...types].some((type) => matches(type, descriptor))) continue;
    throw new ChartError({
      expected: `wildcard ${describe({ node, event: descriptor })}`,
      toBe: 'expanded over known event types',
      got: 'no event type that it matches',
      repair: 'Name them in compileChart(machine, { events }).',
    });
  }
  return [...types].sort();
}
