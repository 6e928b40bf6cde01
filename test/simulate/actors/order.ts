import { defineJob, defineMachine, fromJob, local, NeverRetry, put } from 'signalbox';
import { assign, setup } from 'xstate';

function pause(ms: number): Promise<void> {
  const reactor = local.getReactor();
  return new Promise((resolve) => void reactor.callLater(ms, resolve));
}

/** Charges a card: slowly, and not every one. */
export const charge = defineJob({
  name: 'charge',
  run: async (order: string, cents: number): Promise<string> => {
    await pause(cents * 10);
    if (cents % 3 === 0) throw new Error('declined');
    return `receipt of ${order}`;
  },
});

/** Once, or not at all. */
export const invoice = defineJob({
  name: 'invoice',
  retry: NeverRetry,
  run: async (order: string): Promise<string> => {
    await pause(2000);
    return `invoice of ${order}`;
  },
});

export const refund = defineJob({ name: 'refund', run: (receipt: string | null) => receipt });
export const mail = defineJob({ name: 'mail', run: (to: string, text: string) => `${to}: ${text}` });

/** A parcel that counts its scans, and is lost when nothing is heard of it. */
export const parcel = defineMachine(
  setup({
    types: {
      input: {} as { order: string },
      context: {} as { order: string; scans: number; note: string | null },
      output: {} as { scans: number },
      events: {} as { type: 'scan' } | { type: 'delivered' },
    },
    actions: { count: assign({ scans: ({ context }) => context.scans + 1 }) },
  }).createMachine({
    id: 'parcel',
    version: '1',
    context: ({ input }) => ({ order: input.order, scans: 0, note: null }),
    initial: 'moving',
    states: {
      moving: {
        after: { 7000: { target: 'there' } },
        on: { scan: { target: 'moving', reenter: true, actions: 'count' }, delivered: { target: 'there' } },
      },
      there: { type: 'final' },
    },
    output: ({ context }) => ({ scans: context.scans }),
  }),
);

type OrderEvent = { type: 'approve' } | { type: 'reject' } | { type: 'cancel' } | { type: 'again' };

interface OrderContext {
  readonly id: string;
  readonly cents: number;
  readonly receipt: string | null;
  readonly reminders: number;
}

/** An order: an approval with a timer, a charge, a parcel and an invoice side by side, and a way back. */
export const order = defineMachine(
  setup({
    types: {
      input: {} as { id: string; cents: number },
      context: {} as OrderContext,
      output: {} as { receipt: string | null },
      events: {} as OrderEvent,
    },
    actors: {
      charge: fromJob(charge),
      invoice: fromJob(invoice),
      refund: fromJob(refund),
      parcel: parcel.logic,
    },
    actions: {
      remind: put(mail, ({ context }) => [context.id, `please approve ${context.reminders}`]),
      count: assign({ reminders: ({ context }) => context.reminders + 1 }),
    },
    guards: {
      isPatient: ({ context }) => context.reminders < 2,
      // What was stored as null is null again, not gone.
      isUnpaid: ({ context }) => context.receipt === null,
    },
  }).createMachine({
    id: 'order',
    version: '1',
    context: ({ input }) => ({ ...input, receipt: null, reminders: 0 }),
    initial: 'approval',
    states: {
      approval: {
        after: {
          4000: [
            { guard: 'isPatient', target: 'approval', reenter: true, actions: ['remind', 'count'] },
            { target: 'rejected' },
          ],
        },
        on: {
          approve: [{ guard: 'isUnpaid', target: 'paying' }, { target: 'broken' }],
          reject: { target: 'rejected' },
        },
      },
      paying: {
        invoke: {
          id: 'charge',
          src: 'charge',
          input: ({ context }): [string, number] => [context.id, context.cents],
          onDone: {
            target: 'fulfilment',
            actions: assign({ receipt: ({ event }) => event.output as string }),
          },
          onError: { target: 'rejected' },
        },
        on: { again: { target: 'paying', reenter: true }, cancel: { target: 'rejected' } },
      },
      fulfilment: {
        type: 'parallel',
        on: { cancel: { target: 'compensating' } },
        states: {
          parcel: {
            initial: 'moving',
            states: {
              moving: {
                invoke: {
                  id: 'parcel',
                  src: 'parcel',
                  input: ({ context }) => ({ order: context.id }),
                  onDone: { target: 'there' },
                },
                on: { again: { target: 'moving', reenter: true } },
              },
              there: { type: 'final' },
            },
          },
          invoice: {
            initial: 'open',
            states: {
              open: {
                invoke: {
                  id: 'invoice',
                  src: 'invoice',
                  input: ({ context }): [string] => [context.id],
                  onDone: { target: 'sent' },
                  // One that was interrupted is written by hand.
                  onError: { target: 'sent' },
                },
              },
              sent: { type: 'final' },
            },
          },
        },
        onDone: { target: 'done' },
      },
      compensating: {
        invoke: {
          id: 'refund',
          src: 'refund',
          input: ({ context }): [string | null] => [context.receipt],
          onDone: { target: 'rejected' },
          onError: { target: 'rejected' },
        },
      },
      rejected: { type: 'final' },
      done: { type: 'final' },
      broken: {},
    },
    output: ({ context }) => ({ receipt: context.receipt }),
  }),
);
