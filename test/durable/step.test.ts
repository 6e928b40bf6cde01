import { fromJob } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { assign, type EventObject, raise, setup, spawnChild } from 'xstate';
import { canTake, nextEvents, refusingGuards } from '../../src/model/durable/look.ts';
import { StepError } from '../../src/model/durable/machine.ts';
import { outcomeEvent } from '../../src/model/durable/outcome.ts';
import { prepareMachine } from '../../src/model/durable/prepare/prepare.ts';
import { afterStepped, startMachine, stepMachine, stepTimer } from '../../src/model/durable/step.ts';
import { snapshotOf } from '../../src/model/durable/thaw.ts';
import { dueTimers } from '../../src/model/durable/timers.ts';
import type { ActorRecord } from '../../src/model/records/records.ts';
import { Failure } from '../../src/model/values/failure.ts';
import { acting, at, day, go, input, order, started, stored, thrown } from './acting.ts';
import { charge, mail } from './order.ts';

describe('A start', () => {
  it('gives every key of the record: one for each key of the context, null as data, the timers by instant', () => {
    const stepped = startMachine(order, null, input, at());

    expect(stepped).toEqual({
      from: null,
      to: 'approval',
      ending: null,
      isTaken: true,
      transitions: [],
      effects: [],
      patch: {
        machine: 'order',
        version: '1',
        hash: order.hash,
        'c:id': '17',
        'c:email': 'ada@example.org',
        'c:cents': 4200,
        'c:receipt': { $null: 1 },
        timers: {
          'xstate.after.reminder.order.approval': [
            1000 + day,
            0,
            { type: 'xstate.after.reminder.order.approval' },
            null,
          ],
        },
        dueAt: 1000 + day,
        history: null,
        children: null,
        runs: null,
        output: null,
        failure: null,
      },
    });
  });

  it('of an actor that begins anew clears what it had, and counts the runs of its children on', () => {
    const paying = stored(
      started(order, input),
      stepMachine(order, started(order, input), { type: 'order.approve' }, at()),
    );
    const old = { ...paying, status: 'stopped', 'c:gone': 1 } as ActorRecord;

    const { patch } = startMachine(order, old, input, at());
    const anew = afterStepped(old, { patch, to: 'approval', ending: null });

    expect([patch['c:gone'], patch.children, patch.runs]).toEqual([null, null, { charge: 1 }]);
    expect('c:gone' in anew).toBe(false);
    expect(stepMachine(order, anew, { type: 'order.approve' }, at()).effects).toMatchObject([
      { child: 'charge', run: 2 },
    ]);
  });

  it('that throws gives nothing', () => {
    const broken = acting([], {});
    const machine = prepareMachine(
      setup({}).createMachine({
        id: 'order',
        version: '1',
        context: () => {
          throw new RangeError('no such order');
        },
      }),
    );

    expect(broken.kind).toBe('machine');
    expect(thrown(() => startMachine(machine, null, null, at()))).toMatchObject({
      name: 'StepError',
      failure: { name: 'RangeError', message: 'no such order' },
    });
  });
});

