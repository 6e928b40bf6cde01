import {
  type AnyStateMachine,
  type AnyStateNode,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
} from 'xstate';
import { shown } from '../../../errors.ts';
import { isName } from '../../checks/names.ts';
import { getOwn } from '../../checks/own-keys.ts';
import { sourceOf } from '../sources.ts';
import { isChildName } from './child-name.ts';
import { checkActions, checkNamedActions, type Problems, placeText } from './dialect-actions.ts';
import { checkGuard } from './dialect-guards.ts';

interface InvokeConfig {
  readonly id?: unknown;
  readonly src?: unknown;
  readonly systemId?: unknown;
  readonly syncSnapshot?: unknown;
  readonly onSnapshot?: unknown;
}

/** Every reason why a machine cannot be durable, each with its place and its repair; of its children not. */
export function problemsOf(
  machine: AnyStateMachine,
  name: string,
  transient: ReadonlySet<string>,
): readonly string[] {
  const problems: Problems = { machine, name, transient, found: new Set() };
  if (!isName(name))
    refuse(
      problems,
      `the id of machine "${name}"`,
      'a name (a letter, then at most 127 letters, digits or . : _ -)',
      shown(name),
      'Its actors are found by it: give createMachine an id, or defineMachine a name.',
    );
  if (typeof machine.version !== 'string' || machine.version === '')
    refuse(
      problems,
      `\`version\` of machine "${name}"`,
      'text',
      shown(machine.version),
      "Its actors outlive this code, and say by it which machine they need: write version: '1'.",
    );
  for (const [src, logic] of Object.entries(machine.implementations.actors))
    checkSource(problems, src, logic);
  checkNamedActions(problems);
  visit(machine.root, problems);
  return [...problems.found];
}

/** Adds a refusal. */
function refuse(problems: Problems, expected: string, toBe: string, got: string, repair: string): void {
  problems.found.add(`Expected ${expected} to be ${toBe}, got ${got}. ${repair}`);
}

function visit(node: AnyStateNode, problems: Problems): void {
  const place = placeText(node, problems);
  const { config } = node;
  if (node.parent !== undefined && (node.key === '' || /[./|]/.test(node.key)))
    refuse(
      problems,
      `the key of ${place}`,
      'without . / and |',
      shown(node.key),
      'Where an actor is, is stored as paths joined by |: rename the state.',
    );
  if ((config as { readonly route?: unknown }).route !== undefined)
    refuse(
      problems,
      `${place}`,
      'entered by events of the machine',
      '`route`',
      'Events that begin with xstate. are not taken from outside: write a transition with an event of its own.',
    );
  checkActions(node.entry, `entry of ${place}`, problems);
  checkActions(node.exit, `exit of ${place}`, problems);
  checkActions(node.initial.actions, `initial of ${place}`, problems);
  for (const [event, candidates] of node.transitions) {
    for (const { guard, actions } of candidates) {
      checkGuard(guard, `"${event}" of ${place}`, problems);
      checkActions(actions, `"${event}" of ${place}`, problems);
    }
  }
  for (const { guard, actions } of node.always ?? []) {
    checkGuard(guard, `always of ${place}`, problems);
    checkActions(actions, `always of ${place}`, problems);
  }
  for (const delay of Object.keys(config.after ?? {})) checkDelay(problems, delay, place);
  const invoked = config.invoke as InvokeConfig | readonly InvokeConfig[] | undefined;
  for (const invoke of invoked === undefined ? [] : ([invoked].flat() as InvokeConfig[]))
    checkInvoke(problems, invoke, node);
  for (const child of Object.values(node.states)) visit(child as AnyStateNode, problems);
}

function checkDelay(problems: Problems, delay: string, place: string): void {
  if (!Number.isNaN(+delay) || getOwn(problems.machine.implementations.delays, delay) !== undefined) return;
  refuse(
    problems,
    `\`after\` of ${place}`,
    'milliseconds, or a delay of setup({ delays })',
    shown(delay),
    'XState would not wait at all: define the delay, or write a number.',
  );
}

