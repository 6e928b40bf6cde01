import { defineJob, defineMachine, fromJob, put } from 'signalbox';
import { assign, fromTransition, setup } from 'xstate';

/** A reducer: a machine with one state. */
export const length = defineMachine(
  fromTransition((n: number, event: { type: 'change'; by: number }) => {
    if (event.by === 13) throw new Error('thirteen is not counted');
    return n + event.by;
  }, 0),
  { name: 'length' },
);

/** Charges a card, unless a test says otherwise. */
export const charge = defineJob({
  name: 'charge',
  retry: 'NeverRetry',
  run: async (order: string, cents: number): Promise<string> => {
    if (cents > 100_000) throw new Error('declined');
    return `receipt of ${order}`;
  },
});

/** Writes to a customer. */
export const mail = defineJob({ name: 'mail', run: (to: string, text: string) => `${to}: ${text}` });

export const parcel = setup({
  types: {
    input: {} as { to: string },
    context: {} as { to: string; scans: number },
    output: {} as { scans: number },
    events: {} as { type: 'scan' } | { type: 'delivered' },
  },
  actions: { count: assign({ scans: ({ context }) => context.scans + 1 }) },
}).createMachine({
  id: 'parcel',
  version: '1',
  context: ({ input }) => ({ to: input.to, scans: 0 }),
  initial: 'moving',
  states: {
    moving: { on: { scan: { actions: 'count' }, delivered: { target: 'there' } } },
    there: { type: 'final' },
  },
  output: ({ context }) => ({ scans: context.scans }),
});

interface Order {
  readonly id: string;
  readonly email: string;
  readonly cents: number;
}

type OrderEvent =
  | { readonly type: 'order.approve'; readonly by: string }
  | { readonly type: 'order.reject'; readonly reason: string };

/** The order of the guide: approval with a reminder each ten minutes, a charge, a parcel. */
export const order = defineMachine(
  setup({
    types: {
      input: {} as Order,
      context: {} as Order & { readonly receipt: string | null; readonly reminders: number },
      output: {} as { readonly receipt: string | null },
      events: {} as OrderEvent,
    },
    actors: { charge: fromJob(charge), parcel },
    actions: {
      remind: put(mail, ({ context }) => [context.email, 'please approve']),
      count: assign({ reminders: ({ context }) => context.reminders + 1 }),
    },
    delays: { reminder: 600_000 },
  }).createMachine({
    id: 'order',
    version: '1',
    context: ({ input }) => ({ ...input, receipt: null, reminders: 0 }),
    initial: 'approval',
    states: {
      approval: {
        after: { reminder: { target: 'approval', reenter: true, actions: ['remind', 'count'] } },
        on: { 'order.approve': { target: 'paying' }, 'order.reject': { target: 'rejected' } },
      },
      paying: {
        invoke: {
          id: 'charge',
          src: 'charge',
          input: ({ context }): [string, number] => [context.id, context.cents],
          onDone: {
            target: 'shipping',
            actions: assign({ receipt: ({ event }) => event.output as string }),
          },
          onError: { target: 'rejected' },
        },
        on: { 'order.reject': { target: 'rejected' } },
      },
      shipping: {
        invoke: {
          id: 'parcel',
          src: 'parcel',
          input: ({ context }) => ({ to: context.email }),
          onDone: { target: 'done' },
        },
        on: { 'order.reject': { target: 'rejected' } },
      },
      rejected: { type: 'final' },
      done: { type: 'final' },
    },
    output: ({ context }) => ({ receipt: context.receipt }),
  }),
);

export const ada: Order = { id: '17', email: 'ada@example.org', cents: 4200 };
