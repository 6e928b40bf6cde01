import type { AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** Where a transition leads from one leaf state, and whose actions run on the way. */
export interface Route {
  readonly to: AnyStateNode;
  /** States left, the deepest first. */
  readonly exits: readonly AnyStateNode[];
  /** States entered, the outermost first. */
  readonly entries: readonly Entry[];
}

/** A state that is entered. */
export interface Entry {
  readonly node: AnyStateNode;
  /** True when the target is not below this state, so that the actions of its `initial` run as well. */
  readonly byDefault: boolean;
}

/** The target of a transition; `undefined` when it has no target. */
export function targetOf(transition: AnyTransitionDefinition): AnyStateNode | undefined {
  return transition.target?.[0];
}

/** A state and its ancestors, the deepest first, the root last. */
export function lineOf(node: AnyStateNode): readonly AnyStateNode[] {
  const line: AnyStateNode[] = [];
  for (let at: AnyStateNode | undefined = node; at !== undefined; at = at.parent) line.push(at);
  return line;
}

/** The states below a state that are entered through `initial`, the outermost first. */
export function initialsOf(node: AnyStateNode): readonly AnyStateNode[] {
  const chosen: AnyStateNode[] = [];
  for (let at = node.initial.target[0]; at !== undefined; at = at.initial.target[0]) chosen.push(at);
  return chosen;
}

/**
 * The state in which a transition happens: every active state below it is left. `undefined` means that the root
 * itself is left and entered again.
 */
export function domainOf(
  transition: AnyTransitionDefinition,
  target: AnyStateNode,
): AnyStateNode | undefined {
  const { source, reenter } = transition;
  if (!reenter && (target === source || isBelow(target, source))) return source;
  const common = lineOf(target).find((node) => node !== target && isBelow(source, node));
  if (common !== undefined) return common;
  return reenter ? undefined : source.machine.root;
}

/** The states that are left: the leaf and its ancestors, up to the domain. */
export function exitsOf(leaf: AnyStateNode, domain: AnyStateNode | undefined): readonly AnyStateNode[] {
  return lineOf(leaf).filter((node) => domain === undefined || isBelow(node, domain));
}

/** The states that are entered: from the domain to the target, then down by `initial`. */
export function entriesOf(
  transition: AnyTransitionDefinition,
  target: AnyStateNode,
  domain: AnyStateNode | undefined,
): readonly Entry[] {
  const above = lineOf(target)
    .filter((node) => node !== target && (domain === undefined || isBelow(node, domain)))
    .map((node) => ({ node, byDefault: false }))
    .reverse();
  // A state that targets itself without `reenter` is neither left nor entered; only its children start again.
  // XState does not run the actions of its own `initial` then.
  const stays = target === transition.source && target === domain && !transition.reenter;
  const below = initialsOf(target).map((node) => ({ node, byDefault: true }));
  return stays ? [...above, ...below] : [...above, { node: target, byDefault: true }, ...below];
}

/** Where `transition` leads when the chart is in `leaf`. Without a target it stays and runs no entry or exit. */
export function routeOf(leaf: AnyStateNode, transition: AnyTransitionDefinition, parts: RouteParts): Route {
  const target = targetOf(transition);
  if (target === undefined) return { to: leaf, exits: [], entries: [] };
  const domain = parts.domainOf(transition, target);
  return {
    to: initialsOf(target).at(-1) ?? target,
    exits: parts.exitsOf(leaf, domain),
    entries: parts.entriesOf(transition, target, domain),
  };
}

/** The rules by which a route is made. */
export interface RouteParts {
  readonly domainOf: typeof domainOf;
  readonly exitsOf: typeof exitsOf;
  readonly entriesOf: typeof entriesOf;
}

function isBelow(node: AnyStateNode, ancestor: AnyStateNode): boolean {
  return node !== ancestor && lineOf(node).includes(ancestor);
}