function checkInvoke(problems: Problems, invoke: InvokeConfig, node: AnyStateNode): void {
  const { src, id, systemId, syncSnapshot, onSnapshot } = invoke;
  const place = placeText(node, problems);
  if (typeof src !== 'string')
    refuse(
      problems,
      `\`src\` of an invoke of ${place}`,
      'the name of an actor',
      'logic',
      'A record names what its children are made of: put the logic into setup({ actors }) and write its name.',
    );
  else if (getOwn(problems.machine.implementations.actors as Record<string, unknown>, src) === undefined)
    refuse(
      problems,
      `\`src\` of an invoke of ${place}`,
      'the name of an actor of setup({ actors })',
      shown(src),
      'Define it there: fromJob(…), or a machine.',
    );
  if (id !== undefined && !isChildName(id))
    refuse(
      problems,
      `\`id\` of an invoke of ${place}`,
      '1 to 128 characters without / # | * and control characters',
      shown(id),
      'Ids of its jobs and actors hold it: choose another one.',
    );
  if (systemId !== undefined)
    refuse(
      problems,
      `an invoke of ${place}`,
      'without `systemId`',
      shown(systemId),
      'There is no system of live actors: send to a child by its id, to another actor with sendToActor.',
    );
  if (syncSnapshot !== undefined || onSnapshot !== undefined)
    refuse(
      problems,
      `an invoke of ${place}`,
      `without \`${onSnapshot === undefined ? 'syncSnapshot' : 'onSnapshot'}\``,
      'it',
      'A child sends what its parent shall know: let it use sendParent.',
    );
}

function checkSource(problems: Problems, src: string, logic: unknown): void {
  if (sourceOf(logic) !== null || isMachine(logic)) return;
  const expected = `actor "${src}" of machine "${problems.name}"`;
  const kind = kindOf(logic);
  refuse(problems, expected, 'durable', kind.is, kind.repair);
}

/** Whether logic is a machine of XState. */
export function isMachine(logic: unknown): logic is AnyStateMachine {
  return typeof logic === 'object' && logic !== null && '__xstatenode' in logic;
}

const nothing = (): never => {
  throw new Error('never called');
};

// Logic of one kind has the same code wherever it was made, and no name that says what it is.
const kinds: readonly { readonly code: string; readonly is: string; readonly repair: string }[] = [
  {
    code: codeOf(fromPromise(nothing)),
    is: 'fromPromise of xstate',
    repair:
      'A promise lives in one process: write fromJob(defineJob({ … })), or import fromPromise from signalbox.',
  },
  {
    code: codeOf(fromCallback(nothing)),
    is: 'fromCallback of xstate',
    repair: 'A callback lives in one process: let a job do it, and send its news with local.actor().',
  },
  {
    code: codeOf(fromObservable(nothing)),
    is: 'fromObservable of xstate',
    repair: 'A subscription lives in one process: let a job or a service subscribe, and send to the actor.',
  },
  {
    code: codeOf(fromEventObservable(nothing)),
    is: 'fromEventObservable of xstate',
    repair: 'A subscription lives in one process: let a job or a service subscribe, and send to the actor.',
  },
  {
    code: codeOf(fromTransition(nothing, undefined)),
    is: 'fromTransition of xstate',
    repair: 'A child has states: write it as a machine, or make it an actor of its own with defineMachine.',
  },
];

function codeOf(logic: unknown): string {
  const { transition, start } = logic as { readonly transition?: unknown; readonly start?: unknown };
  return `${transition}\n${start}`;
}

function kindOf(logic: unknown): { readonly is: string; readonly repair: string } {
  const repair = 'Write fromJob(defineJob({ … })), fromPromise of signalbox, or a machine.';
  if (typeof logic !== 'object' || logic === null) return { is: shown(logic), repair };
  if ('prepared' in logic)
    return { is: 'what defineMachine returned', repair: 'Pass the machine itself: its `logic`.' };
  const code = codeOf(logic);
  return kinds.find((kind) => kind.code === code) ?? { is: 'other logic', repair };
}

/** Whether logic is a reducer: made by `fromTransition`. */
export function isReducer(logic: unknown): boolean {
  return typeof logic === 'object' && logic !== null && codeOf(logic) === kinds.at(-1)?.code;
}
