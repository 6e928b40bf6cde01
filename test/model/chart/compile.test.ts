import { describe, expect, it } from 'vitest';
import {
  type AnyStateMachine,
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  log,
  not,
  or,
  raise,
  sendTo,
  setup,
  spawnChild,
  stateIn,
} from 'xstate';
import { ChartError } from '../../../src/errors.ts';

import { checkedChart } from '../../../src/model/chart/checked.ts';
import { compileChart } from '../../../src/model/chart/compile.ts';

interface LampContext {
  readonly turns: number;
  readonly by: string | null;
  readonly note: string;
}
type LampEvent =
  | { readonly type: 'lamp.turn'; readonly by: string }
  | { readonly type: 'lamp.break' }
  | { readonly type: 'lamp.look' }
  | { readonly type: 'lamp.repair'; readonly cost: number };

const lamp = setup({
  types: { context: {} as LampContext, events: {} as LampEvent },
  guards: {
    isWorn: ({ context }) => context.turns > 2,
    isCheap: ({ event }, params: { limit: number }) =>
      event.type === 'lamp.repair' && event.cost <= params.limit,
    isKnown: ({ context }) => context.by !== null,
  },
  actions: {
    count: assign(({ context }) => ({ turns: context.turns + 1 })),
    sign: assign(({ event }) => ({ by: event.type === 'lamp.turn' ? event.by : null })),
    note: assign(({ context }) => ({ note: `${context.by} ${context.turns}` })),
    forget: assign({ by: null, note: '' }),
    tell: (_, _params: { turns: number } | { at: string } | undefined) => {},
  },
}).createMachine({
  id: 'lamp',
  version: '3',
  context: { turns: 0, by: null, note: '' },
  initial: 'off',
  on: { 'lamp.break': '.broken' },
  states: {
    off: {
      exit: { type: 'tell', params: { at: 'exit off' } },
      on: {
        'lamp.turn': [
          { guard: 'isWorn', target: 'broken' },
          {
            target: 'on',
            actions: [
              'count',
              { type: 'tell', params: ({ context }) => ({ turns: context.turns }) },
              'sign',
              'note',
            ],
          },
        ],
      },
    },
    on: {
      entry: { type: 'tell', params: { at: 'entry on' } },
      exit: { type: 'tell', params: { at: 'exit on' } },
      initial: 'dim',
      states: {
        dim: {
          entry: { type: 'tell', params: { at: 'entry dim' } },
          exit: { type: 'tell', params: { at: 'exit dim' } },
          on: { 'lamp.turn': { target: 'bright', actions: 'sign' } },
        },
        bright: { on: { 'lamp.turn': '#lamp.off' } },
      },
    },
    broken: {
      on: {
        'lamp.look': {},
        'lamp.repair': {
          guard: and([{ type: 'isCheap', params: { limit: 5 } }, or(['isKnown', not('isWorn')])]),
          target: 'off',
          actions: 'forget',
        },
      },
    },
  },
});

const fresh: LampContext = { turns: 0, by: null, note: '' };
const turn = { type: 'lamp.turn', by: 'ann' } as const;

