import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { fnv1a } from '../../chart/hash.ts';

/**
 * Identifies the structure of a machine: its states, transitions, children and delays, by their names. What code does, and the
 * order of keys, do not count.
 */
export function structureHash(machine: AnyStateMachine): string {
  return fnv1a(JSON.stringify([machine.id, structureOf(machine.root)]));
}

// Arrays only: their order is chosen here, so two ways of writing the same machine give the same text.
function structureOf(node: AnyStateNode): unknown {
  return [
    node.key,
    node.id,
    node.type,
    node.history,
    (node.initial?.target ?? []).map(({ id }) => id),
    (node.initial?.actions ?? []).map(referenceOf),
    node.entry.map(referenceOf),
    node.exit.map(referenceOf),
    node.invoke.map(({ id, src }) => [id, src]),
    (node.always ?? []).map(transitionOf),
    [...node.transitions].sort(byKey).map(([event, candidates]) => [event, candidates.map(transitionOf)]),
    Object.entries(node.states)
      .sort(byKey)
      .map(([, child]) => structureOf(child as AnyStateNode)),
  ];
}

function transitionOf({ guard, target, actions, reenter }: AnyTransitionDefinition): unknown {
  return [
    guard === undefined ? null : referenceOf(guard),
    target === undefined ? null : target.map(({ id }) => id),
    actions.map(referenceOf),
    reenter,
  ];
}

/** An action or a guard by its name; of code without a name, that it is code. */
function referenceOf(reference: unknown): unknown {
  if (typeof reference === 'string') return reference;
  const { type, params, guards, name } = (reference ?? {}) as {
    readonly type?: unknown;
    readonly params?: unknown;
    readonly guards?: readonly unknown[];
    readonly name?: string;
  };
  if (Array.isArray(guards)) return [name, guards.map(referenceOf)];
  if (typeof reference === 'function') return [type ?? 'code'];
  return [type, typeof params === 'function' ? 'dynamic' : (params ?? null)];
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
