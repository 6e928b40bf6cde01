import { defineJob, fromJob, put } from 'signalbox';
import { assign, sendParent, setup } from 'xstate';

export interface Order {
  readonly id: string;
  readonly email: string;
  readonly cents: number;
}

export type OrderEvent =
  | { readonly type: 'order.approve'; readonly by: string }
  | { readonly type: 'order.reject'; readonly reason: string };

export const charge = defineJob({
  name: 'charge',
  run: async (order: string, cents: number) => ({ receipt: `${order}-${cents}` }),
});

export const mail = defineJob({ name: 'mail', run: (to: string, text: string) => `${to}: ${text}` });

export const parcelMachine = setup({
  types: {
    input: {} as { to: string },
    context: {} as { to: string; scans: number },
    events: {} as { type: 'scan' } | { type: 'arrive' },
    output: {} as { scans: number },
  },
}).createMachine({
  id: 'parcel',
  version: '1',
  context: ({ input }) => ({ to: input.to, scans: 0 }),
  initial: 'way',
  states: {
    way: {
      on: {
        scan: {
          actions: [
            assign({ scans: ({ context }) => context.scans + 1 }),
            sendParent({ type: 'parcel.scanned' }),
          ],
        },
        arrive: { target: 'there' },
      },
    },
    there: { type: 'final' },
  },
  output: ({ context }) => ({ scans: context.scans }),
});

/** The machine of the guide: an approval, a job that charges, a parcel of its own. */
export const orderMachine = setup({
  types: {
    input: {} as Order,
    context: {} as Order & { receipt: string | null },
    output: {} as { receipt: string | null },
    events: {} as OrderEvent,
  },
  actors: { charge: fromJob(charge, { queue: 'payments', beginBy: '10m' }), parcel: parcelMachine },
  actions: { remind: put(mail, ({ context }) => [context.email, 'please approve']) },
  delays: { reminder: 86_400_000 },
}).createMachine({
  id: 'order',
  version: '1',
  initial: 'approval',
  context: ({ input }) => ({ ...input, receipt: null }),
  states: {
    approval: {
      after: { reminder: { target: 'approval', reenter: true, actions: 'remind' } },
      on: { 'order.approve': { target: 'paying' }, 'order.reject': { target: 'rejected' } },
    },
    paying: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: ({ context }) => [context.id, context.cents],
        onDone: { target: 'shipping', actions: assign({ receipt: ({ event }) => event.output.receipt }) },
        onError: { target: 'rejected' },
      },
    },
    shipping: {
      invoke: {
        id: 'parcel',
        src: 'parcel',
        input: ({ context }) => ({ to: context.email }),
        onDone: { target: 'done' },
      },
    },
    rejected: { type: 'final' },
    done: { type: 'final' },
  },
  output: ({ context }) => ({ receipt: context.receipt }),
});
