import {
  defineJob,
  defineMachine,
  type ExternalEvent,
  fromJob,
  fromPromise,
  type MachineDefinition,
  put,
  type StartInput,
  sendToActor,
} from 'signalbox';
import { machinePaths, type SimulatedJob } from 'signalbox/testing';
import { assign, fromTransition, type InputFrom, type OutputFrom, type SnapshotFrom, setup } from 'xstate';
import { type Equal, same } from './equal.ts';

// Compiled by test/types/types.test.ts and `npm run check:types`; never run.

interface Order {
  readonly id: string;
  readonly email: string;
  readonly cents: number;
}

type OrderEvent =
  | { readonly type: 'order.approve'; readonly by: string }
  | { readonly type: 'order.reject'; readonly reason: string };

const charge = defineJob({
  name: 'charge',
  run: async (order: string, cents: number) => ({ receipt: `${order}${cents}` }),
});
const mail = defineJob({ name: 'mail', run: (to: string, text: string) => `${to}${text}` });

const length = defineMachine(
  fromTransition((n: number, event: { type: 'change'; by: number }) => n + event.by, 0),
  { name: 'length' },
);

const parts = setup({
  types: {
    input: {} as Order,
    context: {} as Order & { receipt: string | null },
    output: {} as { receipt: string | null },
    events: {} as OrderEvent,
  },
  actors: {
    charge: fromJob(charge, { queue: 'payments', beginBy: '10m' }),
    greet: fromPromise(async ({ input }: { input: { name: string } }) => `hello ${input.name}`),
  },
  actions: {
    remind: put(mail, ({ context }) => [context.email, 'please approve']),
    tell: sendToActor(length, ({ context }) => ({
      to: context.id,
      event: { type: 'change', by: context.cents },
    })),
  },
});

const machine = parts.createMachine({
  id: 'order',
  version: '1',
  initial: 'approval',
  context: ({ input }) => ({ ...input, receipt: null }),
  states: {
    approval: {
      entry: ['remind', 'tell'],
      on: { 'order.approve': { target: 'paying' }, 'order.reject': { target: 'done' } },
    },
    paying: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: ({ context }) => [context.id, context.cents],
        onDone: { target: 'done', actions: assign({ receipt: ({ event }) => event.output.receipt }) },
        onError: { target: 'done' },
      },
    },
    done: { type: 'final' },
  },
  output: ({ context }) => ({ receipt: context.receipt }),
});

const order = defineMachine(machine, { onError: 'fail' });
same<Equal<typeof order, MachineDefinition<typeof machine>>>();
same<Equal<ExternalEvent<typeof machine>, OrderEvent>>();
same<Equal<ExternalEvent<typeof length.logic>, { type: 'change'; by: number }>>();
same<Equal<OutputFrom<typeof machine>, { receipt: string | null }>>();
same<Equal<InputFrom<typeof machine>, Order>>();

type Sent = (event: ExternalEvent<typeof machine>) => void;
type Started = (...args: StartInput<typeof machine>) => void;

export function send(to: Sent, toLength: (event: ExternalEvent<typeof length.logic>) => void): void {
  to({ type: 'order.approve', by: 'Grace' });
  toLength({ type: 'change', by: 4 });
  // @ts-expect-error an event without its field
  to({ type: 'order.approve' });
  // @ts-expect-error an event that the machine does not have
  to({ type: 'order.ship' });
  // @ts-expect-error a forged outcome of a child
  to({ type: 'xstate.done.actor.charge', output: { receipt: 'r' } });
  // @ts-expect-error an event of the machinery
  to({ type: 'signalbox.stop' });
  // @ts-expect-error a field of another type
  toLength({ type: 'change', by: '4' });
}

export function start(actor: Started, counter: (...args: StartInput<typeof length.logic>) => void): void {
  actor({ id: '17', email: 'ada@example.org', cents: 4200 });
  counter();
  // @ts-expect-error a start without input
  actor();
  // @ts-expect-error an input without its fields
  actor({ id: '17' });
}

