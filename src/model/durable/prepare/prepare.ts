import type { AnyActorLogic, AnyStateMachine } from 'xstate';
import { SignalboxError, shown } from '../../../errors.ts';
import { Engine } from '../engine.ts';
import type { DurableLogic, Migration, PreparedMachine, Source } from '../machine.ts';
import { inertLogic, sourceOf } from '../sources.ts';
import { isMachine, isReducer, problemsOf } from './dialect.ts';
import { structureHash } from './structure.ts';

const defaultIterations = 1000;
const deepest = 16;

/** How a machine is prepared. */
export interface PrepareOptions {
  /** Default: the id of the machine. A reducer needs one. */
  readonly name?: string | undefined;
  /** Of a reducer; default '1'. A machine has its own. */
  readonly version?: string | undefined;
  /** Names of actions that are plain code and may be lost. */
  readonly transient?: readonly string[] | undefined;
  /** How many microsteps a step may have where the machine says nothing. Default 1,000. */
  readonly maxIterations?: number | undefined;
  readonly previous?: readonly PreparedMachine[] | undefined;
  readonly migrate?: { readonly [version: string]: Migration } | undefined;
}

/**
 * Looks a machine and its children through, and makes it ready for steps.
 * @throws SignalboxError `MACHINE_DIALECT` with everything that cannot be durable, each with its place and its repair.
 */
export function prepareMachine(logic: DurableLogic, options: PrepareOptions = {}): PreparedMachine {
  const name = options.name ?? (isMachine(logic) ? logic.id : '');
  const problems = isMachine(logic)
    ? machineProblems(logic, name, new Set(options.transient), [])
    : reducerProblems(logic, name);
  if (problems.length > 0) throw new SignalboxError('MACHINE_DIALECT', { machine: name, problems });
  return isMachine(logic) ? prepared(logic, name, options) : preparedReducer(logic, name, options);
}

function reducerProblems(logic: unknown, name: string): readonly string[] {
  if (!isReducer(logic))
    return [
      `Expected "${name}" to be a machine of XState, or a reducer made by fromTransition, got ${shown(logic)}. Write setup({ … }).createMachine({ … }).`,
    ];
  if (name === '')
    return [
      'Expected a reducer to have a name, got none. Its actors are found by it: write defineMachine(logic, { name }).',
    ];
  return [];
}

function machineProblems(
  machine: AnyStateMachine,
  name: string,
  transient: ReadonlySet<string>,
  above: readonly { readonly name: string; readonly machine: AnyStateMachine }[],
): readonly string[] {
  const problems = [...problemsOf(machine, name, transient)];
  const seen = new Map(above.map((each) => [each.name, each.machine]));
  const here = [...above, { name, machine }];
  seen.set(name, machine);
  if (here.length > deepest) {
    problems.push(
      `Expected machines to be at most ${deepest} deep, got "${name}" below that. Let actors send to each other instead.`,
    );
    return problems;
  }
  for (const [src, child] of Object.entries(machine.implementations.actors)) {
    if (!isMachine(child)) continue;
    const known = seen.get(child.id);
    if (known !== undefined && known !== child)
      problems.push(
        `Expected actor "${src}" of machine "${name}" to have an id of its own, got a second machine "${child.id}". Rename one of the two.`,
      );
    seen.set(child.id, child);
    if (known === child) continue;
    problems.push(...machineProblems(child, child.id, childTransient(child, transient), here));
  }
  return [...new Set(problems)];
}

/** Of the names that were given for the parent, those that are the child's as well. */
function childTransient(child: AnyStateMachine, transient: Iterable<string>): ReadonlySet<string> {
  return new Set([...transient].filter((type) => Object.hasOwn(child.implementations.actions, type)));
}

function prepared(machine: AnyStateMachine, name: string, options: PrepareOptions): PreparedMachine {
  const transient = new Set(options.transient);
  const sources = new Map<string, Source>();
  const inert: Record<string, AnyActorLogic> = {};
  for (const [src, logic] of Object.entries(machine.implementations.actors)) {
    inert[src] = inertLogic();
    if (isMachine(logic)) {
      const own = { transient: [...childTransient(logic, transient)], maxIterations: options.maxIterations };
      sources.set(src, { kind: 'machine', machine: prepared(logic, logic.id, own) });
    } else {
      const source = sourceOf(logic);
      if (source !== null) sources.set(src, source);
    }
  }
  const engine = new Engine(() => withLimit(machine.provide({ actors: inert } as never), options));
  return {
    ...common(name, options),
    version: String(machine.version),
    hash: structureHash(machine),
    kind: 'machine',
    given: machine,
    get logic() {
      return engine.machine;
    },
    engine,
    sources,
    children: [...sources.values()].flatMap((source) => (source.kind === 'machine' ? [source.machine] : [])),
    transient,
  };
}

function withLimit(
  machine: AnyStateMachine,
  { maxIterations = defaultIterations }: PrepareOptions,
): AnyStateMachine {
  if (machine.options.maxIterations === Number.POSITIVE_INFINITY)
    (machine as { options: unknown }).options = { ...machine.options, maxIterations };
  return machine;
}

function preparedReducer(logic: DurableLogic, name: string, options: PrepareOptions): PreparedMachine {
  return {
    ...common(name, options),
    version: options.version ?? '1',
    hash: 'reducer',
    kind: 'reducer',
    given: logic,
    logic,
    engine: null,
    sources: new Map(),
    children: [],
    transient: new Set(),
  };
}

function common(
  name: string,
  { previous = [], migrate = {} }: PrepareOptions,
): Pick<PreparedMachine, 'name' | 'previous' | 'migrate'> {
  return { name, previous, migrate };
}
