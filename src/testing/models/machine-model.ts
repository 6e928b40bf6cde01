import type { AnyMachineSnapshot, AnyStateMachine, ContextFrom, EventFromLogic, InputFrom } from 'xstate';
import type { ExternalEvent, MachineDefinition } from '../../index.ts';
import { checkOptions, invalid } from '../check-options.ts';
import { type EventCause, type GraphModel, graphModel } from './graph-model.ts';

/** How a child may end. */
export type ChildOutcome = { readonly output: unknown } | { readonly error: unknown };

/** What a model of a machine is made of. */
export interface MachineModelOptions<Machine extends AnyStateMachine> {
  /** What its start is given. Left out where it takes none. */
  readonly input?: InputFrom<Machine>;
  /** The events that programs send to it. */
  readonly events?: readonly ExternalEvent<Machine>[];
  /** How each child may end, by its id. Default: with no output, and with an error. */
  readonly outcomes?: { readonly [child: string]: readonly ChildOutcome[] };
  /** What of the context makes a difference. Default: all of it, so a context that counts needs this. */
  readonly seen?: (context: ContextFrom<Machine>) => unknown;
}

const either: readonly ChildOutcome[] = [{ output: undefined }, { error: new Error('the child failed') }];
const after = 'xstate.after.';
const done = 'xstate.done.actor.';
const failed = 'xstate.error.actor.';

/**
 * A machine of yours for `xstate/graph`, as durable actors take its steps: nothing is started, `after` comes as its event, and a
 * child ends in the ways that are given. `machinePaths` leads such paths through a real box; this is for those who make paths of
 * their own. Events with a delay of their own, by `raise` and `sendTo`, are not in a snapshot: give them among `events`.
 *
 * @example
 * ```ts
 * import { defineJob, defineMachine, fromJob } from 'signalbox';
 * import { machineModel } from 'signalbox/testing';
 * import { setup } from 'xstate';
 * import { getSimplePaths } from 'xstate/graph';
 *
 * const charge = defineJob({ name: 'charge', run: (cents: number) => cents });
 * const order = defineMachine(
 *   setup({
 *     types: { events: {} as { type: 'approve' } },
 *     actors: { charge: fromJob(charge) },
 *   }).createMachine({
 *     id: 'order',
 *     version: '1',
 *     initial: 'asked',
 *     states: {
 *       asked: { on: { approve: { target: 'paying' } }, after: { 86_400_000: { target: 'over' } } },
 *       paying: {
 *         invoke: { id: 'charge', src: 'charge', input: [4200], onDone: { target: 'over' }, onError: { target: 'asked' } },
 *       },
 *       over: { type: 'final' },
 *     },
 *   }),
 * );
 * const model = machineModel(order, { events: [{ type: 'approve' }] });
 * const paths = getSimplePaths(model.machine, { ...model.walk(), toState: (snapshot) => snapshot.status === 'done' });
 * for (const { steps } of paths) console.log(steps.slice(1).map(({ event }) => model.calls[event.type]?.how).join(', '));
 * // => actor.send({ type: 'approve' }), child "charge" ends: its result is its output
 * // => time passes: the timer of state "asked" fires after 86400000 ms
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`: a reducer, and an event that the machine does not have.
 */
export function machineModel<Machine extends AnyStateMachine>(
  definition: MachineDefinition<Machine>,
  options: MachineModelOptions<Machine> = {},
): GraphModel<Machine, 'actor'> {
  checkOptions(options, ['input', 'events', 'outcomes', 'seen']);
  const { events = [], outcomes = {}, seen = (context) => context } = options;
  const { prepared, name } = definition;
  if (prepared.engine === null) throw invalid('definition', 'a machine with states', `the reducer "${name}"`);
  const machine = prepared.engine.machine as Machine;
  type Event = EventFromLogic<Machine>;
  for (const { type } of events as readonly Event[])
    if (!knows(machine, type))
      throw invalid('events', `events of machine "${name}": ${external(machine)}`, type);
  return graphModel({
    machine,
    events: events as readonly Event[],
    lives: { actor: options.input as InputFrom<Machine> },
    calls: Object.fromEntries(
      [...machine.events, ...(events as readonly Event[]).map(({ type }) => type)].map((type) => [
        type,
        causeOf(type),
      ]),
    ),
    more: (snapshot) => pending(snapshot as AnyMachineSnapshot, outcomes) as readonly Event[],
    seen: seen as (context: unknown) => unknown,
  });
}

/** What may come by itself: timers, and the ends of children. */
function pending(
  snapshot: AnyMachineSnapshot,
  outcomes: NonNullable<MachineModelOptions<AnyStateMachine>['outcomes']>,
): readonly { readonly type: string }[] {
  const timers = snapshot._nodes.flatMap(({ ownEvents }) =>
    ownEvents.filter((type) => type.startsWith(after)),
  );
  const ends = Object.keys(snapshot.children).flatMap((child) =>
    (outcomes[child] ?? either).map((outcome) =>
      'error' in outcome
        ? { type: `${failed}${child}`, actorId: child, error: outcome.error }
        : { type: `${done}${child}`, actorId: child, output: outcome.output },
    ),
  );
  return [...timers.map((type) => ({ type })), ...ends];
}

function causeOf(type: string): EventCause {
  if (type.startsWith(after)) {
    const [delay, ...state] = type.slice(after.length).split('.');
    return { how: `time passes: the timer of state "${state.slice(1).join('.')}" fires after ${delay} ms` };
  }
  if (type.startsWith(done))
    return { how: `child "${type.slice(done.length)}" ends: its result is its output` };
  if (type.startsWith(failed)) return { how: `child "${type.slice(failed.length)}" fails: its error stays` };
  if (type.startsWith('xstate.')) return { how: 'XState itself' };
  return { how: `actor.send({ type: '${type}' })`, call: (box, id, event) => box.actorById(id).send(event) };
}

/** Whether some state takes events of this type, as far as the chart tells. */
export function knows(machine: AnyStateMachine, type: string): boolean {
  return machine.events.some(
    (known) =>
      known === type || known === '*' || (known.endsWith('.*') && type.startsWith(known.slice(0, -1))),
  );
}

/** The types that programs may send, as text. */
export function external(machine: AnyStateMachine): string {
  return machine.events.filter((type) => !type.startsWith('xstate.')).join(', ');
}
