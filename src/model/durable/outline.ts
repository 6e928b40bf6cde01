import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';
import type { PreparedMachine } from './machine.ts';
import { guardText } from './prepare/dialect-guards.ts';

/** A way out of a state, or one that it takes without leaving. */
export interface OutlineWay {
  /** As the machine calls it; empty: as soon as its guard lets it pass. */
  readonly event: string;
  /** Null: it has none. */
  readonly guard: string | null;
  /** Paths of the states that it leads to; empty: it changes no state. */
  readonly targets: readonly string[];
}

/** A state of a machine. */
export interface OutlineState {
  /** Keys from the outside in, joined by dots; empty: the machine itself. */
  readonly path: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** The children that live while it is there. */
  readonly invokes: readonly string[];
  readonly ways: readonly OutlineWay[];
}

/** The states of a machine in document order, each with the ways out of it. Null: it is a reducer, which has none. */
export function outlineOf({ engine }: PreparedMachine): readonly OutlineState[] | null {
  if (engine === null) return null;
  return [...engine.nodes.values()]
    .sort((one, other) => one.order - other.order)
    .map((node) => ({
      path: node.path.join('.'),
      type: node.type,
      invokes: node.invoke.map(({ id }) => id),
      ways: waysOf(node),
    }));
}

function waysOf(node: AnyStateNode): readonly OutlineWay[] {
  const always = (node.always ?? []).map((each) => wayOf('', each));
  const others = [...node.transitions].flatMap(([event, candidates]) =>
    candidates.map((each) => wayOf(event, each)),
  );
  return [...always, ...others];
}

function wayOf(event: string, { guard, target }: AnyTransitionDefinition): OutlineWay {
  return {
    event,
    guard: guard === undefined ? null : guardText(guard),
    targets: (target ?? []).map(({ path }) => path.join('.')),
  };
}
