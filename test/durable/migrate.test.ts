import { defineMachine, fromJob } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, setup } from 'xstate';
import type { PreparedMachine } from '../../src/model/durable/machine.ts';
import { versionVerdict } from '../../src/model/durable/migrate.ts';
import { afterStepped, newActorRecord, startMachine, stepMachine } from '../../src/model/durable/step.ts';
import type { ActorRecord } from '../../src/model/records/records.ts';
import { at, started, thrown } from './acting.ts';
import { charge } from './order.ts';

/** A machine whose first state has this name, and a timer and a child. */
function machineOf(version: string, first = 'open', more: object = {}): AnyStateMachine {
  return setup({ actors: { charge: fromJob(charge) } }).createMachine({
    id: 'order',
    version,
    context: { cents: 42 },
    initial: first,
    states: {
      [first]: {
        after: { 100: { target: 'shut' } },
        invoke: { id: 'c', src: 'charge', input: () => ['1', 2] },
      },
      shut: { type: 'final' },
    },
    ...more,
  } as never) as unknown as AnyStateMachine;
}

const prepared = (machine: AnyStateMachine, options: object = {}): PreparedMachine =>
  defineMachine(machine, options).prepared;
const old = started(prepared(machineOf('1')));

describe('An actor whose record is', () => {
  it('of this very machine goes on', () => {
    expect(versionVerdict(prepared(machineOf('1')), old, at())).toEqual({ is: 'current' });
  });

  it('of another structure of its version goes on where it has its place', () => {
    const machine = prepared(machineOf('1', 'open', { on: { more: { target: '.shut' } } }));
    const renamed = prepared(machineOf('1', 'begun'));

    expect(versionVerdict(machine, old, at())).toEqual({ is: 'changed', hash: machine.hash });
    expect(stepMachine(machine, old, { type: 'more' }, at()).patch).toMatchObject({ hash: machine.hash });
    expect(versionVerdict(renamed, old, at())).toEqual({
      is: 'unknown',
      problems: ['state "open"', 'timer "xstate.after.100.order.open"'],
    });
  });

  it('of a version that is kept stays with it', () => {
    const machine = prepared(machineOf('2', 'begun'), { previous: [machineOf('1')] });
    const verdict = versionVerdict(machine, old, at());

    expect(verdict).toMatchObject({ is: 'pinned', machine: { version: '1' } });
    expect(versionVerdict(prepared(machineOf('3')), old, at())).toEqual({
      is: 'unknown',
      problems: ['version 1'],
    });
  });

  it('of a version with a migration becomes one of this, step by step', () => {
    const machine = prepared(machineOf('3', 'begun'), {
      migrate: {
        1: ({ context, ...rest }: { context: { cents: number } }) => ({
          ...rest,
          version: '2',
          context: { euros: context.cents / 100 },
        }),
        2: (before: object) => ({ ...before, version: undefined, state: 'begun', timers: null }),
      },
    });

    const verdict = versionVerdict(machine, old, at());

    expect(verdict).toEqual({
      is: 'migrates',
      to: 'begun',
      patch: {
        machine: 'order',
        version: '3',
        hash: machine.hash,
        'c:euros': 0.42,
        'c:cents': null,
        timers: null,
        dueAt: null,
      },
    });
    if (verdict.is !== 'migrates') throw new Error(verdict.is);
    const { patch, to } = verdict;
    const after = afterStepped(old, { patch, to, ending: null });
    expect(versionVerdict(machine, { ...after, machine: 'order' } as ActorRecord, at())).toEqual({
      is: 'current',
    });
  });

  it('not what a migration made it is unknown, and a migration that leads nowhere throws', () => {
    const stranded = prepared(machineOf('2', 'begun'), {
      migrate: { 1: (before: object) => ({ ...before, version: '2' }) },
    });
    const nowhere = prepared(machineOf('3'), {
      migrate: { 1: (before: object) => ({ ...before, version: '2' }) },
    });

    expect(versionVerdict(stranded, old, at())).toMatchObject({
      is: 'unknown',
      problems: ['state "open"', expect.any(String)],
    });
    expect(thrown(() => versionVerdict(nowhere, old, at())).message).toContain(
      'to lead to version 3, got version 2 without a next one',
    );
  });

  it('without the source of a child is unknown', () => {
    const machine = setup({}).createMachine({
      id: 'order',
      version: '1',
      initial: 'open',
      states: { open: { after: { 100: 'shut' } }, shut: {} },
    });
    const record = afterStepped(
      newActorRecord('order/17'),
      startMachine(prepared(machineOf('1')), null, null, at()),
    );

    expect(versionVerdict(prepared(machine as unknown as AnyStateMachine), record, at())).toEqual({
      is: 'unknown',
      problems: ['source "charge" of child "c"'],
    });
  });
});
