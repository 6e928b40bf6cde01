import { assign, setup } from 'xstate';

/** The data of a live agent. */
export interface AgentContext {
  /** How many jobs it may hold. */
  readonly size: number;
  /** How many jobs it held, claimed and not yet completed, at the last count. */
  readonly held: number;
  /** True when something changed during a claim: its count may be old, and one more claim is due. */
  readonly offered: boolean;
}

/** Everything that can happen to a live agent: at most one of a kind per tick, never one per job. */
export type AgentEvent =
  /** The queue may contain jobs for the agent. */
  | { readonly type: 'work.available' }
  /** A poll: the agent claims whatever it counted before, so that the next poll corrects a lost count. */
  | { readonly type: 'claim.due' }
  /** A claim ended. `held` is the number of jobs that the agent held then. */
  | { readonly type: 'claim.done'; readonly held: number }
  /** Slots were freed. `held` is the number of jobs that the agent held then. */
  | { readonly type: 'slots.freed'; readonly held: number }
  | { readonly type: 'agent.resized'; readonly size: number }
  | { readonly type: 'agent.drain' }
  | { readonly type: 'agent.resume' };

type EventOf<Type extends AgentEvent['type']> = Extract<AgentEvent, { type: Type }>;

/**
 * Takes jobs from its queue up to its size. Jobs are counted, not held as children.
 *
 * ```text
 *   ┌──────┐ work.available · slots.freed ┌──────────┐ claim.done, some held  ┌─────────┐
 *   │ idle │ ───────────────────────────▶ │ claiming │ ─────────────────────▶ │ working │
 *   └──────┘ ◀─────────────────────────── └──────────┘ ◀───────────────────── └─────────┘
 *              claim.done, no job held     │  ▲    │    work.available · slots.freed
 *                                no room   ▼  │    │ agent.drain
 *                                    ┌──────┐ │    ▼
 *                                    │ full │ │  ┌─────────┐ claim.done  ┌──────────┐
 *                                    └──────┘ │  │ closing │ ──────────▶ │ draining │ ◀─ agent.drain, from the others
 *                              slots.freed ───┘  └─────────┘             └──────────┘ ─▶ agent.resume: claiming
 * ```
 *
 * At most one claim is under way. An offer or a freed slot during a claim leads to one more claim, whatever the
 * first one counted: its count may be older than the offer. A freed slot leads to a claim in every state: a
 * claim that filled the agent may have left jobs behind, and its last count may already include a slot whose
 * release is announced later.
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
    wasOffered: ({ context }) => context.offered,
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
        'claim.due': { target: 'claiming' },
        'slots.freed': [
          { guard: 'hasRoom', target: 'claiming', actions: 'count' },
          { target: 'full', actions: 'count' },
        ],
        'agent.resized': { actions: 'resize' },
      },
    },
    claiming: {
      entry: ['forget', 'claim'],
      on: {
        'work.available': { actions: 'remember' },
        'claim.due': { actions: 'remember' },
        'slots.freed': { actions: ['count', 'remember'] },
        'agent.resized': { actions: ['resize', 'remember'] },
        'agent.drain': { target: 'closing' },
        'claim.done': [
          { guard: 'wasOffered', target: 'claiming', reenter: true, actions: 'count' },
          { guard: 'holdsNothing', target: 'idle', actions: 'count' },
          { guard: 'hasRoom', target: 'working', actions: 'count' },
          { target: 'full', actions: 'count' },
        ],
      },
    },
    working: {
      on: {
        'work.available': { target: 'claiming' },
        'claim.due': { target: 'claiming' },
        'slots.freed': [
          { guard: 'hasRoom', target: 'claiming', actions: 'count' },
          { target: 'full', actions: 'count' },
        ],
        'agent.resized': [
          { guard: 'growsBeyondHeld', target: 'claiming', actions: 'resize' },
          { target: 'full', actions: 'resize' },
        ],
      },
    },
    full: {
      on: {
        'claim.due': { target: 'claiming' },
        'slots.freed': [{ guard: 'hasRoom', target: 'claiming', actions: 'count' }, { actions: 'count' }],
        'agent.resized': [
          { guard: 'growsBeyondHeld', target: 'claiming', actions: 'resize' },
          { actions: 'resize' },
        ],
      },
    },
    // The agent is drained during a claim. When it is resumed before that claim ends, it claims again after it, never
    // at the same time.
    closing: {
      entry: 'forget',
      on: {
        'agent.drain': { actions: 'forget' },
        'agent.resume': { actions: 'remember' },
        'slots.freed': { actions: 'count' },
        'agent.resized': { actions: 'resize' },
        'claim.done': [
          { guard: 'wasOffered', target: 'claiming', actions: 'count' },
          { target: 'draining', actions: 'count' },
        ],
      },
    },
    draining: {
      on: {
        'agent.drain': {},
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