describe('a compiled chart', () => {
  it('names the machine, its leaf states and its events', () => {
    const chart = compileChart(lamp);

    expect(chart).toMatchObject({ id: 'lamp', version: '3', initial: 'off' });
    expect(chart.states).toEqual(['off', 'on.dim', 'on.bright', 'broken']);
    expect(chart.events).toEqual(['lamp.break', 'lamp.look', 'lamp.repair', 'lamp.turn']);
  });

  it('runs exit, transition and entry actions in this order, each seeing the assigns before it', () => {
    const step = compileChart(lamp).step('off', fresh, turn);

    expect(step).toEqual({
      moved: true,
      from: 'off',
      to: 'on.dim',
      patch: { turns: 1, by: 'ann', note: 'ann 1' },
      effects: [
        { type: 'tell', params: { at: 'exit off' } },
        { type: 'tell', params: { turns: 1 } },
        { type: 'tell', params: { at: 'entry on' } },
        { type: 'tell', params: { at: 'entry dim' } },
      ],
    });
  });

  it('leaves nested states from the inside out, also by a transition of a parent', () => {
    const step = compileChart(lamp).step('on.dim', fresh, { type: 'lamp.break' });

    expect(step).toMatchObject({ moved: true, to: 'broken', patch: null });
    expect(step.moved && step.effects.map(({ params }) => (params as { at: string }).at)).toEqual([
      'exit dim',
      'exit on',
    ]);
  });

  it('does not leave the parent when the target is a sibling', () => {
    const step = compileChart(lamp).step('on.dim', fresh, turn);

    expect(step.moved && step.effects).toEqual([{ type: 'tell', params: { at: 'exit dim' } }]);
  });

  it('patches only what was assigned, so a record may be the context', () => {
    const record = Object.freeze({ ...fresh, id: 'j1', turns: 1 });

    const step = compileChart(lamp).step('off', record, turn);

    expect(step.moved && step.patch).toEqual({ turns: 2, by: 'ann', note: 'ann 2' });
  });

  it('takes an event written as {} without changing anything', () => {
    const step = compileChart(lamp).step('broken', fresh, { type: 'lamp.look' });

    expect(step).toEqual({ moved: true, from: 'broken', to: 'broken', patch: null, effects: [] });
  });

  it('refuses by guard, naming the guards that refused', () => {
    const step = compileChart(lamp).step('broken', { ...fresh, turns: 3 }, { type: 'lamp.repair', cost: 4 });

    expect(step).toEqual({
      moved: false,
      state: 'broken',
      event: 'lamp.repair',
      guards: ['and(isCheap, or(isKnown, not isWorn))'],
    });
  });

  it('refuses an event the state does not know, an unknown event and an unknown state without guards', () => {
    const chart = compileChart(lamp);

    expect(chart.step('off', fresh, { type: 'lamp.look' })).toEqual({
      moved: false,
      state: 'off',
      event: 'lamp.look',
      guards: [],
    });
    expect(chart.step('off', fresh, { type: 'nope' } as never)).toMatchObject({ moved: false, guards: [] });
    expect(chart.step('gone', fresh, turn)).toMatchObject({ moved: false, state: 'gone', guards: [] });
  });

  it('accepts an event with a candidate, independent of its guards', () => {
    const chart = compileChart(lamp);

    expect(chart.accepts('broken', 'lamp.repair')).toBe(true);
    expect(chart.accepts('on.bright', 'lamp.break')).toBe(true);
    expect(chart.accepts('off', 'lamp.look')).toBe(false);
    expect(chart.accepts('gone', 'lamp.turn')).toBe(false);
  });

  it('lists every edge of the table', () => {
    const edges = compileChart(lamp).edges();

    expect(edges).toHaveLength(10);
    expect(edges.filter(({ from }) => from === 'broken')).toEqual([
      { from: 'broken', event: 'lamp.break', to: 'broken', guards: [], actions: [], targetless: false },
      { from: 'broken', event: 'lamp.look', to: 'broken', guards: [], actions: [], targetless: true },
      {
        from: 'broken',
        event: 'lamp.repair',
        to: 'off',
        guards: ['and(isCheap, or(isKnown, not isWorn))'],
        actions: ['forget'],
        targetless: false,
      },
    ]);
  });

  it('is compiled once per machine object', () => {
    expect(compileChart(lamp)).toBe(compileChart(lamp));
    expect(compileChart(lamp, { events: ['lamp.move'] })).not.toBe(compileChart(lamp));
    expect(compileChart(lamp.provide({}))).not.toBe(compileChart(lamp));
  });
});

/** A machine of two states; `change` adds what the test is about, typed or not. */
function machineWith(change: object, a: object = {}, more: object = {}): AnyStateMachine {
  const implementations = {
    guards: {
      isFine: () => true,
      isRound: and(['isSquare'] as never),
      isSquare: not('isRound' as never),
      isAlias: 'isFine',
    },
    actions: {
      tell: () => {},
      put: assign({ a: 1 }),
      shout: raise({ type: 'again' } as never),
      later: cancel('x'),
    },
  };
  return createMachine(
    { id: 'odd', context: {}, initial: 'a', states: { a, b: {}, ...more }, ...change } as never,
    implementations as never,
  ) as unknown as AnyStateMachine;
}

const by = (transition: unknown) => machineWith({}, { on: { go: transition } });

