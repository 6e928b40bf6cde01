import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { ChartError } from '../../errors.ts';
import { compileAction } from './actions.ts';

import { isWildcard } from './events.ts';
import { compileGuard, guardJoins } from './guards.ts';
import { describe, familyOf } from './place.ts';

/** What a state may not declare, and what to write instead. */
const refusedKeys = {
  always: 'Let the event that leads here decide with guards.',
  after: 'Keep the due time in the context and let a tick send the event.',
  invoke: 'Name an effect, and let the engine send its result as an event.',
  onDone: 'Give the child state a transition of its own.',
  output: 'Keep the result in the context.',
  route: 'Write the transition with an event of its own.',
} as const;

const refusedTypes = {
  parallel: 'Split it into charts of their own, or keep the second dimension in the context.',
  history: 'Keep what must be remembered in the context and choose with guards.',
  final: 'Use an ordinary state without transitions: the record may still receive events.',
} as const;

/**
 * Checks that a machine uses only what the compiler reads: nested states, one target a transition, finite events, named
 * guards and actions.
 * @throws {@link ChartError} naming machine, state and repair.
 */
export function checkDialect(machine: AnyStateMachine, moreEvents: readonly string[]): void {
  const { root } = machine;
  if (Object.keys(root.states).length === 0) {
    throw refusal(root, 'made of states', 'none', 'Give it `initial` and `states`.');
  }
  if (root.entry.length > 0 || root.exit.length > 0) {
    const repair = 'No step enters or leaves the root: put the actions on its states or transitions.';
    throw refusal(
      root,
      'without entry and exit actions',
      root.entry.length > 0 ? '`entry`' : '`exit`',
      repair,
    );
  }
  // Shapes first: XState turns `after`, `onDone` and `route` into events. They would be refused by a name that
  // is not in the chart.
  for (const node of familyOf(root)) checkShape(node);
  for (const node of familyOf(root)) checkContent(node);
  for (const type of moreEvents) {
    checkEvent(root, type);
    if (isWildcard(type))
      throw refusal(root, 'given event types', `"${type}"`, 'Name each type of `events`.');
  }
}

function checkShape(node: AnyStateNode): void {
  for (const [type, repair] of Object.entries(refusedTypes)) {
    if (node.type === type) throw refusal(node, 'atomic or compound', `type "${type}"`, repair);
  }
  const nested = Object.keys(node.states).length > 0;
  if (nested !== (node.type === 'compound')) {
    throw refusal(node, 'compound exactly when it has states', `type "${node.type}"`, 'Leave `type` out.');
  }
  for (const [key, repair] of Object.entries(refusedKeys)) {
    const declared = (node.config as Record<string, unknown>)[key];
    if (declared !== undefined) throw refusal(node, `without \`${key}\``, `\`${key}\``, repair);
  }
  if (node.parent !== undefined && (node.key === '' || /[.#]/.test(node.key))) {
    throw refusal(
      node,
      'named without "." and "#"',
      `"${node.key}"`,
      'Dots join the names of nested states.',
    );
  }
}

function checkContent(node: AnyStateNode): void {
  for (const action of [...node.entry, ...node.exit, ...node.initial.actions]) {
    compileAction(action, node.machine, { node });
  }
  for (const [descriptor, candidates] of node.transitions) {
    checkEvent(node, descriptor);
    for (const transition of candidates) checkTransition(node, descriptor, transition);
  }
}

function checkTransition(node: AnyStateNode, event: string, transition: AnyTransitionDefinition): void {
  const { target, guard, actions } = transition;
  const place = { node, event };
  const expected = describe(place);
  if (target !== undefined && target.length !== 1) {
    throw new ChartError({
      expected,
      toBe: 'a transition to one state',
      got: `${target.length} targets`,
      repair: 'Name one target, or leave `target` out.',
    });
  }
  if (target?.[0] === node.machine.root) {
    throw new ChartError({
      expected,
      toBe: 'a transition to a state inside the machine',
      got: 'its root',
      repair: `Target ${Object.keys(node.machine.states).join(' or ')} instead.`,
    });
  }
  const written: unknown = node.config.on?.[event];
  if (written === undefined || (Array.isArray(written) && written.includes(undefined))) {
    throw new ChartError({
      expected,
      toBe: 'a transition',
      got: 'undefined',
      repair: 'Write {} to accept the event and change nothing, or leave the key out to refuse the event.',
    });
  }
  if (guard) compileGuard(guard, node.machine, place, guardJoins);
  for (const action of actions) compileAction(action, node.machine, place);
}

function checkEvent(node: AnyStateNode, descriptor: string): void {
  const repair = 'Name the event `noun.verb`; a wildcard is `*`, or `noun.*`.';
  if (descriptor.startsWith('xstate.')) {
    throw refusal(node, 'free of events of XState itself', `"${descriptor}"`, repair);
  }
  const name = isWildcard(descriptor) ? descriptor.slice(0, -1) : descriptor;
  if (name.includes('*') || descriptor === '') {
    throw refusal(node, 'free of wildcards that match nothing', `"${descriptor}"`, repair);
  }
}

function refusal(node: AnyStateNode, toBe: string, got: string, repair: string): ChartError {
  return new ChartError({ expected: describe({ node }), toBe, got, repair });
}
