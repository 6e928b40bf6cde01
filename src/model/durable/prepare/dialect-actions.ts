import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { shown } from '../../../errors.ts';
import { getOwn } from '../../checks/own-keys.ts';
import { actionOf } from '../actions.ts';
import { isChildName } from './child-name.ts';

/** What was found so far. */
export interface Problems {
  readonly machine: AnyStateMachine;
  readonly name: string;
  readonly transient: ReadonlySet<string>;
  readonly found: Set<string>;
}

/** An action that XState brings along, with what it was given. */
interface BuiltIn {
  readonly type: string;
  readonly resolve: unknown;
  readonly delay?: unknown;
  readonly id?: unknown;
  readonly src?: unknown;
  readonly systemId?: unknown;
  readonly syncSnapshot?: unknown;
}

/** How a state is called in refusals. */
export function placeText(node: AnyStateNode, { name }: Problems): string {
  return node.parent === undefined
    ? `machine "${name}"`
    : `state "${node.path.join('.')}" of machine "${name}"`;
}

/** Refuses named actions that are plain code, unless they may be lost. They are looked at once, wherever they are used. */
export function checkNamedActions(problems: Problems): void {
  const { machine, name, transient, found } = problems;
  const actions = machine.implementations.actions as Record<string, unknown>;
  for (const [type, action] of Object.entries(actions)) {
    const place = `action "${type}" of machine "${name}"`;
    if (isBuiltIn(action)) checkBuiltIn(action, place, problems);
    else if (actionOf(action) === null && !transient.has(type))
      found.add(
        `Expected ${place} to be durable, got plain code. A step that is not kept would have called it: write put(job, args) or sendToActor(machine, message), or, when it may be lost, defineMachine(machine, { transient: ['${type}'] }).`,
      );
  }
  for (const type of transient) {
    if (getOwn(actions, type) === undefined)
      found.add(
        `Expected \`transient\` of machine "${name}" to name its actions, got '${type}'. Correct the name, or leave it out.`,
      );
  }
}

/** Refuses actions of one place. */
export function checkActions(actions: readonly unknown[], place: string, problems: Problems): void {
  for (const action of actions) checkAction(action, place, problems);
}

function checkAction(action: unknown, place: string, problems: Problems): void {
  if (isBuiltIn(action)) {
    checkBuiltIn(action, place, problems);
    return;
  }
  if (typeof action === 'function') {
    if (actionOf(action) !== null) return;
    problems.found.add(
      `Expected the actions at ${place} to be durable, got plain code${action.name === '' || action.name === 'actions' ? '' : ` (${action.name})`}. A step that is not kept would have called it: write put(job, args) or sendToActor(machine, message), or, when it may be lost, name it in setup({ actions }) and in \`transient\`.`,
    );
    return;
  }
  const type = typeof action === 'string' ? action : (action as { readonly type?: unknown } | null)?.type;
  if (
    typeof type === 'string' &&
    getOwn(problems.machine.implementations.actions as Record<string, unknown>, type) !== undefined
  )
    return;
  problems.found.add(
    `Expected action ${shown(type)} at ${place} to be implemented, got none of that name. XState would do nothing: define it in setup({ actions }).`,
  );
}

function isBuiltIn(action: unknown): action is BuiltIn {
  return typeof action === 'function' && 'resolve' in action;
}

function checkBuiltIn(action: BuiltIn, place: string, { machine, found }: Problems): void {
  const { delays, actors } = machine.implementations;
  // XState makes a raise of each `after`, whose delays are looked at there.
  const isAfter = typeof action.id === 'string' && action.id.startsWith('xstate.after.');
  if (
    !isAfter &&
    typeof action.delay === 'string' &&
    getOwn(delays as Record<string, unknown>, action.delay) === undefined
  )
    found.add(
      `Expected the delay of ${place} to be milliseconds, or a delay of setup({ delays }), got '${action.delay}'. XState would not wait at all: define the delay.`,
    );
  if (action.type !== 'xstate.spawnChild') return;
  const { src, id, systemId, syncSnapshot } = action;
  if (typeof src !== 'string' || getOwn(actors as Record<string, unknown>, src) === undefined)
    found.add(
      `Expected spawnChild at ${place} to name an actor of setup({ actors }), got ${typeof src === 'string' ? shown(src) : 'logic'}. A record names what its children are made of: define it there and write its name.`,
    );
  if (typeof id !== 'function' && !isChildName(id))
    found.add(
      `Expected the id of spawnChild at ${place} to be 1 to 128 characters without / # | * and control characters, got ${shown(id)}. Ids of its jobs and actors hold it: write { id }.`,
    );
  if (systemId !== undefined)
    found.add(
      `Expected spawnChild at ${place} to be without \`systemId\`, got ${shown(systemId)}. There is no system of live actors: send to a child by its id.`,
    );
  if (syncSnapshot === true)
    found.add(
      `Expected spawnChild at ${place} to be without \`syncSnapshot\`, got it. A child sends what its parent shall know: let it use sendParent.`,
    );
}
