import { describe, expect, it } from 'vitest';
import {
  assign,
  type EventObject,
  enqueueActions,
  fromTransition,
  raise,
  spawnChild,
  stopChild,
} from 'xstate';
import { defaultLimits } from '../../src/model/checks/limits.ts';
import { checkedStep } from '../../src/model/durable/checked.ts';
import type { PreparedMachine, Stepped } from '../../src/model/durable/machine.ts';
import { prepareMachine } from '../../src/model/durable/prepare/prepare.ts';
import { endMachine, stepMachine } from '../../src/model/durable/step.ts';
import { snapshotOf } from '../../src/model/durable/thaw.ts';
import type { ActorRecord } from '../../src/model/records/records.ts';
import { Failure } from '../../src/model/values/failure.ts';
import { acting, at, go, input, order, started, stored, thrown } from './acting.ts';

describe('Limits of a step', () => {
  const many = (make: (place: number) => (enqueue: never) => void): unknown =>
    enqueueActions(({ enqueue }) => {
      for (let place = 0; place < 1001; place += 1) make(place)(enqueue as never);
    });
  type Any = Record<string, (...given: unknown[]) => void>;

  it.each([
    ['effects in a step', many(() => (enqueue: Any) => enqueue.emit?.({ type: 'x' }))],
    ['timers', many((n) => (enqueue: Any) => enqueue.raise?.({ type: 'x' }, { id: `t${n}`, delay: 1 }))],
  ])('are 1,000 %s', (what, action) => {
    expect(thrown(() => go(acting(action)))).toMatchObject({
      code: 'ACTOR_LIMIT',
      message: expect.stringContaining(`1000 ${what}, got 1001`),
    });
  });

  it('are 1,000 children and 1,000 microsteps', () => {
    const children = Object.fromEntries(
      Array.from({ length: 1000 }, (_, n) => [
        `c${n}`,
        { kind: 'job', src: 'charge', id: `x${n}`, run: 1 } as const,
      ]),
    );
    const one = acting(spawnChild('charge', { id: 'one-more', input: ['1', 2] } as never));
    const endless = acting(raise({ type: 'go' }));

    expect(thrown(() => go(one, { ...started(one), children })).message).toContain(
      'at most 1000 children, got 1001',
    );
    expect(thrown(() => go(endless))).toMatchObject({
      code: 'ACTOR_LIMIT',
      message: expect.stringContaining('1000 microsteps in a step'),
    });
  });

  it('are the bytes of the context, which all its keys have together', () => {
    const machine = acting(assign({ text: () => 'é'.repeat(60) } as never));
    const record = { ...started(machine), 'c:old': 'x'.repeat(60) } as ActorRecord;
    const limits = { ...defaultLimits, context: 200 };

    expect(thrown(() => stepMachine(machine, record, { type: 'go' }, at(1, { limits }))).message).toMatch(
      /at most 200 bytes of context, got 2\d\d/,
    );
    expect(
      stepMachine(machine, { ...record, 'c:old': 'x' } as ActorRecord, { type: 'go' }, at(1, { limits }))
        .patch,
    ).toHaveProperty('c:text');
  });
});

describe('A child name without end', () => {
  it('costs one number for all, above a hundred names', () => {
    const runs = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`c${n}`, n]));
    const machine = acting(stopChild('new'));
    const children = { new: { kind: 'job', src: 'charge', id: 'x', run: 7 } } as const;
    const { patch } = go(machine, { ...started(machine), runs, children });
    const again = acting(spawnChild('charge', { id: 'c3', input: ['1', 2] } as never));

    expect(patch.runs).toEqual({ '*': 99 });
    expect(go(again, { ...started(again), runs: { '*': 99 } }).effects).toMatchObject([{ run: 100 }]);
  });

  it('makes the machine anew after ten thousand event types', () => {
    const machine = acting([]);
    const record = started(machine);
    const before = machine.logic;
    for (let n = 0; n < 10_001; n += 1) machine.engine?.expect(`xstate.done.actor.c${n}`);

    expect(machine.logic).not.toBe(before);
    expect(stepMachine(machine, record, { type: 'go' }, at()).to).toBe(record.state);
  });
});

describe('A reducer', () => {
  const length = prepareMachine(
    fromTransition((n: number | null, event: { type: string; by?: number }, { emit: tell }) => {
      tell({ type: 'changed' } as never);
      return event.type === 'clear' ? null : (n ?? 0) + (event.by ?? 0);
    }, 0),
    { name: 'length' },
  );

  it('keeps its whole state under one key, null as well', () => {
    const record = started(length);
    const changed = stepMachine(length, record, { type: 'change', by: 4 } as EventObject, at());
    const cleared = stepMachine(length, stored(record, changed), { type: 'clear' }, at());

    expect([record['c:'], record.state]).toEqual([0, '']);
    expect(changed).toMatchObject({
      patch: { 'c:': 4 },
      effects: [{ type: 'emit', event: { type: 'changed' } }],
      isTaken: true,
    });
    expect(cleared.patch).toEqual({ 'c:': { $null: 1 } });
    expect(snapshotOf(length, stored(record, cleared), String).context).toBe(null);
  });
});

describe('An end from outside', () => {
  it('stops the children and tells why', () => {
    const record = started(order, input);
    const paying = stored(record, stepMachine(order, record, { type: 'order.approve' }, at()));
    const failure = Failure.from(new Error('declined'));

    expect(endMachine(order, paying, failure, at())).toMatchObject({
      ending: 'failed',
      patch: { children: null, runs: { charge: 1 }, failure: { message: 'declined' } },
      effects: [{ type: 'stopChild', child: { name: 'charge' } }],
    });
    expect(endMachine(order, record, null, at())).toMatchObject({
      ending: 'stopped',
      patch: { timers: null, dueAt: null },
    });
  });
});

describe('A checked step', () => {
  it('gives what the step gives, and finds what two runs give differently and what changes in place', () => {
    let count = 0;
    const counting = acting(assign({ n: () => ++count } as never));
    const inPlace = acting(
      assign({
        list: ({ context }: { context: { list?: number[] } }) => {
          context.list?.push(1);
          return context.list;
        },
      } as never),
    );
    const record = { ...started(inPlace), 'c:list': [] } as unknown as ActorRecord;
    const check = (machine: PreparedMachine, on: ActorRecord): Stepped =>
      checkedStep(at(), (frozen) => stepMachine(machine, on, { type: 'go' }, frozen));

    expect(
      checkedStep(at(), (frozen) =>
        stepMachine(order, started(order, input), { type: 'order.approve' }, frozen),
      ).to,
    ).toBe('paying');
    expect(thrown(() => check(counting, started(counting))).message).toContain('to give the same context.n');
    expect(thrown(() => check(inPlace, record)).message).toContain('not extensible');
  });
});
