import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** A chart as data: what is needed to draw it, and to say where something is in it. */
export interface MachineGraph {
  readonly id: string;
  readonly version: string | null;
  /** The leaf state in which it begins. */
  readonly initial: string;
  /** The chart itself first, under the path `''`, then each state before those inside it, in the order of the chart. */
  readonly nodes: readonly MachineNode[];
  /** By node, then in the order in which the chart tries them. */
  readonly edges: readonly MachineEdge[];
}

/** A state of a chart, or the chart itself. */
export interface MachineNode {
  readonly key: string;
  /** Keys from the outside in, joined by dots: `active.running`. */
  readonly path: string;
  /** Path of the state that it is in; null for the chart itself. */
  readonly parent: string | null;
  /** Path of the state that is entered first inside it; null: there are none inside. */
  readonly initial: string | null;
  /** Names of the actions on the way in and out. */
  readonly entry: readonly string[];
  readonly exit: readonly string[];
}

/** A transition as the chart writes it. */
export interface MachineEdge {
  /** Path of the state that has it: it applies to every state inside, too. */
  readonly source: string;
  readonly event: string;
  /** `isCallback`, `not isCallback` or `and(a, b)`; null: none. */
  readonly guard: string | null;
  /** Path of the state that it leads to; null: it changes no state. */
  readonly target: string | null;
  readonly actions: readonly string[];
  readonly targetless: boolean;
}

/**
 * Returns a chart as data: its states and its transitions, as they are written.
 *
 * @example
 * ```ts
 * import { describeMachine, jobMachine } from 'signalbox/machines';
 *
 * const { edges } = describeMachine(jobMachine);
 * console.log(edges.find(({ event }) => event === 'job.claim')?.target); // => assigned
 * ```
 */
export function describeMachine(machine: AnyStateMachine): MachineGraph {
  const states = familyOf(machine.root);
  return {
    id: machine.id,
    version: machine.version ?? null,
    initial: leafOf(machine.root),
    nodes: states.map(nodeOf),
    edges: states.flatMap(edgesOf),
  };
}

function familyOf(node: AnyStateNode): readonly AnyStateNode[] {
  const children = Object.values(node.states) as AnyStateNode[];
  return [node, ...children.sort((one, other) => one.order - other.order).flatMap(familyOf)];
}

function firstOf(node: AnyStateNode): AnyStateNode | undefined {
  return Object.keys(node.states).length === 0 ? undefined : node.initial.target[0];
}

function leafOf(node: AnyStateNode): string {
  const first = firstOf(node);
  return first === undefined ? pathOf(node) : leafOf(first);
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

function nodeOf(node: AnyStateNode): MachineNode {
  const first = firstOf(node);
  return {
    key: node.key,
    path: pathOf(node),
    parent: node.parent === undefined ? null : pathOf(node.parent),
    initial: first === undefined ? null : pathOf(first),
    entry: node.entry.map(nameOf),
    exit: node.exit.map(nameOf),
  };
}

function edgesOf(node: AnyStateNode): readonly MachineEdge[] {
  return [...node.transitions.values()].flat().map((transition) => edgeOf(node, transition));
}

function edgeOf(node: AnyStateNode, transition: AnyTransitionDefinition): MachineEdge {
  const { eventType, guard, target, actions } = transition;
  // Our charts have one region: a transition leads to one state.
  const [first] = target ?? [];
  return {
    source: pathOf(node),
    event: String(eventType),
    guard: guard === undefined ? null : guardOf(guard),
    target: first === undefined ? null : pathOf(first),
    actions: actions.map(nameOf),
    targetless: first === undefined,
  };
}

/** Returns `isCallback`, `not isCallback` or `and(a, b)`, as the compiled chart writes it. */
function guardOf(guard: unknown): string {
  if (typeof guard !== 'function') return nameOf(guard);
  const inner: unknown = Reflect.get(guard, 'guards');
  if (!Array.isArray(inner)) return nameOf(guard);
  const names = inner.map(guardOf);
  return guard.name === 'not' ? `not ${names[0]}` : `${guard.name}(${names.join(', ')})`;
}

/** Returns the name of a guard or an action. A guard or action without a name would not be readable either. */
function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  const type: unknown = typeof named === 'object' && named !== null ? Reflect.get(named, 'type') : undefined;
  if (typeof type === 'string') return type;
  throw new Error(`Expected a guard or an action with a name, got ${String(named)}. Name it in setup().`);
}
