import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { compileGuard, guardJoins } from './guards.ts';
import { pathOf } from './place.ts';
import { targetOf } from './route.ts';

/** Returns a hash of a machine's definition. Implementations and the order of keys do not count. */
export function hashOf(machine: AnyStateMachine): string {
  return fnv1a(JSON.stringify(definitionOf(machine.root)));
}

// Arrays only: their order is chosen here, so two ways of writing the same chart give the same text.
function definitionOf(node: AnyStateNode): unknown {
  return [
    node.key === node.machine.id && node.parent === undefined ? '' : node.key,
    node.initial.target.map(pathOf),
    node.initial.actions.map(referenceOf),
    node.entry.map(referenceOf),
    node.exit.map(referenceOf),
    [...node.transitions].sort(byKey).map(([event, candidates]) => [event, candidates.map(transitionOf)]),
    Object.entries(node.states)
      .sort(byKey)
      .map(([, child]) => definitionOf(child)),
  ];
}

function transitionOf(transition: AnyTransitionDefinition): unknown {
  const { source, guard, actions, reenter } = transition;
  const target = targetOf(transition);
  const asked = guard ? compileGuard(guard, source.machine, { node: source }, guardJoins).name : null;
  return [
    asked,
    paramsOf(guard),
    target === undefined ? null : pathOf(target),
    actions.map(referenceOf),
    reenter,
  ];
}

function referenceOf(reference: unknown): unknown {
  const { type } = reference as { readonly type?: unknown };
  return typeof reference === 'string' ? [reference, null] : [type, paramsOf(reference)];
}

// An `and`, `or` or `not` has the guards that it joins in `guards`, each with its own params.
function paramsOf(reference: unknown): unknown {
  const { params, guards } = (reference ?? {}) as {
    readonly params?: unknown;
    readonly guards?: readonly unknown[];
  };
  if (guards !== undefined) return guards.map(paramsOf);
  return typeof params === 'function' ? 'dynamic' : (params ?? null);
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** Returns the 64-bit FNV-1a hash of a text, in hexadecimal. */
export function fnv1a(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
