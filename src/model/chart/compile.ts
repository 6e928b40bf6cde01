/*
 * Room: chart.
 *
 * Owns: The compiler of stored charts: reads the definition of an XState machine and builds the table of
 *   steps that runs. It refuses what the table cannot express (dialect.ts).
 *
 * Invariant: On every cell that a chart can reach, the table gives what XState gives.
 *   test/machines/job.proof.test.ts proves it.
 *
 * May import: nothing.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, ContextFrom, EventFrom } from 'xstate';
import { type CompiledAction, compileAction, nothing, perform } from './actions.ts';
import type { CompiledChart, Edge, EdgeAnswer, Step } from './chart.ts';
import { checkDialect } from './dialect.ts';
import { eventsOf, transitionsOf } from './events.ts';
import { type Arguments, type CompiledGuard, compileGuard, type GuardJoins, guardJoins } from './guards.ts';
import { hashOf } from './hash.ts';
import { familyOf, type Place, pathOf } from './place.ts';
import {
  domainOf,
  entriesOf,
  exitsOf,
  initialsOf,
  lineOf,
  type Route,
  type RouteParts,
  routeOf,
} from './route.ts';

/** One transition from one leaf state: everything about it that does not depend on the data. */
export interface Candidate {
  readonly guard: CompiledGuard | null;
  readonly to: string;
  readonly actions: readonly CompiledAction[];
  readonly targetless: boolean;
}

/** The rules by which a chart is compiled. The proof breaks them one by one to show that it would notice. */
export interface Parts extends RouteParts {
  readonly guardJoins: GuardJoins;
  /** Which states are searched for a transition, in this order. */
  readonly lineOf: typeof lineOf;
  readonly transitionsOf: typeof transitionsOf;
  readonly routeOf: typeof routeOf;
  readonly actionsOf: typeof actionsOf;
  readonly choose: typeof choose;
  readonly perform: typeof perform;
}

/** XState's own rules. */
export const parts: Parts = {
  guardJoins,
  lineOf,
  transitionsOf,
  domainOf,
  exitsOf,
  entriesOf,
  routeOf,
  actionsOf,
  choose,
  perform,
};

/** The options of {@link compileChart}. */
export interface CompileOptions {
  /** Event types that the chart accepts only through wildcards. */
  readonly events?: readonly string[];
}

const compiled = new WeakMap<AnyStateMachine, Map<string, CompiledChart<never, never>>>();

/**
 * Reads a machine's definition into a step table, so that one step costs well under a microsecond and the chart
 * stays the only source. Provide implementations first; each machine object is compiled once.
 *
 * @example
 * ```ts
 * import { compileChart } from 'signalbox';
 * import { dispatcherMachine } from 'signalbox/machines';
 *
 * const chart = compileChart(dispatcherMachine);
 * console.log(chart.accepts('polling', 'poll.done'), chart.accepts('stopped', 'poll.done')); // => true false
 * ```
 *
 * @throws {@link ChartError} `CHART_DIALECT` when the machine uses a feature that cannot be compiled.
 */
export function compileChart<Machine extends AnyStateMachine>(
  machine: Machine,
  options: CompileOptions = {},
): CompiledChart<ContextFrom<Machine>, EventFrom<Machine>> {
  const key = JSON.stringify([...(options.events ?? [])].sort());
  const known = compiled.get(machine) ?? new Map<string, CompiledChart<never, never>>();
  compiled.set(machine, known);
  const chart = known.get(key) ?? compileWith(parts, machine, options);
  known.set(key, chart as CompiledChart<never, never>);
  return chart as CompiledChart<ContextFrom<Machine>, EventFrom<Machine>>;
}

/** Compiles by the given rules. Only the proof needs to call it. */
export function compileWith<Machine extends AnyStateMachine>(
  rules: Parts,
  machine: Machine,
  options: CompileOptions = {},
): CompiledChart<ContextFrom<Machine>, EventFrom<Machine>> {
  checkDialect(machine, options.events ?? []);
  const events = eventsOf(machine, options.events ?? []);
  const leaves = familyOf(machine.root).filter((node) => node.type === 'atomic');
  const table = new Map(leaves.map((leaf) => [pathOf(leaf), rowOf(leaf, events, rules)]));
  return {
    id: machine.id,
    version: machine.version,
    initial: pathOf(initialsOf(machine.root).at(-1) ?? machine.root),
    states: [...table.keys()],
    events,
    hash: hashOf(machine),
    step: stepper(table, rules),
    ask: (state, context, event) => answersOf(table, state, { context, event }),
    edges: () => edgesOf(table),
    accepts: (state, eventType) => table.get(state)?.has(eventType) ?? false,
  };
}