export function look(snapshot: SnapshotFrom<typeof machine>): string | null {
  if (snapshot.matches('paying')) return snapshot.context.receipt;
  // @ts-expect-error a state that the machine does not have
  return snapshot.matches('shipping') ? 'x' : null;
}

export const wrong = [
  parts.createMachine({
    initial: 'a',
    // @ts-expect-error an argument of another type
    states: { a: { invoke: { src: 'charge', input: ({ context }) => [context.id, 'much'] } } },
  }),
  parts.createMachine({
    initial: 'a',
    // @ts-expect-error an argument is missing
    states: { a: { invoke: { src: 'charge', input: ({ context }) => [context.id] } } },
  }),
  // @ts-expect-error the input of a promise of another type
  parts.createMachine({ initial: 'a', states: { a: { invoke: { src: 'greet', input: { name: 1 } } } } }),
  // @ts-expect-error a child that is not there
  parts.createMachine({ initial: 'a', states: { a: { invoke: { src: 'refund' } } } }),
  // @ts-expect-error an argument of put of another type
  put(mail, () => ['ada@example.org', 17]),
  // @ts-expect-error an argument of put is missing
  put(mail, () => ['ada@example.org']),
  // @ts-expect-error a message that the machine does not have
  sendToActor(length, () => ({ to: 'root', event: { type: 'grow', by: 4 } })),
  // @ts-expect-error a message without its field
  sendToActor(length, () => ({ to: 'root', event: { type: 'change' } })),
  // @ts-expect-error an option that is not there
  defineMachine(machine, { onErorr: 'fail' }),
  // @ts-expect-error an option that a child job does not have
  fromJob(charge, { id: 'one' }),
];

export const paths = [
  machinePaths(order, {
    input: { id: '17', email: 'ada@example.org', cents: 4200 },
    events: [{ type: 'order.approve', by: 'Grace' }],
    jobs: {
      charge: [{ output: { receipt: 'r-1' } }, { error: new Error('declined') }],
      greet: [{ output: 'hello' }],
      mail: [{ output: 'sent' }],
    },
    perturb: ['kill', 'lost', 'twice'],
    until: (snapshot) => snapshot.matches('done'),
    invariant: ({ snapshot, jobs }) => {
      same<Equal<typeof snapshot, SnapshotFrom<typeof machine>>>();
      const charges: readonly SimulatedJob[] = jobs.charge;
      return snapshot.matches('paying') ? charges : undefined;
    },
  }),
  machinePaths(order, { inputs: [{ id: '17', email: 'ada@example.org', cents: 4200 }] }),
  machinePaths(length, { events: [{ type: 'change', by: 4 }], stateKey: ({ context }) => context.toFixed() }),
  // @ts-expect-error a start without input
  machinePaths(order, {}),
  // @ts-expect-error an input without its fields
  machinePaths(order, { input: { id: '17' } }),
  // @ts-expect-error an input that the machine does not take
  machinePaths(order, { inputs: [{ id: 17, email: 'ada@example.org', cents: 4200 }] }),
  // @ts-expect-error an event without its field
  machinePaths(length, { events: [{ type: 'change' }] }),
  // @ts-expect-error a forged outcome of a child
  machinePaths(length, { events: [{ type: 'xstate.done.actor.charge' }] }),
  machinePaths(order, {
    inputs: [],
    // @ts-expect-error an output that the job does not give
    jobs: { charge: [{ output: { receipt: 17 } }] },
  }),
  // @ts-expect-error neither an output nor an error
  machinePaths(order, { inputs: [], jobs: { greet: [{}] } }),
  // @ts-expect-error a perturbation that is not there
  machinePaths(length, { perturb: ['fire'] }),
  // @ts-expect-error a state that the machine does not have
  machinePaths(order, { inputs: [], until: (snapshot) => snapshot.matches('shipping') }),
];
