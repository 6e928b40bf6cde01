import { defineMachine, fromJob, fromPromise, put, sendToActor } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { fromTransition, setup } from 'xstate';
import { thrown } from './acting.ts';
import { charge, mail, orderMachine } from './order.ts';

const reducer = fromTransition((n: number) => n, 0);
const earlier = setup({}).createMachine({ id: 'anything', version: '0' });

describe('defineMachine', () => {
  it('gives name, logic and options, frozen, and a prepared machine with its children', () => {
    const order = defineMachine(orderMachine, { onError: 'fail', previous: [earlier] });

    expect(order).toMatchObject({ name: 'order', logic: orderMachine, options: { onError: 'fail' } });
    expect([Object.isFrozen(order), Object.isFrozen(order.options)]).toEqual([true, true]);
    expect(order.prepared).toMatchObject({
      name: 'order',
      version: '1',
      kind: 'machine',
      given: orderMachine,
      children: [{ name: 'parcel' }],
      previous: [{ name: 'order', version: '0' }],
    });
    expect([...order.prepared.sources].map(([src, { kind }]) => [src, kind])).toEqual([
      ['charge', 'job'],
      ['parcel', 'machine'],
    ]);
    expect(order.prepared.engine?.machine.options.maxIterations).toBe(1000);
  });

  it('takes name and version of a reducer from its options', () => {
    expect(defineMachine(reducer, { name: 'sum' }).prepared).toMatchObject({
      name: 'sum',
      version: '1',
      kind: 'reducer',
    });
    expect(defineMachine(reducer, { name: 'sum', version: '2' }).prepared.version).toBe('2');
  });

  it('leaves the limit of microsteps that a machine has set', () => {
    const machine = setup({}).createMachine({ id: 'm', version: '1', options: { maxIterations: 5 } });

    expect(defineMachine(machine).prepared.engine?.machine.options.maxIterations).toBe(5);
    expect(machine.options.maxIterations).toBe(5);
    expect(earlier.options.maxIterations).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    [{ onErorr: 'fail' }, 'Expected `onErorr` to be absent'],
    [{ name: 'a b' }, 'Expected the name of a machine to be a name'],
    [{ version: '2' }, 'Expected `version` to be absent: a machine has its own `version`'],
    [{ onError: 'stop' }, "Expected `onError` to be 'suspend' or 'fail', got 'stop'"],
    [{ transient: 'track' }, 'Expected `transient` to be a list of names of actions'],
    [{ previous: orderMachine }, 'Expected `previous` to be a list of machines'],
    [
      { previous: [orderMachine] },
      "Expected `previous` to be machines of other versions, each once, got 'version 1 twice'",
    ],
    [{ migrate: { 0: 'x' } }, "Expected `migrate.0` to be a function, got 'x'"],
    [{ keepFinished: '7 moons' }, 'Expected `keepFinished` to be a duration'],
    [{ queue: 'a b' }, 'Expected a queue name to be a name'],
    [{ redact: [1] }, 'redact'],
    [{ schemas: { input: {} } }, 'Expected `schemas.input` to be a schema'],
    [{ schemas: { events: { go: 1 } } }, 'Expected `schemas.events.go` to be a schema'],
    [{ schemas: { inputs: {} } }, 'Expected `inputs` to be absent'],
  ])('refuses %j', (options, message) => {
    expect(thrown(() => defineMachine(orderMachine, options as never)).message).toContain(message);
  });
});

describe('What stands in a machine', () => {
  it.each([
    [
      'fromJob of a bare function',
      () => fromJob((() => 1) as never),
      'Expected a job or a job definition, got function',
    ],
    [
      'fromJob with an unknown option',
      () => fromJob(charge, { id: 'x' } as never),
      'Expected `id` to be absent',
    ],
    [
      'fromJob with a queue that is none',
      () => fromJob(charge, { queue: 'a b' }),
      'Expected a queue name to be a name',
    ],
    [
      'fromJob with a wrong duration',
      () => fromJob(charge, { beginBy: 'soon' as never }),
      'Expected `beginBy` to be a duration',
    ],
    ['fromPromise of no code', () => fromPromise(1 as never), 'Expected `run` to be a function'],
    [
      'put without arguments',
      () => put(mail, ['a', 'b'] as never),
      'Expected `args` to be a function that gives the list of arguments',
    ],
    [
      'put of a bare function',
      () => put((() => 1) as never, () => []),
      'Expected a job or a job definition, got function',
    ],
    [
      'sendToActor to nothing',
      () => sendToActor({} as never, () => ({}) as never),
      'Expected `machine` to be what defineMachine returned',
    ],
    [
      'sendToActor without a message',
      () => sendToActor(defineMachine(earlier), {} as never),
      'Expected `message` to be a function that gives { to, event }',
    ],
  ])('refuses %s', (_what, make, message) => {
    expect(thrown(make).message).toContain(message);
  });

  it('is never called by XState itself', () => {
    const action = put(mail, () => ['a', 'b']) as unknown as () => void;

    expect(thrown(action).message).toContain('Expected an action put in a machine of defineMachine');
  });
});