/** One leaf state's transitions by event type. */
type Row = ReadonlyMap<string, Cell>;

interface Cell {
  readonly candidates: readonly Candidate[];
  /** The names of the guards, for a step that all of them refuse. */
  readonly guards: readonly string[];
}

function stepper<Context extends object, Event extends { readonly type: string }>(
  table: ReadonlyMap<string, Row>,
  rules: Pick<Parts, 'choose' | 'perform'>,
): (state: string, context: Context, event: Event) => Step<Context> {
  return (state, context, event) => {
    const cell = table.get(state)?.get(event.type);
    if (cell === undefined) return { moved: false, state, event: event.type, guards: noGuards };
    const given: Arguments = { context, event };
    const candidate = rules.choose(cell.candidates, given);
    if (candidate === undefined) return { moved: false, state, event: event.type, guards: cell.guards };
    const { patch, effects } =
      candidate.actions.length === 0 ? nothing : rules.perform(candidate.actions, given);
    return { moved: true, from: state, to: candidate.to, patch: patch as Partial<Context> | null, effects };
  };
}

const noGuards: readonly string[] = Object.freeze([]);

function choose(candidates: readonly Candidate[], given: Arguments): Candidate | undefined {
  for (const candidate of candidates) {
    if (candidate.guard === null || candidate.guard.test(given)) return candidate;
  }
  return undefined;
}

function rowOf(leaf: AnyStateNode, events: readonly string[], rules: Parts): Row {
  const row = new Map<string, Cell>();
  for (const event of events) {
    const candidates = rules
      .lineOf(leaf)
      .flatMap((node) => rules.transitionsOf(node, event))
      .map((transition) => candidateOf(leaf, transition, rules));
    if (candidates.length === 0) continue;
    const guards = candidates.flatMap(({ guard }) => (guard === null ? [] : [guard.name]));
    row.set(event, { candidates, guards: Object.freeze([...new Set(guards)]) });
  }
  return row;
}

function candidateOf(leaf: AnyStateNode, transition: AnyTransitionDefinition, rules: Parts): Candidate {
  const { source, guard, eventType } = transition;
  const place = { node: source, event: String(eventType) };
  const route = rules.routeOf(leaf, transition, rules);
  return {
    guard: guard ? compileGuard(guard, source.machine, place, rules.guardJoins) : null,
    to: pathOf(route.to),
    actions: rules.actionsOf(route, transition, place),
    targetless: transition.target === undefined,
  };
}

/** The actions of a step in XState's order: exits from the inside out, the transition, entries from the outside in. */
function actionsOf(
  route: Route,
  transition: AnyTransitionDefinition,
  place: Place,
): readonly CompiledAction[] {
  const read = (references: readonly unknown[], at: Place) =>
    references.map((reference) => compileAction(reference, at.node.machine, at));
  return [
    ...route.exits.flatMap((node) => read(node.exit, { node })),
    ...read(transition.actions, place),
    ...route.entries.flatMap(({ node, byDefault }) => [
      ...read(node.entry, { node }),
      ...(byDefault ? read(node.initial.actions, { node }) : []),
    ]),
  ];
}

function answersOf(table: ReadonlyMap<string, Row>, state: string, given: Arguments): readonly EdgeAnswer[] {
  const { type } = given.event;
  const { candidates } = table.get(state)?.get(type) ?? { candidates: [] };
  return candidates.map((candidate) => ({
    edge: edgeOf(state, type, candidate),
    answer: candidate.guard === null || Boolean(candidate.guard.test(given)),
  }));
}

function edgesOf(table: ReadonlyMap<string, Row>): readonly Edge[] {
  return [...table].flatMap(([from, row]) =>
    [...row].flatMap(([event, { candidates }]) =>
      candidates.map((candidate) => edgeOf(from, event, candidate)),
    ),
  );
}

function edgeOf(from: string, event: string, { guard, to, actions, targetless }: Candidate): Edge {
  const guards = guard === null ? [] : [guard.name];
  return { from, event, to, guards, actions: actions.map(({ name }) => name), targetless };
}
