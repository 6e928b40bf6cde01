import type { AnyStateNode } from 'xstate';

/** A place in a chart. Every refusal names one. */
export interface Place {
  readonly node: AnyStateNode;
  /** The event descriptor, when the place is a transition. */
  readonly event?: string;
}

/** A state's dotted path without the machine id; the machine's root is the empty path. */
export function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

/** The place as text: `state "active.running" of machine "job"`, or `"job.claim" in state …`. */
export function describe({ node, event }: Place): string {
  const machine = `machine "${node.machine.id}"`;
  const state =
    node.parent === undefined ? `the root state of ${machine}` : `state "${pathOf(node)}" of ${machine}`;
  return event === undefined ? state : `"${event}" in ${state}`;
}

/** A state and all states below it, in the order in which they are written. */
export function familyOf(node: AnyStateNode): readonly AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(familyOf)];
}
