import { type ActorEvent, actorMachine } from '../../../machines/actor.machine.ts';
import type { Failure } from '../../../machines/job.context.ts';
import type { DurableActor, Signalbox } from '../../index.ts';
import { type EventCause, type GraphModel, graphModel } from './graph-model.ts';

const failure: Failure = { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} };

const events: readonly ActorEvent[] = [
  { type: 'actor.start', at: 10, parent: null, ending: null, patch: { machine: 'order', version: '1' } },
  { type: 'actor.start', at: 10, parent: null, ending: 'done', patch: { output: 1 } },
  { type: 'actor.start', at: 10, parent: null, ending: 'failed', patch: { failure } },
  { type: 'actor.step', at: 20, ending: null, patch: {} },
  { type: 'actor.step', at: 20, ending: 'done', patch: { output: 1 } },
  { type: 'actor.step', at: 20, ending: 'failed', patch: { failure } },
  { type: 'actor.migrate', patch: { version: '2' } },
  { type: 'actor.suspend', failure },
  { type: 'actor.resume' },
  { type: 'actor.stop', at: 30 },
];

const calls: { readonly [type in ActorEvent['type']]: EventCause } = {
  'actor.start': { how: 'box.actor(machine, key).start(input)' },
  'actor.step': { how: 'its machine takes an event that was sent, a timer, or the outcome of a child' },
  'actor.migrate': { how: 'it takes its next event by a version of its machine with a migration' },
  'actor.suspend': called(
    'actor.suspend(reason); or a step throws that its flow cannot do without',
    (actor) => actor.suspend('by the model'),
  ),
  'actor.resume': called('actor.resume() or actor.skip()', (actor) => actor.resume()),
  'actor.stop': called('actor.stop()', (actor) => actor.stop()),
};

function called(how: string, call: (actor: DurableActor) => Promise<unknown>): EventCause {
  return { how, call: (box: Signalbox, id: string) => call(box.actorById(id)) };
}

/**
 * The life of a durable actor for `xstate/graph`: the chart of its status, with samples of its events, and how each of them comes
 * about. What its machine does is the machine's own: see `machineModel`.
 *
 * @example
 * ```ts
 * import { actorModel } from 'signalbox/testing';
 * import { getShortestPaths } from 'xstate/graph';
 *
 * const paths = getShortestPaths(actorModel.machine, actorModel.walk());
 * const stopped = paths.find(({ state }) => state.matches('stopped'));
 * console.log(stopped?.steps.slice(1).map(({ event }) => actorModel.calls[event.type]?.how));
 * // => [ 'box.actor(machine, key).start(input)', 'actor.stop()' ]
 * ```
 */
export const actorModel: GraphModel<typeof actorMachine, 'actor'> = graphModel({
  machine: actorMachine,
  events,
  calls,
  lives: { actor: undefined },
  // Guards read the event alone.
  seen: () => null,
});
