import { defineMachine, fromJob, fromPromise, put, type SignalboxError, sendToActor } from 'signalbox';
import { describe, expect, it } from 'vitest';
import {
  type AnyStateMachine,
  and,
  assign,
  cancel,
  emit,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise as fromPromiseOfXstate,
  fromTransition,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from 'xstate';
import { prepareMachine } from '../../src/model/durable/prepare/prepare.ts';
import { charge, mail, parcelMachine } from './order.ts';

const length = defineMachine(
  fromTransition((n: number) => n, 0),
  { name: 'length' },
);
const actors = { charge: fromJob(charge), parcel: parcelMachine, ask: fromPromise(async () => 1) };

/** A machine "order" with one state `a`; `config`: of the machine, `state`: of that state. */
function machineWith(config: object, state: object = {}, given: object = {}): AnyStateMachine {
  return setup({ actors, ...given } as never).createMachine({
    id: 'order',
    version: '1',
    initial: 'a',
    states: { a: state, b: {} },
    ...config,
  } as never) as unknown as AnyStateMachine;
}

function problemsOf(machine: unknown, options: object = {}): readonly string[] {
  try {
    prepareMachine(machine as AnyStateMachine, options);
    return [];
  } catch (error) {
    return (error as SignalboxError & { details: { problems: readonly string[] } }).details.problems;
  }
}

const accepted: Readonly<Record<string, AnyStateMachine>> = {
  'nested, parallel, history and final states, tags, meta, onDone and output': machineWith({
    type: 'parallel',
    initial: undefined,
    states: {
      a: {
        initial: 'x',
        tags: ['t'],
        meta: { m: 1 },
        onDone: { target: '#order.b' },
        states: { x: {}, last: { type: 'history', history: 'deep' }, end: { type: 'final', output: 1 } },
      },
      b: {},
    },
    output: { sum: 1 },
  }),
  'always and guards, inline, named and joined': machineWith(
    {},
    {
      always: { guard: and(['isPaid', stateIn('#order.b'), () => false]), target: 'b' },
      on: { e: { guard: { type: 'isPaid', params: 1 }, target: 'b' } },
    },
    { guards: { isPaid: () => true } },
  ),
  'assign, enqueueActions, raise, cancel, log and emit': machineWith(
    {},
    {
      entry: [
        assign({ n: 1 } as never),
        enqueueActions(() => {}),
        raise({ type: 'e' }),
        cancel('x'),
        log('x'),
        emit({ type: 'e' }),
      ],
      exit: 'named',
    },
    { actions: { named: assign({ n: 2 } as never) } },
  ),
  'after, delayed raise and delayed sendTo': machineWith(
    {},
    {
      after: { 10: { target: 'b' }, slow: { target: 'b' } },
      entry: [
        raise({ type: 'e' }, { delay: 'slow' } as never),
        sendTo(({ self }) => self, { type: 'e' }, { delay: 5 }),
      ],
    },
    { delays: { slow: () => 10 } },
  ),
  'children that are jobs, promises of signalbox and machines': machineWith(
    {},
    {
      invoke: [{ src: 'charge', id: 'c' }, { src: 'ask' }, { src: 'parcel', id: 'p' }],
      entry: [
        spawnChild('charge' as never, { id: 'd' } as never),
        stopChild('d'),
        sendTo('p', { type: 'scan' }),
        sendParent({ type: 'e' }),
        forwardTo('p'),
      ],
    },
  ),
  'put and sendToActor': machineWith(
    {},
    { entry: [put(mail, () => ['a', 'b']), sendToActor(length, () => ({ to: 'root', event: {} as never }))] },
  ),
};

const repairs = {
  promise:
    'A promise lives in one process: write fromJob(defineJob({ … })), or import fromPromise from signalbox.',
};

/** Each construct that is refused: where, and what the refusal says. */
const refused: readonly (readonly [string, AnyStateMachine, string])[] = [
  [
    'fromPromise of xstate',
    machineWith({}, {}, { actors: { charge: fromPromiseOfXstate(async () => 1) } }),
    `Expected actor "charge" of machine "order" to be durable, got fromPromise of xstate. ${repairs.promise}`,
  ],
  [
    'fromCallback',
    machineWith({}, {}, { actors: { charge: fromCallback(() => {}) } }),
    'Expected actor "charge" of machine "order" to be durable, got fromCallback of xstate. A callback lives in one process: let a job do it, and send its news with local.actor().',
  ],
  [
    'fromObservable',
    machineWith({}, {}, { actors: { feed: fromObservable((() => {}) as never) } }),
    'Expected actor "feed" of machine "order" to be durable, got fromObservable of xstate. A subscription lives in one process: let a job or a service subscribe, and send to the actor.',
  ],
  [
    'fromEventObservable',
    machineWith({}, {}, { actors: { feed: fromEventObservable((() => {}) as never) } }),
    'Expected actor "feed" of machine "order" to be durable, got fromEventObservable of xstate. A subscription lives in one process: let a job or a service subscribe, and send to the actor.',
  ],
  [
    'a reducer as a child',
    machineWith({}, {}, { actors: { sum: fromTransition((n: number) => n, 0) } }),
    'Expected actor "sum" of machine "order" to be durable, got fromTransition of xstate. A child has states: write it as a machine, or make it an actor of its own with defineMachine.',
  ],
  [
    'what defineMachine returned as a child',
    machineWith({}, {}, { actors: { parcel: defineMachine(parcelMachine) } }),
    'Expected actor "parcel" of machine "order" to be durable, got what defineMachine returned. Pass the machine itself: its `logic`.',
  ],
  [
    'inline src',
    machineWith({}, { invoke: { id: 'c', src: fromJob(charge) } }),
    'Expected `src` of an invoke of state "a" of machine "order" to be the name of an actor, got logic. A record names what its children are made of: put the logic into setup({ actors }) and write its name.',
  ],
  [
    'src that is not there',
    machineWith({}, { invoke: { id: 'c', src: 'chrage' } }),
    'Expected `src` of an invoke of state "a" of machine "order" to be the name of an actor of setup({ actors }), got \'chrage\'. Define it there: fromJob(…), or a machine.',
  ],
  [
    'syncSnapshot',
    machineWith({}, { invoke: { id: 'p', src: 'parcel', syncSnapshot: true } }),
    'Expected an invoke of state "a" of machine "order" to be without `syncSnapshot`, got it. A child sends what its parent shall know: let it use sendParent.',
  ],
  [
    'onSnapshot',
    machineWith({}, { invoke: { id: 'p', src: 'parcel', onSnapshot: { target: 'b' } } }),
    'Expected an invoke of state "a" of machine "order" to be without `onSnapshot`, got it. A child sends what its parent shall know: let it use sendParent.',
  ],
  [
    'systemId',
    machineWith({}, { invoke: { id: 'p', src: 'parcel', systemId: 'post' } }),
    'Expected an invoke of state "a" of machine "order" to be without `systemId`, got \'post\'. There is no system of live actors: send to a child by its id, to another actor with sendToActor.',
  ],
  [
    'an id of a child that is no part of an id',
    machineWith({}, { invoke: { id: 'p/1', src: 'parcel' } }),
    'Expected `id` of an invoke of state "a" of machine "order" to be 1 to 128 characters without / # | * and control characters, got \'p/1\'. Ids of its jobs and actors hold it: choose another one.',
  ],
  [
    'a plain function action',
    machineWith({}, { on: { e: { actions: () => {} } } }),
    'Expected the actions at "e" of state "a" of machine "order" to be durable, got plain code. A step that is not kept would have called it: write put(job, args) or sendToActor(machine, message), or, when it may be lost, name it in setup({ actions }) and in `transient`.',
  ],
  [
    'a named plain function action',
    machineWith({}, { entry: 'track' }, { actions: { track: () => {} } }),
    'Expected action "track" of machine "order" to be durable, got plain code. A step that is not kept would have called it: write put(job, args) or sendToActor(machine, message), or, when it may be lost, defineMachine(machine, { transient: [\'track\'] }).',
  ],
  [
    'an action that is not there',
    machineWith({}, { exit: 'trakc' }),
    'Expected action \'trakc\' at exit of state "a" of machine "order" to be implemented, got none of that name. XState would do nothing: define it in setup({ actions }).',
  ],
  [
    'a guard that is not there',
    machineWith({}, { always: { guard: and(['isPiad', () => true]), target: 'b' } }),
    'Expected guard "isPiad" at always of state "a" of machine "order" to be implemented, got none of that name. Define it in setup({ guards }).',
  ],
  [
    'a delay that is not there',
    machineWith({}, { after: { slwo: { target: 'b' } } }),
    'Expected `after` of state "a" of machine "order" to be milliseconds, or a delay of setup({ delays }), got \'slwo\'. XState would not wait at all: define the delay, or write a number.',
  ],
  [
    'a delay of raise that is not there',
    machineWith({}, { entry: raise({ type: 'e' }, { delay: 'slwo' } as never) }),
    'Expected the delay of entry of state "a" of machine "order" to be milliseconds, or a delay of setup({ delays }), got \'slwo\'. XState would not wait at all: define the delay.',
  ],
  [
    'spawnChild without an id',
    machineWith({}, { entry: spawnChild('charge' as never) }),
    'Expected the id of spawnChild at entry of state "a" of machine "order" to be 1 to 128 characters without / # | * and control characters, got undefined (undefined). Ids of its jobs and actors hold it: write { id }.',
  ],
  [
    'spawnChild of logic',
    machineWith({}, { entry: spawnChild(fromJob(charge) as never, { id: 'c' } as never) }),
    'Expected spawnChild at entry of state "a" of machine "order" to name an actor of setup({ actors }), got logic. A record names what its children are made of: define it there and write its name.',
  ],
  [
    'spawnChild with systemId',
    machineWith({}, { entry: spawnChild('charge' as never, { id: 'c', systemId: 's' } as never) }),
    'Expected spawnChild at entry of state "a" of machine "order" to be without `systemId`, got \'s\'. There is no system of live actors: send to a child by its id.',
  ],
  [
    'spawnChild with syncSnapshot',
    machineWith({}, { entry: spawnChild('parcel' as never, { id: 'c', syncSnapshot: true } as never) }),
    'Expected spawnChild at entry of state "a" of machine "order" to be without `syncSnapshot`, got it. A child sends what its parent shall know: let it use sendParent.',
  ],
  [
    'no version',
    machineWith({ version: undefined }),
    'Expected `version` of machine "order" to be text, got undefined (undefined). Its actors outlive this code, and say by it which machine they need: write version: \'1\'.',
  ],
  [
    'no id',
    machineWith({ id: undefined }),
    'Expected the id of machine "(machine)" to be a name (a letter, then at most 127 letters, digits or . : _ -), got \'(machine)\'. Its actors are found by it: give createMachine an id, or defineMachine a name.',
  ],
  ...['a.b', 'a/b', 'a|b'].map(
    (key) =>
      [
        `a state key ${key}`,
        machineWith({ initial: key, states: { [key]: {} } }),
        `Expected the key of state "${key}" of machine "order" to be without . / and |, got '${key}'. Where an actor is, is stored as paths joined by |: rename the state.`,
      ] as const,
  ),
  [
    'a route',
    machineWith({}, { id: 'here', route: {} }),
    'Expected state "a" of machine "order" to be entered by events of the machine, got `route`. Events that begin with xstate. are not taken from outside: write a transition with an event of its own.',
  ],
  [
    'two machines of one id',
    machineWith({}, {}, { actors: { one: parcelMachine, two: parcelMachine.provide({}) } }),
    'Expected actor "two" of machine "order" to have an id of its own, got a second machine "parcel". Rename one of the two.',
  ],
  [
    'a machine of the id of its parent',
    machineWith({}, {}, { actors: { one: machineWith({}) } }),
    'Expected actor "one" of machine "order" to have an id of its own, got a second machine "order". Rename one of the two.',
  ],
];

describe('The dialect', () => {
  it.each(Object.entries(accepted))('has %s', (_what, machine) => {
    expect(problemsOf(machine)).toEqual([]);
  });

  it.each(refused)('refuses %s, with place and repair', (_what, machine, problem) => {
    expect(problemsOf(machine)).toEqual([problem]);
  });

  it('has plain code that may be lost, where `transient` names it', () => {
    const machine = machineWith({}, { entry: 'track' }, { actions: { track: () => {} } });

    expect(problemsOf(machine, { transient: ['track'] })).toEqual([]);
    expect(problemsOf(machine, { transient: ['track', 'tarck'] })).toEqual([
      'Expected `transient` of machine "order" to name its actions, got \'tarck\'. Correct the name, or leave it out.',
    ]);
  });

  it('is checked in children too, and everything is said at once', () => {
    const child = machineWith({ id: 'child', version: undefined }, { entry: () => {} });
    const machine = machineWith({ version: undefined }, { invoke: { src: 'nobody' } }, { actors: { child } });

    expect(problemsOf(machine).map((problem) => problem.slice(0, 60))).toEqual([
      'Expected `version` of machine "order" to be text, got undefi',
      'Expected `src` of an invoke of state "a" of machine "order" ',
      'Expected `version` of machine "child" to be text, got undefi',
      'Expected the actions at entry of state "a" of machine "child',
    ]);
    expect(() => defineMachine(machine)).toThrow(
      /Expected machine "order" to be one that can be durable, got 4 constructs that cannot:\n- Expected/,
    );
  });

  it('refuses what is neither a machine nor a reducer, and a reducer without a name', () => {
    expect(problemsOf({}, { name: 'x' })[0]).toContain(
      'Expected "x" to be a machine of XState, or a reducer made by fromTransition',
    );
    expect(problemsOf(fromTransition((n: number) => n, 0))[0]).toContain(
      'Expected a reducer to have a name, got none',
    );
  });

  it('refuses machines that are more than sixteen deep', () => {
    let machine = machineWith({ id: 'm0' }, {}, { actors: {} });
    for (let depth = 1; depth <= 15; depth += 1)
      machine = machineWith({ id: `m${depth}` }, {}, { actors: { inner: machine } });

    expect(problemsOf(machine)).toEqual([]);
    expect(problemsOf(machineWith({}, {}, { actors: { inner: machine } }))).toEqual([
      'Expected machines to be at most 16 deep, got "m0" below that. Let actors send to each other instead.',
    ]);
  });
});

describe('The hash of a machine', () => {
  const hash = (machine: AnyStateMachine): string => prepareMachine(machine).hash;

  it('tells structures apart, and not code or the order of keys', () => {
    const one = machineWith({}, { on: { e: { guard: () => true, target: 'b' }, f: { target: 'b' } } });
    const same = machineWith({}, { on: { f: { target: 'b' }, e: { guard: () => false, target: 'b' } } });
    const others = [
      machineWith({}, { on: { e: { target: 'b' }, f: { target: 'b' } } }),
      machineWith({}, { on: { e: { guard: () => true, target: 'b' }, f: { target: 'a' } } }),
      machineWith(
        {},
        { on: { e: { guard: () => true, target: 'b' }, f: { target: 'b' } }, after: { 10: { target: 'b' } } },
      ),
      machineWith(
        {},
        {
          on: { e: { guard: () => true, target: 'b' }, f: { target: 'b' } },
          invoke: { id: 'c', src: 'charge' },
        },
      ),
      machineWith(
        {},
        {
          on: { e: { guard: () => true, target: 'b' }, f: { target: 'b' } },
          always: { guard: () => false, target: 'b' },
        },
      ),
    ];

    expect(hash(one)).toBe(hash(same));
    expect(new Set([one, ...others].map(hash)).size).toBe(6);
  });
});
