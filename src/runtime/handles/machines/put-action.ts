import type { ActionFunction, EventObject, MachineContext, ParameterizedObject } from 'xstate';
import { invalidOption } from '../../../errors.ts';
import { durableAction } from '../../../model/durable/actions.ts';
import type { JobDefinition } from '../job.ts';
import { type ChildJobOptions, checkedChildOptions, checkedDefinition } from './from-job.ts';

/** What an action of a machine is called with. */
export interface ActionGiven<Context, Event> {
  readonly context: Context;
  readonly event: Event;
}

/**
 * An action of a machine: puts a job in the commit of the step. The machine does not get its outcome: for that see {@link fromJob}.
 *
 * @example
 * ```ts
 * import { defineJob, defineMachine, put } from 'signalbox';
 * import { setup } from 'xstate';
 *
 * const mail = defineJob({ name: 'mail', run: (to: string, text: string) => `${to}: ${text}` });
 * export const reminder = defineMachine(
 *   setup({
 *     types: { context: {} as { email: string }, input: {} as { email: string } },
 *     actions: { remind: put(mail, ({ context }) => [context.email, 'please approve']) },
 *   }).createMachine({
 *     id: 'reminder',
 *     version: '1',
 *     context: ({ input }) => input,
 *     on: { remind: { actions: 'remind' } },
 *   }),
 * );
 * console.log(reminder.name); // => reminder
 * ```
 *
 * @throws SignalboxError `ANONYMOUS_FUNCTION`, `INVALID_OPTION`.
 */
export function put<
  TContext extends MachineContext,
  TExpressionEvent extends EventObject,
  TEvent extends EventObject,
  TParams extends ParameterizedObject['params'] | undefined,
  Args extends readonly unknown[],
>(
  job: JobDefinition<Args, unknown>,
  // Not NoInfer<Args>: that would lose the tuple.
  args: (given: ActionGiven<TContext, TExpressionEvent>, params: TParams) => readonly [...Args],
  options: ChildJobOptions = {},
): ActionFunction<TContext, TExpressionEvent, TEvent, TParams, never, never, never, never, never> {
  if (typeof args !== 'function')
    throw invalidOption('args', 'a function that gives the list of arguments', args);
  return durableAction({
    kind: 'put',
    job: checkedDefinition(job),
    args: args as never,
    options: checkedChildOptions(options),
  }) as never;
}

/**
 * An action of a machine: sends a message to another durable actor, in the commit of the step. `to`: its key.
 *
 * @example
 * ```ts
 * import { defineMachine, sendToActor } from 'signalbox';
 * import { fromTransition, setup } from 'xstate';
 *
 * const length = defineMachine(
 *   fromTransition((n: number, event: { type: 'change'; by: number }) => n + event.by, 0),
 *   { name: 'length' },
 * );
 * export const counter = defineMachine(
 *   setup({
 *     actions: {
 *       tell: sendToActor(length, () => ({ to: 'root', event: { type: 'change', by: 4 } })),
 *     },
 *   }).createMachine({ id: 'counter', version: '1', on: { tell: { actions: 'tell' } } }),
 * );
 * console.log(counter.name); // => counter
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`.
 */
export function sendToActor<
  const E extends EventObject,
  TContext extends MachineContext,
  TExpressionEvent extends EventObject,
  TEvent extends EventObject,
  TParams extends ParameterizedObject['params'] | undefined,
>(
  // The event is carried by the definition, and by nothing else: a message with less would make it wider.
  machine: { readonly name: string; readonly _event?: E },
  message: (
    given: ActionGiven<TContext, TExpressionEvent>,
    params: TParams,
  ) => { readonly to: string; readonly event: NoInfer<E> },
): ActionFunction<TContext, TExpressionEvent, TEvent, TParams, never, never, never, never, never> {
  if (typeof Object(machine).name !== 'string' || machine.name === '')
    throw invalidOption('machine', 'what defineMachine returned', machine);
  if (typeof message !== 'function')
    throw invalidOption('message', 'a function that gives { to, event }', message);
  return durableAction({ kind: 'send', machine, message: message as never }) as never;
}
