import { defineMachine, fromJob, put } from 'signalbox';
import { assign, setup } from 'xstate';
import { charge, invoice, mail, refund, restock } from './jobs.ts';

/** A parcel on its way. Its scans come from the carrier; here timers stand for them. */
const parcel = setup({
  types: {
    input: {} as { order: string; isLost: boolean },
    context: {} as { order: string; isLost: boolean; scans: number },
    output: {} as { isDelivered: boolean },
  },
  actions: { scan: assign({ scans: ({ context }) => context.scans + 1 }) },
  guards: { isLost: ({ context }) => context.isLost },
  delays: { packing: 4 * 3_600_000, moving: 12 * 3_600_000 },
}).createMachine({
  id: 'parcel',
  version: '1',
  context: ({ input }) => ({ ...input, scans: 0 }),
  initial: 'packing',
  states: {
    packing: { after: { packing: { target: 'moving', actions: 'scan' } } },
    moving: {
      after: {
        moving: [
          { target: 'lost', guard: 'isLost', actions: 'scan' },
          { target: 'delivered', actions: 'scan' },
        ],
      },
    },
    delivered: { type: 'final' },
    lost: { type: 'final' },
  },
  output: ({ context }) => ({ isDelivered: !context.isLost }),
});

/** What a customer orders. */
export interface Order {
  readonly id: string;
  readonly email: string;
  readonly cents: number;
  /** Its parcel will be lost: so that the demonstration shows what follows. */
  readonly isLost: boolean;
}

type OrderEvent =
  | { readonly type: 'order.approve'; readonly by: string }
  | { readonly type: 'order.reject'; readonly by: string }
  | { readonly type: 'order.cancel' };

const day = 86_400_000;

/** The way of an order: approval, payment, fulfilment, and back again when a part of it fails. */
export const order = defineMachine(
  setup({
    types: {
      input: {} as Order,
      context: {} as Order & { receipt: string | null; reminders: number; why: string | null },
      output: {} as { receipt: string | null; why: string | null },
      events: {} as OrderEvent,
    },
    actors: {
      charge: fromJob(charge),
      refund: fromJob(refund),
      restock: fromJob(restock),
      invoice: fromJob(invoice),
      parcel,
    },
    actions: {
      remind: put(mail, ({ context }) => [context.email, `order ${context.id} waits for approval`]),
      countReminder: assign({ reminders: ({ context }) => context.reminders + 1 }),
      keepReceipt: assign({ receipt: ({ event }) => (event as unknown as { output: string }).output }),
      because: assign({ why: (_, params: { readonly why: string }) => params.why }),
    },
    guards: {
      isLarge: ({ context }) => context.cents > 100_000,
      isCancelled: ({ context }) => context.why !== null,
      isReminded: ({ context }) => context.reminders >= 2,
      isLost: ({ event }) => !(event as unknown as { output: { isDelivered: boolean } }).output.isDelivered,
    },
    delays: { reminder: day },
  }).createMachine({
    id: 'order',
    version: '1',
    context: ({ input }) => ({ ...input, receipt: null, reminders: 0, why: null }),
    initial: 'placed',
    states: {
      placed: { always: [{ target: 'approval', guard: 'isLarge' }, { target: 'paying' }] },
      approval: {
        on: {
          'order.approve': { target: 'paying' },
          'order.reject': { target: 'rejected', actions: { type: 'because', params: { why: 'rejected' } } },
          'order.cancel': { target: 'cancelled', actions: { type: 'because', params: { why: 'cancelled' } } },
        },
        after: {
          reminder: [
            { target: 'expired', guard: 'isReminded' },
            { target: 'approval', reenter: true, actions: ['remind', 'countReminder'] },
          ],
        },
      },
      paying: {
        // The bank may have the money by now: what was paid is paid back.
        on: { 'order.cancel': { actions: { type: 'because', params: { why: 'cancelled' } } } },
        invoke: {
          id: 'charge',
          src: 'charge',
          input: ({ context }): [string, number] => [context.id, context.cents],
          onDone: [
            { target: 'compensating', guard: 'isCancelled', actions: 'keepReceipt' },
            { target: 'fulfilment', actions: 'keepReceipt' },
          ],
          onError: { target: 'declined' },
        },
      },
      fulfilment: {
        type: 'parallel',
        states: {
          parcel: {
            initial: 'open',
            states: {
              open: {
                invoke: {
                  id: 'parcel',
                  src: 'parcel',
                  input: ({ context }) => ({ order: context.id, isLost: context.isLost }),
                  onDone: [
                    {
                      target: '#order.compensating',
                      guard: 'isLost',
                      actions: { type: 'because', params: { why: 'the parcel was lost' } },
                    },
                    { target: 'closed' },
                  ],
                },
              },
              closed: { type: 'final' },
            },
          },
          invoice: {
            initial: 'open',
            states: {
              open: {
                invoke: {
                  id: 'invoice',
                  src: 'invoice',
                  input: ({ context }): [string, number] => [context.id, context.cents],
                  onDone: { target: 'closed' },
                  onError: { target: 'closed' },
                },
              },
              closed: { type: 'final' },
            },
          },
        },
        on: {
          'order.cancel': {
            target: 'compensating',
            actions: { type: 'because', params: { why: 'cancelled' } },
          },
        },
        onDone: { target: 'delivered' },
      },
      // What was done is undone, the last first, each once.
      compensating: {
        initial: 'restocking',
        states: {
          restocking: {
            invoke: {
              id: 'restock',
              src: 'restock',
              input: ({ context }): [string] => [context.id],
              onDone: { target: 'refunding' },
            },
          },
          refunding: {
            invoke: {
              id: 'refund',
              src: 'refund',
              input: ({ context }): [string, number] => [context.id, context.cents],
              onDone: { target: '#order.cancelled' },
            },
          },
        },
      },
      delivered: { type: 'final' },
      cancelled: { type: 'final' },
      declined: { type: 'final' },
      rejected: { type: 'final' },
      expired: { type: 'final' },
    },
    output: ({ context: { receipt, why } }) => ({ receipt, why }),
  }),
);
