import { setup } from 'xstate';

/** Everything that can happen to a dispatcher process. */
export type DispatcherEvent =
  | { readonly type: 'dispatcher.activate' }
  | { readonly type: 'poll.due' }
  | { readonly type: 'poll.done' }
  | { readonly type: 'dispatcher.deactivate' }
  | { readonly type: 'deactivation.done' }
  /** Stops polling with nothing cleaned, as a crash would. */
  | { readonly type: 'dispatcher.abandon' };

/**
 * The process that polls. Polls never overlap: the next is due one interval after the last one ended.
 * `dead` and RUNNING or STUCK are computed from records and the clock, never states.
 *
 * ```text
 *   ┌─────────┐ activate ┌─────────┐ poll.due ┌─────────┐
 *   │ stopped │ ───────▶ │ waiting │ ───────▶ │ polling │
 *   └─────────┘          └─────────┘ ◀─────── └─────────┘
 *        ▲                    │      poll.done     │
 *        │ deactivation.done  ▼ deactivate         ▼ deactivate
 *        │               ┌──────────┐ poll.done ┌─────────┐
 *        └────────────── │ stopping │ ◀──────── │ closing │
 *                        └──────────┘           └─────────┘
 * ```
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
        'dispatcher.abandon': { target: 'stopped' },
      },
    },
    closing: {
      on: {
        'poll.done': { target: 'stopping' },
        'dispatcher.abandon': { target: 'stopped' },
      },
    },
    stopping: {
      entry: 'deactivateQueues',
      on: {
        'deactivation.done': { target: 'stopped' },
        'dispatcher.abandon': { target: 'stopped' },
      },
    },
  },
});

function unprovided(): void {
  throw new Error('the effects of a dispatcher are provided by src/runtime');
}
