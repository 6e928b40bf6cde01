import { defineMachine, sendToActor } from 'signalbox';
import { assign, cancel, fromTransition, raise, sendParent, setup } from 'xstate';

/** What a counter has counted. */
export interface Count {
  readonly sum: number;
  readonly times: number;
}

/** A reducer, which refuses one number. */
export const counter = defineMachine(
  fromTransition(
    ({ sum, times }: Count, { by }: { type: 'add'; by: number }): Count => {
      if (by === 13) throw new Error('thirteen is not counted');
      return { sum: sum + by, times: times + 1 };
    },
    { sum: 0, times: 0 },
  ),
  { name: 'counter' },
);

/** Two of them write to each other, until a ball has been hit as often as it may. */
export const talker = defineMachine(
  setup({
    types: {
      input: {} as { other: string },
      context: {} as { other: string; heard: number },
      events: {} as { type: 'ball'; left: number },
    },
    actions: {
      hit: sendToActor({ name: 'talker' }, ({ context, event }) => ({
        to: context.other,
        event: { type: 'ball', left: event.left - 1 } as const,
      })),
      count: assign({ heard: ({ context }) => context.heard + 1 }),
    },
  }).createMachine({
    id: 'talker',
    version: '1',
    context: ({ input }) => ({ other: input.other, heard: 0 }),
    on: {
      ball: [{ guard: ({ event }) => event.left > 0, actions: ['count', 'hit'] }, { actions: 'count' }],
    },
  }),
);

/**
 * Watches its own timers: one is called off, two without a name of their own come both. It is in state `broken` when they do otherwise.
 */
export const alarm = defineMachine(
  setup({
    types: {
      context: {} as { isArmed: boolean; rung: number },
      events: {} as { type: 'arm' } | { type: 'calm' } | { type: 'ring' } | { type: 'bell' },
    },
    actions: {
      arm: raise({ type: 'ring' }, { delay: 3000, id: 'ring' }),
      disarm: cancel('ring'),
      bell: raise({ type: 'bell' }, { delay: 2000 }),
      laterBell: raise({ type: 'bell' }, { delay: 5000 }),
    },
  }).createMachine({
    id: 'alarm',
    version: '1',
    context: { isArmed: false, rung: 0 },
    initial: 'quiet',
    states: {
      quiet: {
        on: {
          arm: {
            target: 'ticking',
            actions: [assign({ isArmed: true, rung: 0 }), 'arm', 'bell', 'laterBell'],
          },
          ring: { target: 'broken' },
          bell: { target: 'broken' },
        },
      },
      ticking: {
        after: {
          9000: [{ guard: ({ context }) => context.rung === 2, target: 'quiet' }, { target: 'broken' }],
        },
        on: {
          calm: { actions: [assign({ isArmed: false }), 'disarm'] },
          ring: [
            { guard: ({ context }) => context.isArmed, actions: assign({ isArmed: false }) },
            { target: 'broken' },
          ],
          bell: { actions: assign({ rung: ({ context }) => context.rung + 1 }) },
        },
      },
      broken: {},
    },
  }),
);

function thrown(): never {
  throw new Error('it breaks');
}

/** Breaks when its time has come, and is suspended then: an operator skips that, resumes or stops it. */
export const fragile = defineMachine(
  setup({
    types: { context: {} as { n: number }, events: {} as { type: 'count' } | { type: 'break' } },
    actions: { throws: assign(thrown), count: assign({ n: ({ context }) => context.n + 1 }) },
  }).createMachine({
    id: 'fragile',
    version: '1',
    context: { n: 0 },
    initial: 'whole',
    states: {
      whole: {
        after: { 5000: { target: 'over', actions: 'throws' }, 9000: { target: 'over' } },
        on: { count: { actions: 'count' }, break: { actions: 'throws' } },
      },
      over: { on: { count: { actions: 'count' } } },
    },
  }),
);

/** Breaks soon after its start, and has failed then. */
export const brittle = defineMachine(
  setup({
    types: { input: {} as { fails: boolean }, context: {} as { fails: boolean } },
    actions: { throws: assign(thrown) },
  }).createMachine({
    id: 'brittle',
    version: '1',
    context: ({ input }) => input,
    initial: 'whole',
    states: {
      whole: {
        entry: sendParent({ type: 'hello' }),
        after: {
          1500: [
            { guard: ({ context }) => context.fails, target: 'over', actions: 'throws' },
            { target: 'over' },
          ],
        },
      },
      over: { type: 'final' },
    },
  }),
  { onError: 'fail' },
);

/** Starts what is brittle until it holds, each time anew. */
export const guardian = defineMachine(
  setup({
    types: {
      context: {} as { tries: number; heard: number },
      events: {} as { type: 'hello' } | { type: 'enough' },
    },
    actors: { brittle: brittle.logic },
  }).createMachine({
    id: 'guardian',
    version: '1',
    context: { tries: 0, heard: 0 },
    initial: 'guarding',
    on: { hello: { actions: assign({ heard: ({ context }) => context.heard + 1 }) } },
    states: {
      guarding: {
        invoke: {
          id: 'brittle',
          src: 'brittle',
          input: ({ context }) => ({ fails: context.tries < 2 }),
          onDone: { target: 'over' },
          onError: {
            target: 'guarding',
            reenter: true,
            actions: assign({ tries: ({ context }) => context.tries + 1 }),
          },
        },
        on: { enough: { target: 'over' } },
      },
      over: { type: 'final' },
    },
  }),
);