describe('the dialect refuses', () => {
  const outside: Record<string, readonly [AnyStateMachine, RegExp]> = {
    'a parallel state': [
      machineWith({}, { type: 'parallel', states: { x: {}, y: {} } }),
      /state "a".*"parallel".*Split/,
    ],
    'a history state': [machineWith({}, {}, { h: { type: 'history' } }), /state "h".*"history"/],
    'a final state': [
      machineWith({}, {}, { done: { type: 'final' } }),
      /state "done".*"final".*without transitions/,
    ],
    always: [machineWith({}, { always: { target: 'b', guard: 'isFine' } }), /state "a".*`always`/],
    after: [machineWith({}, { after: { 10: 'b' } }), /`after`.*tick/],
    invoke: [machineWith({}, { invoke: { src: 'work' } }), /state "a".*`invoke`/],
    onDone: [machineWith({}, { initial: 'x', states: { x: {} }, onDone: 'b' }), /state "a".*`onDone`/],
    output: [machineWith({ output: {} }), /root state.*`output`.*context/],
    'a route': [machineWith({}, { id: 'there', route: {} }), /state "a".*`route`/],
    'several targets': [by({ target: ['b', 'a'] }), /"go" in state "a".*2 targets/],
    'the root as target': [by({ target: '#odd' }), /its root/],
    'a transition written as undefined': [by(undefined), /undefined.*Write \{\}/],
    'an inline effect': [by({ actions: () => {} }), /inline function.*setup/],
    'an inline assign': [by({ actions: assign({ a: 1 }) }), /inline assign.*setup/],
    'an inline action on entry': [machineWith({}, { entry: () => {} }), /inline function/],
    'an unknown action': [by({ actions: 'nope' }), /action "nope" of "go" in state "a".*no implementation/],
    'an unknown action on exit': [machineWith({}, { exit: 'nope' }), /action "nope" of state "a"/],
    'raise by name': [by({ actions: 'shout' }), /action "shout".*got raise/],
    'cancel by name': [by({ actions: 'later' }), /action "later".*got cancel/],
    raise: [by({ actions: raise({ type: 'x' } as never) }), /inline raise/],
    sendTo: [by({ actions: sendTo('x', { type: 'x' }) }), /inline sendTo/],
    spawnChild: [by({ actions: spawnChild('x' as never) }), /inline spawnChild/],
    emit: [by({ actions: emit({ type: 'x' } as never) }), /inline emit/],
    enqueueActions: [by({ actions: enqueueActions(() => {}) }), /inline enqueueActions/],
    log: [by({ actions: log('x') }), /inline log/],
    'an inline guard': [by({ guard: () => true }), /inline function/],
    'an inline guard inside a join': [by({ guard: not((() => true) as never) }), /inline function/],
    stateIn: [by({ guard: stateIn('a') }), /stateIn/],
    'stateIn inside a join': [by({ guard: and(['isFine', stateIn('a')] as never) }), /stateIn/],
    'an unknown guard': [by({ guard: 'isNope' }), /guard "isNope".*no implementation.*known are isFine/],
    'a guard that is only another name': [by({ guard: 'isAlias' }), /guard "isAlias".*string/],
    'a circle of guards': [by({ guard: 'isRound' }), /isRound -> isSquare -> isRound/],
    'entry actions of the root': [machineWith({ entry: 'tell' }), /root state.*`entry`/],
    'exit actions of the root': [machineWith({ exit: 'tell' }), /root state.*`exit`/],
    'a machine without states': [
      createMachine({ id: 'odd' }) as unknown as AnyStateMachine,
      /made of states/,
    ],
    'a dot in a state name': [machineWith({}, {}, { 'x.y': {} }), /"x\.y"/],
    'an atomic state with states': [
      machineWith({}, { type: 'atomic', states: { x: {} } }),
      /compound exactly/,
    ],
    'events of XState': [machineWith({}, { on: { 'xstate.stop': {} } }), /"xstate\.stop"/],
    'a wildcard inside an event': [machineWith({}, { on: { 'job.*.done': {} } }), /"job\.\*\.done"/],
    'a wildcard that matches nothing': [machineWith({}, { on: { 'job.*': {} } }), /"job\.\*".*\{ events \}/],
  };

  it.each(Object.entries(outside))('%s', (_name, [machine, sentence]) => {
    const compile = () => compileChart(machine);

    expect(compile).toThrow(ChartError);
    expect(compile).toThrow(/^Expected .+ to be .+, got .+\. .+\.$/);
    expect(compile).toThrow(/machine "odd"/);
    expect(compile).toThrow(sentence);
  });

  it('a wildcard among the events named beside the machine', () => {
    expect(() => compileChart(by('b'), { events: ['job.*'] })).toThrow(/"job\.\*".*each type/);
  });

  it('with a code', () => {
    expect(() => compileChart(by({ guard: 'isNope' }))).toThrow(
      expect.objectContaining({ name: 'ChartError', code: 'CHART_DIALECT' }),
    );
  });
});

