import { setup } from 'xstate';

/** Everything that can happen to a delivery. */
export type DeliveryEvent =
  /** There may be mail, or a timer of an actor is due. */
  | { readonly type: 'mail.available' }
  /** All that was found is delivered. */
  | { readonly type: 'delivery.done' }
  | { readonly type: 'delivery.stop' };

/**
 * Takes mail and due timers to the actors of one process. However much arrives while it delivers, it looks once more.
 *
 * ```text
 *          mail.available                mail.available
 *  ┌──────┐ ───────────▶ ┌────────────┐ ───────────▶ ┌────────────┐
 *  │ idle │ ◀─────────── │ delivering │ ◀─────────── │ askedAgain │
 *  └──┬───┘    done      └─────┬──────┘     done     └─────┬──────┘
 *     │ stop                   │ stop                      │ stop
 *     ▼             done       ▼                           │
 *  stopped ◀─────────────── draining ◀─────────────────────┘
 * ```
 */
export const deliveryMachine = setup({
  types: { events: {} as DeliveryEvent },
  actions: {
    // Effect: carried out by src/runtime.
    deliver: () => {
      throw new Error('the effects of the delivery are provided by src/runtime');
    },
  },
}).createMachine({
  id: 'delivery',
  version: '1',
  initial: 'idle',
  states: {
    idle: { on: { 'mail.available': { target: 'delivering' }, 'delivery.stop': { target: 'stopped' } } },
    delivering: {
      entry: 'deliver',
      on: {
        'mail.available': { target: 'askedAgain' },
        'delivery.done': { target: 'idle' },
        'delivery.stop': { target: 'draining' },
      },
    },
    askedAgain: {
      on: { 'delivery.done': { target: 'delivering' }, 'delivery.stop': { target: 'draining' } },
    },
    draining: { on: { 'delivery.done': { target: 'stopped' } } },
    stopped: {},
  },
});