describe('A step', () => {
  it('starts a job under an id of actor, child and run, and disarms what its state had armed', () => {
    const stepped = stepMachine(order, started(order, input), { type: 'order.approve' }, at());

    expect(stepped).toMatchObject({
      from: 'approval',
      to: 'paying',
      isTaken: true,
      patch: {
        timers: null,
        dueAt: null,
        children: { charge: { kind: 'job', src: 'charge', id: 'order/17/charge/1', run: 1 } },
      },
      effects: [{ type: 'startJob', child: 'charge', run: 1, src: 'charge', input: ['17', 4200] }],
    });
    expect(stepped.effects[0]).toMatchObject({
      source: { kind: 'job', options: { queue: 'payments', beginBy: '10m' } },
    });
    expect(Object.keys(stepped.patch).some((key) => key.startsWith('c:'))).toBe(false);
  });

  it('with the outcome of a child forgets the child, keeps its run, and starts a machine as an actor of its own', () => {
    const record = started(order, input);
    const paying = stored(record, stepMachine(order, record, { type: 'order.approve' }, at()));
    const event = outcomeEvent(paying, 'charge', 1, { ok: true, value: { receipt: 'r-1' } }) as EventObject;

    const stepped = stepMachine(order, paying, event, at());

    expect(stepped.patch).toEqual({
      'c:receipt': 'r-1',
      children: { parcel: { kind: 'actor', src: 'parcel', id: 'order/17/parcel', run: 1 } },
      runs: { charge: 1 },
    });
    expect(stepped.effects).toMatchObject([
      {
        type: 'startActor',
        id: 'order/17/parcel',
        input: { to: 'ada@example.org' },
        machine: { name: 'parcel' },
      },
    ]);
    expect(outcomeEvent(paying, 'charge', 2, { ok: true, value: null })).toBe(null);
    expect(outcomeEvent(paying, 'parcel', 1, { ok: true, value: null })).toBe(null);
  });

  it('that ends its machine gives the output, and stops what is left', () => {
    const machine = prepareMachine(
      setup({ actors: { charge: fromJob(charge) } }).createMachine({
        id: 'order',
        version: '1',
        initial: 'open',
        states: { open: { after: { 50: { target: 'done' } } }, done: { type: 'final' } },
        entry: spawnChild('charge', { id: 'c', input: ['1', 2] }),
        output: () => ({ sum: null }),
      }),
    );
    const record = started(machine);

    const [due] = dueTimers(record, 1050);
    const stepped = stepTimer(machine, record, due as string, at(1050));

    expect(stepped).toMatchObject({
      to: 'done',
      ending: 'done',
      patch: { output: { sum: null }, children: null, timers: null, dueAt: null, runs: { c: 1 } },
      effects: [{ type: 'stopChild', child: { name: 'c', id: 'order/17/c/1', run: 1, kind: 'job' } }],
    });
    expect(snapshotOf(machine, stored(record, stepped), String)).toMatchObject({
      status: 'done',
      output: { sum: null },
    });
  });

  it('says that nothing took an event which the machine ignores or forbids', () => {
    const record = started(order, input);

    expect(stepMachine(order, record, { type: 'scan' }, at())).toMatchObject({
      isTaken: false,
      patch: {},
      effects: [],
    });
    expect(canTake(order, record, { type: 'scan' }, String)).toBe(false);
    expect(canTake(order, record, { type: 'order.approve' }, String)).toBe(true);
    expect(nextEvents(order, record)).toEqual([
      { event: 'order.approve', guards: [null] },
      { event: 'order.reject', guards: [null] },
    ]);
  });

  it('that throws in a guard, an assign or a child without onError is a StepError with the cause', () => {
    const machine = acting(
      assign({
        n: () => {
          throw new TypeError('not a number');
        },
      }),
    );
    const failing = acting(spawnChild('charge', { id: 'c', input: ['1', 2] } as never));
    const record = stored(started(failing), go(failing));
    const failure = Failure.from(new Error('declined'));
    const event = outcomeEvent(record, 'c', 1, { ok: false, failure }) as EventObject;

    expect(thrown(() => go(machine))).toMatchObject({
      failure: { name: 'TypeError' },
      message: 'not a number',
    });
    expect(thrown(() => stepMachine(failing, record, event, at()))).toMatchObject({
      cause: failure,
      message: 'declined',
    });
    expect(thrown(() => go(machine))).toBeInstanceOf(StepError);
  });

  it('names the guards that refuse an event', () => {
    const machine = prepareMachine(
      setup({ guards: { isPaid: () => false } }).createMachine({
        id: 'order',
        version: '1',
        on: { ship: { guard: 'isPaid', actions: raise({ type: 'x' }) }, 'ship.*': { guard: () => false } },
      }),
    );
    const record = started(machine);

    expect(refusingGuards(machine, record, { type: 'ship' })).toEqual(['isPaid', 'a guard without a name']);
    expect(nextEvents(machine, record)).toEqual([{ event: 'ship', guards: ['isPaid'] }]);
  });

  it('keeps a Failure and a job of a context as data, and refuses what is not JSON with its path', () => {
    const failure = new Failure({
      name: 'E',
      message: 'no',
      stack: '',
      code: null,
      cause: null,
      extra: { $job: 'x' },
    });
    const job = mail('a', 'b');
    const machine = acting(assign({ why: () => ({ list: [failure] }), job: () => job } as never));
    const refer = (value: object): string | null => (value === job ? 'j-1' : null);
    const record = started(machine);
    const stepped = stepMachine(machine, record, { type: 'go' }, at(1, { refer }));
    const { context } = snapshotOf(machine, stored(record, stepped), (id) => ({ id })) as {
      context: Record<string, unknown>;
    };

    expect(stepped.patch['c:job']).toEqual({ $job: 'j-1' });
    expect(context).toEqual({ n: 0, why: { list: [failure] }, job: { id: 'j-1' } });
    expect((context.why as { list: unknown[] }).list[0]).toBeInstanceOf(Failure);

    for (const [value, path] of [
      [{ when: new Date(0) }, 'context.n.when'],
      [{ a: undefined }, 'context.n.a'],
      [new Map(), 'context.n'],
    ] as const)
      expect(thrown(() => go(acting(assign({ n: () => value } as never)))).message).toContain(
        `Expected ${path} to be a JSON value`,
      );
    const selfish = acting(assign({ n: ({ self }: { self: unknown }) => self } as never));
    expect(thrown(() => go(selfish)).message).toContain(
      'Expected context.n to be a JSON value, got ActorRef',
    );
  });

  it('drops a key of the context that becomes undefined, and writes only keys whose value is another', () => {
    const machine = acting(
      assign({
        n: undefined,
        list: ({ context }: { context: { list?: unknown } }) => context.list ?? [1],
      } as never),
    );
    const record = started(machine);
    const first = go(machine, record);
    const second = go(machine, stored(record, first));

    expect(first.patch).toEqual({ 'c:n': null, 'c:list': [1] });
    expect(second.patch).toEqual({});
  });
});
