import { defineMachine, put, sendToActor } from 'signalbox';
import { describe, expect, it } from 'vitest';
import {
  assign,
  cancel,
  emit,
  enqueueActions,
  forwardTo,
  fromTransition,
  log,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate';
import { prepareMachine } from '../../src/model/durable/prepare/prepare.ts';
import { afterStepped, stepMachine, stepTimer } from '../../src/model/durable/step.ts';
import { dueTimers } from '../../src/model/durable/timers.ts';
import { acting, at, go, started, stored, thrown } from './acting.ts';
import { mail, parcelMachine } from './order.ts';

describe('Actions', () => {
  const other = defineMachine(
    fromTransition((n: number, event: { type: 'change'; by: number }) => n + event.by, 0),
    { name: 'length' },
  );

  it('put, sendToActor, emit, log and transient code are effects in their order, with the values at that moment', () => {
    const called: unknown[] = [];
    const track = ({ context }: { context: unknown }, params: unknown): void => {
      called.push(context, params);
    };
    const machine = acting(
      [
        put(mail, ({ context }) => [`n${(context as { n: number }).n}`, 'x'], { priority: 2 }),
        assign({ n: 1 } as never),
        sendToActor(other, ({ context }) => ({
          to: 'root',
          event: { type: 'change', by: (context as { n: number }).n },
        })),
        emit({ type: 'said' }),
        log('words', 'label'),
        { type: 'track', params: { a: 1 } },
      ],
      { actions: { track } },
      { transient: ['track'] },
    );

    const { effects } = go(machine);

    expect(effects.map(({ type }) => type)).toEqual(['put', 'send', 'emit', 'log', 'transient']);
    expect(effects).toMatchObject([
      { args: ['n0', 'x'], options: { priority: 2 } },
      { to: { actor: 'length/root' }, event: { type: 'change', by: 1 } },
      { event: { type: 'said' } },
      { value: 'words', label: 'label' },
      { name: 'track' },
    ]);
    expect(called).toEqual([]);
    (effects[4] as { run(): void }).run();
    expect(called).toEqual([{ n: 1 }, { a: 1 }]);
  });

  it('arm timers under their ids, replace and cancel them, and fire in the order of instants', () => {
    const machine = acting([
      raise({ type: 'late', by: 1 } as never, { id: 'a', delay: 50 }),
      raise({ type: 'never' }, { id: 'b', delay: 10 }),
      cancel('b'),
      sendTo(({ self }) => self, { type: 'soon' }, { id: 'c', delay: 20 }),
      raise({ type: 'late', by: 2 } as never, { id: 'a', delay: 20 }),
    ]);
    const record = stored(started(machine), go(machine));

    expect(record.timers).toEqual({
      c: [1020, 2, { type: 'soon' }, null],
      a: [1020, 3, { type: 'late', by: 2 }, null],
    });
    expect([record.dueAt, dueTimers(record, 1019), dueTimers(record, 1020)]).toEqual([1020, [], ['c', 'a']]);
    expect(stepTimer(machine, record, 'c', at(1020)).patch).toEqual({
      timers: { a: [1020, 3, { type: 'late', by: 2 }, null] },
      dueAt: 1020,
    });
    expect(thrown(() => stepTimer(machine, record, 'b', at())).message).toContain('found none');
  });

  it('send to a child, to the parent and to the actor itself, now or later', () => {
    const machine = acting([
      spawnChild('parcel', { id: 'p', input: { to: 'x' } } as never),
      spawnChild('charge', { id: 'c', input: ['1', 2] } as never),
      sendTo('p', { type: 'scan' }),
      sendTo('c', { type: 'a job takes no messages' }),
      sendTo(({ self }) => self, { type: 'again' }),
      sendParent({ type: 'news' }),
      forwardTo('p'),
      sendTo('p', { type: 'later' }, { id: 't', delay: 5 }),
      sendParent({ type: 'later' }, { id: 'u', delay: 5 }),
    ]);
    const record = {
      ...started(machine),
      parent: { actor: 'shop/1', machine: 'order', child: 'order', run: 1 },
    };

    const stepped = go(machine, record);
    const next = afterStepped(record, stepped);

    expect(
      stepped.effects.map((effect) =>
        effect.type === 'send' ? [effect.to.actor, effect.event] : effect.type,
      ),
    ).toEqual([
      'startActor',
      'startJob',
      ['order/17/p', { type: 'scan' }],
      ['order/17', { type: 'again' }],
      ['shop/1', { type: 'news' }],
      ['order/17/p', { type: 'go' }],
    ]);
    expect(stepTimer(machine, next, 't', at(1005))).toMatchObject({
      patch: { timers: { u: [1005, 1, { type: 'later' }, '#parent'] } },
      effects: [{ type: 'send', to: { actor: 'order/17/p' }, event: { type: 'later' } }],
    });
    expect(stepTimer(machine, next, 'u', at(1005)).effects).toMatchObject([{ to: { actor: 'shop/1' } }]);
  });

  it('send to the child that their own state invokes after it has begun', () => {
    const machine = prepareMachine(
      setup({ actors: { parcel: parcelMachine } }).createMachine({
        id: 'order',
        version: '1',
        initial: 'waiting',
        states: {
          waiting: { on: { go: { target: 'shipping' } } },
          shipping: {
            entry: [sendTo('p', { type: 'scan' }), emit({ type: 'shipped' })],
            invoke: { id: 'p', src: 'parcel', input: { to: 'x' } },
            on: { go: { target: 'shipping', reenter: true } },
          },
        },
      }),
    );
    const first = go(machine);
    const again = go(machine, stored(started(machine), first));

    expect(first.effects.map(({ type }) => type)).toEqual(['emit', 'startActor', 'send']);
    expect(again.effects.map(({ type }) => type)).toEqual(['stopChild', 'emit', 'startActor', 'send']);
    expect(again.effects[2]).toMatchObject({ run: 2 });
  });

  it('stop a child with what was to be sent to it, and never start one that is stopped in its step', () => {
    const start = spawnChild('parcel', { id: 'p', input: { to: 'x' } } as never);
    const starting = acting([start, sendTo('p', { type: 'later' }, { delay: 5 })]);
    const record = stored(started(starting), go(starting));
    const both = acting([start, sendTo('p', { type: 'scan' }), stopChild('p'), emit({ type: 'done' })]);

    const stopped = stepMachine(acting(stopChild('p')), record, { type: 'go' }, at());
    const anew = stepMachine(starting, record, { type: 'go' }, at());

    expect(record.timers).not.toBe(null);
    expect(stopped).toMatchObject({
      patch: { children: null, runs: { p: 1 }, timers: null, dueAt: null },
      effects: [{ type: 'stopChild', child: { name: 'p', id: 'order/17/p', run: 1 } }],
    });
    expect(anew.effects).toMatchObject([{ type: 'stopChild' }, { type: 'startActor', run: 2 }]);
    expect(go(both)).toMatchObject({ effects: [{ type: 'emit' }], patch: { children: null } });
  });

  it.each([
    [
      'spawn in an assign',
      assign({
        n: ({ spawn }: never) => (spawn as (src: string, o: object) => unknown)('charge', { id: 'c' }),
      } as never),
      'got spawn in an assign',
    ],
    ['plain code', enqueueActions(({ enqueue }) => enqueue(() => {})), 'Expected action "(anonymous)"'],
    [
      'arguments that are no list',
      put(mail, (() => 'x') as never),
      'Expected the arguments of job "mail" in put() to be a list',
    ],
    [
      'the input of a job that is no list',
      spawnChild('charge', { id: 'c', input: 1 } as never),
      'Expected the input of child "c" to be the list of arguments',
    ],
    [
      'a child without an id',
      enqueueActions(({ enqueue }) => enqueue.spawnChild('charge' as never)),
      'Expected a child of "charge" to have an id',
    ],
    [
      'a reference from elsewhere',
      sendTo((() => ({ id: 'p', send() {} })) as never, { type: 'x' } as never),
      'Expected sendTo to name a child',
    ],
    [
      'a delay without end',
      raise({ type: 'x' }, { id: 'r', delay: Number.POSITIVE_INFINITY }),
      "Expected the delay of 'r' to be milliseconds",
    ],
    [
      'a message to nobody',
      sendToActor(other, (() => ({ to: '' })) as never),
      'Expected `to` of sendToActor to be the key of an actor of machine "length"',
    ],
    [
      'acting',
      assign({ n: ({ self }: never) => (self as { send(e: object): void }).send({ type: 'x' }) } as never),
      'Expected a step to be pure, got send()',
    ],
  ])('refuse %s at the step', (_what, action, message) => {
    expect(thrown(() => go(acting(action))).message).toContain(message);
  });
});