describe('wildcards', () => {
  it('are expanded over the events of the whole chart and those named beside it', () => {
    const machine = machineWith({ on: { 'job.*': '.b' } }, { on: { 'job.claim': {}, other: {} } });

    const chart = compileChart(machine, { events: ['job.put'] });

    expect(chart.events).toEqual(['job.claim', 'job.put', 'other']);
    expect(chart.step('a', {}, { type: 'job.put' })).toMatchObject({ moved: true, to: 'b' });
    expect(chart.step('a', {}, { type: 'job.claim' })).toMatchObject({ moved: true, to: 'a' });
    expect(chart.step('a', {}, { type: 'job.unheard' })).toMatchObject({ moved: false });
  });
});

describe('the hash of a definition', () => {
  const plain = { on: { go: { target: 'b', guard: 'isFine', actions: 'tell' } } };
  const hashOf = (machine: AnyStateMachine) => compileChart(machine).hash;

  it('is the same for the same definition, in any order of states and events', () => {
    const forth = machineWith({}, { ...plain, exit: 'put' }, { c: { on: { x: {}, y: {} } } });
    const back = machineWith({
      states: { c: { on: { y: {}, x: {} } }, b: {}, a: { exit: ['put'], ...plain } },
    });

    expect(hashOf(back)).toBe(hashOf(forth));
    expect(hashOf(forth)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('does not change with implementations', () => {
    const machine = machineWith({}, plain);

    expect(hashOf(machine.provide({ actions: { tell: () => {} } } as never))).toBe(hashOf(machine));
  });

  it.each(
    Object.entries({
      'a target': { on: { go: { target: 'a', guard: 'isFine', actions: 'tell' } } },
      'a guard': { on: { go: { target: 'b', guard: not('isFine' as never), actions: 'tell' } } },
      'no guard': { on: { go: { target: 'b', actions: 'tell' } } },
      'an action': { on: { go: { target: 'b', guard: 'isFine', actions: 'put' } } },
      params: { on: { go: { target: 'b', guard: 'isFine', actions: { type: 'tell', params: { a: 1 } } } } },
      'an event': { on: { gone: { target: 'b', guard: 'isFine', actions: 'tell' } } },
      reenter: { on: { go: { target: 'b', guard: 'isFine', actions: 'tell', reenter: true } } },
      'an entry action': { ...plain, entry: 'tell' },
    }),
  )('changes with %s', (_name, changed) => {
    expect(hashOf(machineWith({}, changed))).not.toBe(hashOf(machineWith({}, plain)));
  });
});

describe('a checked chart', () => {
  const checked = (assignment: (given: { context: { list: number[] } }) => object) => {
    const machine = setup({ actions: { write: assign(assignment as never) } }).createMachine({
      id: 'odd',
      initial: 'a',
      states: { a: { on: { go: { actions: 'write' } } } },
    } as never);
    return checkedChart(compileChart(machine as unknown as AnyStateMachine));
  };

  it.each(
    Object.entries({
      undefined: { value: undefined, sentence: /undefined at patch\.x/ },
      'a Date': { value: new Date(0), sentence: /Date at patch\.x/ },
      'a Map, deep down': { value: [{ y: new Map() }], sentence: /Map at patch\.x\.0\.y/ },
      'a function': { value: () => {}, sentence: /function at patch\.x/ },
      'a bigint': { value: 1n, sentence: /bigint at patch\.x/ },
      NaN: { value: Number.NaN, sentence: /NaN at patch\.x/ },
    }),
  )('refuses an assign that gives %s', (_name, { value, sentence }) => {
    const step = () => checked(() => ({ x: value })).step('a', { list: [] }, { type: 'go' });

    expect(step).toThrow(sentence);
  });

  it('refuses an assign that changes the context in place', () => {
    const step = () =>
      checked(({ context }) => ({ list: context.list, length: context.list.push(1) })).step(
        'a',
        { list: [] },
        { type: 'go' },
      );

    expect(step).toThrow(/changed context/);
  });

  it('steps like the chart it checks', () => {
    const step = checkedChart(compileChart(lamp)).step('off', fresh, turn);

    expect(step).toEqual(compileChart(lamp).step('off', fresh, turn));
  });
});
