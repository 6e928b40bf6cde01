import { assign, setup } from 'xstate';

/** What a live agent knows. */
export interface AgentContext {
  /** How many jobs it may hold. */
  readonly size: number;
  /** How many it holds: claimed and not yet completed. */
  readonly held: number;
  /** Work was offered while a claim was under way, so one more claim is due. */
  readonly offered: boolean;
}

/** Everything that can happen to a live agent: at most one of a kind per tick, never one per job. */
export type AgentEvent =
  /** The queue may hold something for it. */
  | { readonly type: 'work.available' }
  /** A claim ended. `held` counts what it holds now. */
  | { readonly type: 'claim.done'; readonly held: number }
  /** Slots were freed. `held` counts what it holds now. */
  | { readonly type: 'slots.freed'; readonly held: number }
  | { readonly type: 'agent.resized'; readonly size: number }
  | { readonly type: 'agent.drain' }
  | { readonly type: 'agent.resume' };

type EventOf<Type extends AgentEvent['type']> = Extract<AgentEvent, { type: Type }>;

/**
 * Takes jobs from its queue up to its size. Jobs are counted, not held as children.
 *
 * ```text
 *   ┌──────┐ work.available ┌──────────┐ claim.done ┌─────────┐
 *   │ idle │ ─────────────▶ │ claiming │ ─────────▶ │ working │ ◀─ slots.freed
 *   └──────┘ ◀───────────── └──────────┘ ◀───────── └─────────┘
 *       claim.done, none held  ▲    │ claim.done,      work.available
 *                  slots.freed │    ▼ no room
 *                           ┌──────────┐            ┌──────────┐
 *                           │   full   │            │ draining │  from every state; agent.resume leaves it
 *                           └──────────┘            └──────────┘
 * ```
 */
export const agentMachine = setup({
  types: {
    input: {} as { size: number },
    context: {} as AgentContext,
    events: {} as AgentEvent,
  },
  guards: {
    hasRoom: ({ context, event }) => held(context, event) < context.size,
    holdsNothing: ({ context, event }) => held(context, event) === 0,
    wasOffered: ({ context, event }) => context.offered && held(context, event) < context.size,
    growsBeyondHeld: ({ context, event }) => context.held < (event as EventOf<'agent.resized'>).size,
  },
  actions: {
    count: assign(({ context, event }) => ({ held: held(context, event) })),
    remember: assign(() => ({ offered: true })),
    forget: assign(() => ({ offered: false })),
    resize: assign(({ event }) => ({ size: (event as EventOf<'agent.resized'>).size })),
    // Effect: carried out by src/runtime, which answers with claim.done.
    claim: () => {
      throw new Error('claim is provided by src/runtime');
    },
  },
}).createMachine({
  id: 'agent',
  version: '1',
  context: ({ input }) => ({ size: input.size, held: 0, offered: false }),
  initial: 'idle',
  on: { 'agent.drain': { target: '.draining' } },
  states: {
    idle: {
      on: {
        'work.available': { target: 'claiming' },
        'slots.freed': { actions: 'count' },
        'agent.resized': { actions: 'resize' },
      },
    },
    claiming: {
      entry: ['forget', 'claim'],
      on: {
        'work.available': { actions: 'remember' },
        'slots.freed': { actions: ['count', 'remember'] },
        'claim.done': [
          { guard: 'wasOffered', target: 'claiming', reenter: true, actions: 'count' },
          { guard: 'holdsNothing', target: 'idle', actions: 'count' },
          { guard: 'hasRoom', target: 'working', actions: 'count' },
          { target: 'full', actions: 'count' },
        ],
        'agent.resized': { actions: ['resize', 'remember'] },
      },
    },
    working: {
      on: {
        'work.available': { target: 'claiming' },
        'slots.freed': [
          { guard: 'holdsNothing', target: 'idle', actions: 'count' },
          { guard: 'hasRoom', actions: 'count' },
        ],
        'agent.resized': [
          { guard: 'growsBeyondHeld', target: 'claiming', actions: 'resize' },
          { target: 'full', actions: 'resize' },
        ],
      },
    },
    full: {
      on: {
        'slots.freed': [{ guard: 'hasRoom', target: 'claiming', actions: 'count' }, { actions: 'count' }],
        'agent.resized': [
          { guard: 'growsBeyondHeld', target: 'claiming', actions: 'resize' },
          { actions: 'resize' },
        ],
      },
    },
    draining: {
      on: {
        'agent.drain': {},
        'claim.done': { actions: 'count' },
        'slots.freed': { actions: 'count' },
        'agent.resized': { actions: 'resize' },
        'agent.resume': { target: 'claiming' },
      },
    },
  },
});

function held(context: AgentContext, event: AgentEvent): number {
  return 'held' in event ? event.held : context.held;
}
