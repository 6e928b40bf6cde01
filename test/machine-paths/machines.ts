import { defineJob, defineMachine, fromJob, fromPromise, put } from 'signalbox';
import { assign, fromTransition, sendParent, setup } from 'xstate';

const hour = 3_600_000;

/** Counts to three, and forgets nothing. */
export const counter = defineMachine(
  setup({
    types: {
      input: {} as { from: number } | undefined,
      context: {} as { count: number },
      events: {} as { type: 'add' } | { type: 'reset' },
    },
    guards: { isLast: ({ context }) => context.count >= 2 },
    actions: { add: assign({ count: ({ context }) => context.count + 1 }) },
  }).createMachine({
    id: 'counter',
    version: '1',
    context: ({ input }) => ({ count: input?.from ?? 0 }),
    initial: 'counting',
    states: {
      counting: {
        on: {
          add: [{ guard: 'isLast', target: 'full', actions: 'add' }, { actions: 'add' }],
          reset: { actions: assign({ count: 0 }) },
        },
      },
      full: { type: 'final' },
    },
  }),
);

/** Has no end, and a state for each number. */
export const endless = defineMachine(
  fromTransition((sum: number, event: { type: 'add'; by: number }) => sum + event.by, 0),
  { name: 'endless' },
);

/** Two regions, one of which remembers where it was. */
export const player = defineMachine(
  setup({
    types: { events: {} as { type: 'next' } | { type: 'mute' } | { type: 'off' } | { type: 'on' } },
  }).createMachine({
    id: 'player',
    version: '1',
    initial: 'playing',
    states: {
      playing: {
        type: 'parallel',
        on: { off: { target: 'off' } },
        states: {
          song: {
            initial: 'first',
            states: { first: { on: { next: { target: 'second' } } }, second: {} },
          },
          sound: { initial: 'loud', states: { loud: { on: { mute: { target: 'muted' } } }, muted: {} } },
          last: { type: 'history', history: 'deep' },
        },
      },
      off: { on: { on: { target: 'playing.last' } } },
    },
  }),
);

const greetJob = defineJob({ name: 'welcome', run: (name: string) => `welcome ${name}` });
const note = defineJob({ name: 'note', run: (text: string) => text });

/** A scan of a parcel: a machine that is a child. It tells its parent, waits, and can be sent to. */
const scan = setup({
  types: { events: {} as { type: 'scan.found' } | { type: 'scan.lost' } },
}).createMachine({
  id: 'scan',
  version: '1',
  initial: 'looking',
  entry: sendParent({ type: 'scanning' }),
  states: {
    looking: {
      on: { 'scan.found': { target: 'found' }, 'scan.lost': { target: 'lost' } },
      after: { [2 * hour]: { target: 'lost' } },
    },
    found: { type: 'final' },
    lost: { type: 'final' },
  },
});

/** A parcel with two jobs, a child machine, two timers and a job that nothing waits for. */
export const parcel = defineMachine(
  setup({
    types: {
      context: {} as { scans: number; greeting: string | null },
      events: {} as { type: 'scanning' } | { type: 'parcel.send' },
    },
    actors: {
      greet: fromJob(greetJob, { queue: 'post' }),
      weigh: fromPromise(async ({ input }: { input: { grams: number } }) => input.grams),
      scan,
    },
    actions: { note: put(note, () => ['late']) },
  }).createMachine({
    id: 'parcel',
    version: '1',
    context: { scans: 0, greeting: null },
    initial: 'packing',
    states: {
      packing: {
        invoke: {
          id: 'weight',
          src: 'weigh',
          input: { grams: 40 },
          onDone: { target: 'waiting' },
          onError: { target: 'broken' },
        },
      },
      waiting: {
        on: { 'parcel.send': { target: 'travelling' } },
        after: { [hour]: { actions: 'note' }, [3 * hour]: { target: 'broken' } },
      },
      travelling: {
        on: { scanning: { actions: assign({ scans: ({ context }) => context.scans + 1 }) } },
        invoke: { id: 'scan', src: 'scan', onDone: { target: 'greeting' } },
      },
      greeting: {
        invoke: {
          id: 'greeting',
          src: 'greet',
          input: ['Ada'] as [string],
          onDone: {
            target: 'arrived',
            actions: assign({ greeting: ({ event }) => event.output }),
          },
        },
      },
      arrived: { type: 'final' },
      broken: { type: 'final' },
    },
  }),
);
