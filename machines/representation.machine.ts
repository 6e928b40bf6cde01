import { assign, setup } from 'xstate';

/** The data of a dispatcher's representation in one queue. Instants are epoch milliseconds, intervals milliseconds. */
export interface RepresentationContext {
  readonly queue: string;
  readonly dispatcher: string;
  /** When it was activated; null while it is not. */
  readonly activated: number | null;
  readonly lastPing: number | null;
  readonly pingInterval: number;
  readonly pingDeathInterval: number;
  /** The epoch in which it was last activated. */
  readonly epoch: number;
}

/** Everything that can happen to a representation. */
export type RepresentationEvent =
  | { readonly type: 'representation.activate'; readonly at: number; readonly epoch: number }
  | { readonly type: 'representation.reactivate'; readonly at: number; readonly epoch: number }
  | { readonly type: 'representation.deactivate' }
  | { readonly type: 'representation.unregister' }
  | { readonly type: 'ping'; readonly at: number }
  | { readonly type: 'activated.set'; readonly at: number }
  | { readonly type: 'pingIntervals.set'; readonly pingInterval: number; readonly pingDeathInterval: number };

/** A state of the chart as records store it. */
export type RepresentationState = 'registered' | 'activated' | 'deactivated';

/** The data that a new representation needs. */
export type RepresentationInput = Pick<RepresentationContext, 'queue' | 'dispatcher'>;

/** Returns the context of a new representation: ping every 30 s, dead after 60 s. */
export function newRepresentationContext(input: RepresentationInput): RepresentationContext {
  return {
    queue: input.queue,
    dispatcher: input.dispatcher,
    activated: null,
    lastPing: null,
    pingInterval: 30_000,
    pingDeathInterval: 60_000,
    epoch: 0,
  };
}

type EventOf<Type extends RepresentationEvent['type']> = Extract<RepresentationEvent, { type: Type }>;

/**
 * A dispatcher's durable record in one queue. `dead` is no state: it follows from the last ping and the clock.
 *
 * ```text
 *   ┌────────────┐  activate · reactivate  ┌───────────┐  deactivate  ┌─────────────┐
 *   │ registered │ ──────────────────────▶ │ activated │ ───────────▶ │ deactivated │
 *   └────────────┘                         └───────────┘ ◀─────────── └─────────────┘
 *                                                 activate · reactivate
 * ```
 *
 * Activation cleans what the dispatcher left behind earlier; reactivation (a ping of a dispatcher that was wrongly
 * declared dead) does not. A representation that is not activated can be unregistered: it is cleaned once more, and its
 * record and the records of its agents are dropped.
 */
export const representationMachine = setup({
  types: {
    input: {} as RepresentationInput,
    context: {} as RepresentationContext,
    events: {} as RepresentationEvent,
  },
  actions: {
    markActivated: assign(({ event }) => {
      const { at, epoch } = event as EventOf<'representation.activate'>;
      return { activated: at, epoch };
    }),
    clearActivated: assign(() => ({ activated: null })),
    /** The later instant wins: a late write must not make the last ping look older than it is. */
    keepPing: assign(({ context, event }) => ({
      lastPing: Math.max(context.lastPing ?? 0, (event as EventOf<'ping'>).at),
    })),
    setActivated: assign(({ event }) => {
      const { at } = event as EventOf<'activated.set'>;
      return { activated: at, lastPing: at };
    }),
    setIntervals: assign(({ event }) => {
      const { pingInterval, pingDeathInterval } = event as EventOf<'pingIntervals.set'>;
      return { pingInterval, pingDeathInterval };
    }),
    // Effects: carried out by src/runtime.
    cleanAgents: () => {},
    announceActivation: () => {},
    announceReactivation: () => {},
    announceDeactivation: () => {},
    announceUnregistration: () => {},
  },
}).createMachine({
  id: 'representation',
  version: '1',
  context: ({ input }) => newRepresentationContext(input),
  initial: 'registered',
  on: {
    ping: { actions: 'keepPing' },
    'pingIntervals.set': { actions: 'setIntervals' },
  },
  states: {
    registered: {
      on: {
        'representation.activate': {
          target: 'activated',
          actions: ['cleanAgents', 'markActivated', 'announceActivation'],
        },
        'representation.reactivate': {
          target: 'activated',
          actions: ['markActivated', 'announceReactivation'],
        },
        'representation.unregister': { actions: ['cleanAgents', 'announceUnregistration'] },
      },
    },
    activated: {
      on: {
        'representation.deactivate': {
          target: 'deactivated',
          actions: ['clearActivated', 'cleanAgents', 'announceDeactivation'],
        },
        'activated.set': { actions: 'setActivated' },
      },
    },
    deactivated: {
      on: {
        'representation.activate': {
          target: 'activated',
          actions: ['cleanAgents', 'markActivated', 'announceActivation'],
        },
        'representation.reactivate': {
          target: 'activated',
          actions: ['markActivated', 'announceReactivation'],
        },
        'representation.unregister': { actions: ['cleanAgents', 'announceUnregistration'] },
      },
    },
  },
});
