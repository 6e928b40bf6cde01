import { defineJob, defineMachine, fromJob, local, put } from 'signalbox';
import { assign, fromTransition, setup } from 'xstate';

/** The jobs that the machines of the shop call. */
export const machineJobs = {
  collect: defineJob({
    name: 'orders.collect',
    retry: 'NeverRetry',
    run: async (order: string, cents: number) => {
      await local.sleep(cents > 80_000 ? '4h' : '2s');
      return { receipt: `r-${order}`, cents };
    },
  }),
  invoice: defineJob({ name: 'orders.invoice', run: (order: string) => `invoice of ${order}` }),
  remind: defineJob({ name: 'orders.remind', run: (to: string) => `reminded ${to}` }),
};

const parcel = setup({
  types: {
    input: {} as { to: string },
    context: {} as { to: string; scans: number },
    events: {} as { type: 'scan' } | { type: 'delivered' },
  },
  guards: { wasScanned: ({ context }) => context.scans > 0 },
  actions: { count: assign({ scans: ({ context }) => context.scans + 1 }) },
}).createMachine({
  ...{ id: 'parcel', version: '1', initial: 'packed' },
  context: ({ input }) => ({ to: input.to, scans: 0 }),
  states: {
    packed: {
      on: {
        scan: { target: 'moving', actions: 'count' },
        delivered: { guard: 'wasScanned', target: 'there' },
      },
    },
    moving: { on: { scan: { actions: 'count' }, delivered: { guard: 'wasScanned', target: 'there' } } },
    there: { type: 'final' },
  },
});

interface Purchase {
  readonly order: string;
  readonly email: string;
  readonly cents: number;
}

/** An order: approval with reminders, payment, then parcel and invoice side by side. */
export const purchase = defineMachine(
  setup({
    types: {
      input: {} as Purchase,
      context: {} as Purchase & { readonly receipt: string | null; readonly reminders: number },
      events: {} as
        | { readonly type: 'approve'; readonly by: string }
        | { readonly type: 'reject'; readonly reason: string }
        | { readonly type: 'change'; readonly cents: number },
    },
    actors: { collect: fromJob(machineJobs.collect), invoice: fromJob(machineJobs.invoice), parcel },
    guards: {
      isSmall: ({ context }) => context.cents < 50_000,
      isReal: ({ event }) => event.type === 'change' && event.cents > 0,
    },
    actions: {
      remind: put(machineJobs.remind, ({ context }) => [context.email] as const),
      count: assign({ reminders: ({ context }) => context.reminders + 1 }),
      setCents: assign({ cents: ({ event }) => (event as { cents: number }).cents }),
      keepReceipt: assign({
        receipt: ({ event }) => {
          const { receipt, cents } = (event as unknown as { output: { receipt: string; cents: number } })
            .output;
          if (cents % 5 !== 0) return receipt;
          const error = new TypeError("Cannot read properties of undefined (reading 'iban')");
          error.stack = `${error.name}: ${error.message}\n    at keepReceipt (/srv/shop/orders/purchase.ts:57:31)`;
          throw error;
        },
      }),
    },
    delays: { reminder: 240_000, patience: 604_800_000 },
  }).createMachine({
    ...{ id: 'purchase', version: '3', initial: 'approval' },
    context: ({ input }) => ({ ...input, receipt: null, reminders: 0 }),
    on: { reject: '.rejected' },
    states: {
      approval: {
        on: {
          approve: [{ guard: 'isSmall', target: 'paying' }, { target: 'review' }],
          change: { guard: 'isReal', actions: 'setCents' },
        },
        after: {
          reminder: { target: 'approval', reenter: true, actions: ['remind', 'count'] },
          patience: 'rejected',
        },
      },
      review: { on: { approve: 'paying' } },
      paying: {
        invoke: {
          ...{ id: 'collect', src: 'collect' },
          input: ({ context }): [string, number] => [context.order, context.cents],
          onDone: { target: 'sending', actions: 'keepReceipt' },
          onError: 'rejected',
        },
      },
      sending: {
        type: 'parallel',
        states: {
          goods: {
            initial: 'moving',
            states: {
              moving: {
                invoke: {
                  ...{ id: 'parcel', src: 'parcel' },
                  input: ({ context }) => ({ to: context.email }),
                  onDone: 'arrived',
                },
              },
              arrived: { type: 'final' },
            },
          },
          papers: {
            initial: 'writing',
            states: {
              writing: {
                invoke: {
                  ...{ id: 'invoice', src: 'invoice' },
                  input: ({ context }): [string] => [context.order],
                  onDone: 'written',
                },
              },
              written: { type: 'final' },
            },
          },
        },
        onDone: 'done',
      },
      rejected: { type: 'final' },
      done: { type: 'final' },
    },
  }),
  { redact: ['email'] },
);

/** How many pieces of an article there are. */
export const stock = defineMachine(
  fromTransition((pieces: number, event: { type: 'add' | 'take'; n: number }) => {
    return event.type === 'add' ? pieces + event.n : pieces - event.n;
  }, 0),
  { name: 'stock' },
);
