import { setup } from 'xstate';

/** Everything that can happen to a dispatcher process. */
export type DispatcherEvent =
  | { readonly type: 'dispatcher.activate' }
  | { readonly type: 'poll.due' }
  | { readonly type: 'poll.done' }
  | { readonly type: 'dispatcher.deactivate' }
  | { readonly type: 'deactivation.done' }
  /** Stops polling without cleaning anything, as a crash would. */
  | { readonly type: 'dispatcher.abandon' };

/**
 * The process that polls. Polls never overlap: the next is due one interval after the last one ended.
 * `dead` and RUNNING or STUCK are computed from records and the clock, never states.
 *
 * ```text
 *   ┌─────────┐ activate ┌─────────┐ poll.due ┌─────────┐ abandon  ┌───────────┐
 *   │ stopped │ ───────▶ │ waiting │ ───────▶ │ polling │ ───────▶ │ abandoned │ ── poll.done ──▶ stopped
 *   └─────────┘          └─────────┘ ◀─────── └─────────┘          └───────────┘
 *        ▲                    │      poll.done     │                 │ activate
 *        │ deactivation.done  ▼ deactivate         ▼ deactivate      ▼
 *        │               ┌──────────┐ poll.done ┌─────────┐        ┌───────────┐
 *        └────────────── │ stopping │ ◀──────── │ closing │ ◀───── │ returning │ ── poll.done ──▶ waiting
 *                        └──────────┘           └─────────┘        └───────────┘
 * ```
 *
 * A dispatcher that was abandoned during a poll can be activated at once; it polls again when the old poll has ended.
 */
export const dispatcherMachine = setup({
  types: { events: {} as DispatcherEvent },
  actions: {
    // Effects: carried out by src/runtime.
    schedulePollNow: unprovided,
    schedulePoll: unprovided,
    cancelPoll: unprovided,
    poll: unprovided,
    deactivateQueues: unprovided,
  },
}).createMachine({
  id: 'dispatcher',
  version: '1',
  initial: 'stopped',
  states: {
    stopped: {
      on: { 'dispatcher.activate': { target: 'waiting', actions: 'schedulePollNow' } },
    },
    waiting: {
      exit: 'cancelPoll',
      on: {
        'poll.due': { target: 'polling' },
        'dispatcher.deactivate': { target: 'stopping' },
        'dispatcher.abandon': { target: 'stopped' },
      },
    },
    polling: {
      entry: 'poll',
      on: {
        'poll.done': { target: 'waiting', actions: 'schedulePoll' },
        'dispatcher.deactivate': { target: 'closing' },
        'dispatcher.abandon': { target: 'abandoned' },
      },
    },
    closing: {
      on: {
        'poll.done': { target: 'stopping' },
        'dispatcher.abandon': { target: 'abandoned' },
      },
    },
    // A deactivation continues to its end: the queues are cleaned, and nothing is left to abandon.
    stopping: {
      entry: 'deactivateQueues',
      on: { 'deactivation.done': { target: 'stopped' } },
    },
    abandoned: {
      on: {
        'poll.done': { target: 'stopped' },
        'dispatcher.activate': { target: 'returning' },
      },
    },
    returning: {
      on: {
        'poll.done': { target: 'waiting', actions: 'schedulePollNow' },
        'dispatcher.deactivate': { target: 'closing' },
        'dispatcher.abandon': { target: 'abandoned' },
      },
    },
  },
});

function unprovided(): void {
  throw new Error('the effects of a dispatcher are provided by src/runtime');
}
