import { describe, expect, it } from 'vitest';
import { and, assign, createMachine, not, or, raise, setup, stateIn } from 'xstate';

// The compiler reads these although XState does not promise them. When an upgrade changes one, this
// file fails first and says which; src/model/chart/{actions,guards}.ts are the places to change.

type Untyped = Record<string, unknown>;
const read = (value: unknown) => value as Untyped;

describe('xstate internals the chart compiler relies on', () => {
  it('assign keeps its argument in `assignment`, and is recognised by `type` and `resolve`', () => {
    const assignment = () => ({ count: 1 });
    const built = read(assign(assignment as never));

    expect(built.assignment).toBe(assignment);
    expect(built.type).toBe('xstate.assign');
    expect(built.resolve).toBeTypeOf('function');
  });

  it('other built-in actions are recognised by `type` and `resolve` as well', () => {
    const built = read(raise({ type: 'again' } as never));

    expect(built.type).toBe('xstate.raise');
    expect(built.resolve).toBeTypeOf('function');
  });

  it('and, or and not keep their guards in `guards`', () => {
    expect(read(and(['a', 'b'] as never)).guards).toEqual(['a', 'b']);
    expect(read(or(['a', 'b'] as never)).guards).toEqual(['a', 'b']);
    expect(read(not('a' as never)).guards).toEqual(['a']);
  });

  it('and, or, not and stateIn are distinguished by one `check` function each', () => {
    const checkOf = (guard: unknown) => read(guard).check;
    const checks = [and([]), or([]), not('a' as never), stateIn('a')].map(checkOf);

    expect(new Set(checks).size).toBe(4);
    expect(checks.every((check) => typeof check === 'function')).toBe(true);
    expect([and(['b'] as never), or(['b'] as never), not('b' as never), stateIn('b')].map(checkOf)).toEqual(
      checks,
    );
  });

  it('a machine shows its resolved states, transitions and implementations', () => {
    const isOpen = () => true;
    const machine = setup({ guards: { isOpen }, actions: { tell: () => {} } }).createMachine({
      id: 'door',
      initial: 'shut',
      states: {
        shut: { exit: 'tell', on: { open: { target: 'open', guard: 'isOpen', actions: 'tell' } } },
        open: { initial: { target: 'wide', actions: 'tell' } as never, states: { wide: {} } },
      },
    });
    const { shut, open } = machine.root.states as Untyped as Record<'shut' | 'open', typeof machine.root>;
    const [transition] = shut.transitions.get('open') ?? [];

    expect(shut).toMatchObject({ type: 'atomic', path: ['shut'], parent: machine.root, exit: ['tell'] });
    expect(transition).toMatchObject({ source: shut, guard: 'isOpen', actions: ['tell'], reenter: false });
    expect(transition?.target).toEqual([open]);
    expect(open.initial.target).toEqual([open.states.wide]);
    expect(open.initial.actions).toEqual(['tell']);
    expect(machine.implementations.guards).toEqual({ isOpen });
  });

  it('a transition written as undefined is kept, and takes the event', () => {
    const machine = createMachine({ on: { open: undefined } } as never);

    expect(machine.root.transitions.get('open' as never)).toHaveLength(1);
  });

  it('a step needs only a bare scope with an executor and a system that is notified', () => {
    const seen: unknown[] = [];
    const machine = setup({ actions: { tell: () => {} } }).createMachine({
      initial: 'shut',
      states: { shut: { on: { open: { target: 'open', actions: { type: 'tell' } } } }, open: {} },
    });
    const scope = {
      self: {},
      system: { _sendInspectionEvent: () => {} },
      actionExecutor: ({ type }: { type: string }) => seen.push(type),
    };

    const shut = machine.resolveState({ value: 'shut' });
    const next = machine.transition(shut as never, { type: 'open' }, scope as never);

    expect(next.value).toBe('open');
    expect(seen).toEqual(['tell']);
  });
});
