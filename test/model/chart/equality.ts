import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type {
  AnyActorScope,
  AnyMachineSnapshot,
  AnyStateMachine,
  EventFrom,
  InputFrom,
  StateValue,
} from 'xstate';
import type { CompiledChart, Effect, Step } from '../../../src/model/chart/chart.ts';
import { checkedChart } from '../../../src/model/chart/checked.ts';
import { compileChart } from '../../../src/model/chart/compile.ts';

/** The limits of {@link expectSameSteps}. */
export interface Walk<Machine extends AnyStateMachine> {
  readonly input?: InputFrom<Machine>;
  /** One or more samples of every event type, and of types that the chart refuses. */
  readonly events: readonly EventFrom<Machine>[];
  /** Event types that the chart accepts only through wildcards. */
  readonly wildcards?: readonly string[];
  /** The largest number of (state, context) cells that are visited breadth first. Default 2,000. */
  readonly limit?: number;
  /**
   * Returns the part of a context that identifies its cell. Default: all of it. Leave out counters that grow
   * without end.
   */
  readonly cellOf?: (context: never) => unknown;
  /** Random sequences after the walk, and their length. Default 100 of 30. */
  readonly sequences?: number;
  readonly length?: number;
  readonly seed?: number;
  /** The chart to judge. Default: the machine, compiled. */
  readonly chart?: CompiledChart<never, never>;
}

/** What was compared. */
export interface Walked {
  readonly cells: number;
  readonly steps: number;
  readonly moves: number;
  /** The leaf states that were reached. */
  readonly states: readonly string[];
}

/**
 * Proves a compiled chart against `machine.transition`: on every reachable (state, context) cell and
 * every sample event, then on random sequences, both agree on refusal, state, context and effects.
 */
export function expectSameSteps<Machine extends AnyStateMachine>(
  machine: Machine,
  walk: Walk<Machine>,
): Walked {
  const compared = walk.chart ?? compileChart(machine, { events: walk.wildcards ?? [] });
  const chart = checkedChart(compared as unknown as AnyChart);
  const reference = referenceOf(machine);
  const first = reference.start(walk.input);
  expect(chart.initial).toBe(leafOf(first.value));
  const states = new Set([chart.initial]);
  let steps = 0;
  let moves = 0;
  const take = (snapshot: AnyMachineSnapshot, event: AnyEvent) => {
    const next = compareStep(chart, reference, snapshot, event);
    steps += 1;
    if (next !== snapshot) moves += 1;
    states.add(leafOf(next.value));
    return next;
  };
  const cells = takeEverywhere(first, walk, take);
  takeAtRandom(first, walk, take);
  return { cells, steps, moves, states: [...states].sort() };
}

type Take = (snapshot: AnyMachineSnapshot, event: AnyEvent) => AnyMachineSnapshot;

/** Visits the cells breadth first. Returns their number. */
function takeEverywhere(first: AnyMachineSnapshot, walk: Walk<AnyStateMachine>, take: Take): number {
  const { events, limit = 2_000, cellOf = (context: unknown) => context } = walk;
  const cell = ({ value, context }: AnyMachineSnapshot) => JSON.stringify([value, cellOf(context as never)]);
  const seen = new Set([cell(first)]);
  const queue = [first];
  for (const snapshot of queue) {
    for (const event of events as readonly AnyEvent[]) {
      const next = take(snapshot, event);
      const reached = cell(next);
      if (seen.has(reached) || seen.size >= limit) continue;
      seen.add(reached);
      queue.push(next);
    }
  }
  return queue.length;
}

function takeAtRandom(first: AnyMachineSnapshot, walk: Walk<AnyStateMachine>, take: Take): void {
  const { events, sequences = 100, length = 30, seed = 1 } = walk;
  const random = randomFrom(seed);
  for (let sequence = 0; sequence < sequences; sequence += 1) {
    let snapshot = first;
    for (let at = 0; at < length; at += 1) {
      snapshot = take(snapshot, events[Math.floor(random() * events.length)] as AnyEvent);
    }
  }
}

type AnyEvent = { readonly type: string };
type AnyChart = CompiledChart<Record<string, unknown>, AnyEvent>;

interface Reference {
  start(input: unknown): AnyMachineSnapshot;
  /** `null` when XState selects no transition, which a snapshot alone does not show. */
  step(
    snapshot: AnyMachineSnapshot,
    event: AnyEvent,
  ): { snapshot: AnyMachineSnapshot; effects: Effect[] } | null;
}

/** XState itself, driven through one bare scope that collects the custom actions. */
function referenceOf(machine: AnyStateMachine): Reference {
  let effects: Effect[] = [];
  const nothing = () => {};
  const scope = {
    self: { id: 'reference', _parent: undefined },
    id: 'reference',
    sessionId: 'reference',
    logger: nothing,
    defer: nothing,
    emit: nothing,
    stopChild: nothing,
    system: { _sendInspectionEvent: nothing },
    actionExecutor: (action: Effect) => effects.push({ type: action.type, params: action.params }),
  } as unknown as AnyActorScope;
  return {
    start: (input) => machine.getInitialSnapshot(scope, input as never) as AnyMachineSnapshot,
    step(snapshot, event) {
      if (machine.getTransitionData(snapshot as never, event).length === 0) return null;
      effects = [];
      return { snapshot: machine.transition(snapshot, event, scope) as AnyMachineSnapshot, effects };
    },
  };
}

function compareStep(
  chart: AnyChart,
  reference: Reference,
  before: AnyMachineSnapshot,
  event: AnyEvent,
): AnyMachineSnapshot {
  const state = leafOf(before.value);
  const context = before.context as Record<string, unknown>;
  const expected = reference.step(before, event);
  const step = chart.step(state, context, event);
  const after = expected?.snapshot ?? before;
  const said = {
    moved: step.moved,
    state: step.moved ? step.to : step.state,
    context: contextAfter(context, step),
    status: 'active',
    effects: step.moved ? step.effects : [],
  };
  const meant = {
    moved: expected !== null,
    state: leafOf(after.value),
    context: after.context as unknown,
    status: after.status,
    effects: expected?.effects ?? [],
  };
  // isDeepStrictEqual first: `expect` costs 50 times as much, and is only wanted for its picture of the difference.
  if (!isDeepStrictEqual(said, meant)) {
    expect(said, `${JSON.stringify(event)} in ${state} with ${JSON.stringify(context)}`).toStrictEqual(meant);
  }
  if (step.moved && !chart.accepts(state, event.type)) throw new Error(`accepts denies what ${state} took`);
  return after;
}

function contextAfter(context: Record<string, unknown>, step: Step<Record<string, unknown>>) {
  return step.moved && step.patch !== null ? { ...context, ...step.patch } : context;
}

/** A state value as the compiled chart writes it: `{ active: 'running' }` is `active.running`. */
function leafOf(value: StateValue): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([key, below]) => `${key}.${leafOf(below as StateValue)}`)
    .join(' & ');
}

/** Mulberry32: the same numbers for the same seed on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
