import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import type { ActorEnding } from '../../../machines/actor.machine.ts';
import { newActorContext } from '../../../machines/actor.machine.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { getOwn } from '../checks/own-keys.ts';
import { type ActorRecord, recordVersion } from '../records/records.ts';
import type { Failure } from '../values/failure.ts';
import { decodeValue } from '../values/values.ts';
import { deepFrozen } from './checked.ts';
import { Consequences } from './consequences.ts';
import {
  type Changes,
  checkContextSize,
  encodePart,
  encodeTop,
  freezeContext,
  freezeHistory,
} from './freeze.ts';
import { type PreparedMachine, type StepAt, StepError, type Stepped } from './machine.ts';
import { endedChildOf } from './outcome.ts';
import { type OpenStep, openStep } from './scope.ts';
import { contextOf, type ReducerSnapshot, reducerStateOf, thaw } from './thaw.ts';

/** What a step goes on from. */
interface Before {
  readonly record: ActorRecord | null;
  readonly context: Record<string, unknown>;
  readonly history: unknown;
  readonly nodes: unknown;
}

/**
 * Starts an actor. `previous`: the record of an ended actor of this id, which begins anew; what it has of a context is cleared.
 * @throws StepError, or SignalboxError `ACTOR_LIMIT`.
 */
export function startMachine(
  machine: PreparedMachine,
  previous: ActorRecord | null,
  input: unknown,
  at: StepAt,
): Stepped {
  const parent = at.parent?.actor ?? null;
  return guarded(machine, at, () => {
    const base =
      previous === null ? null : { ...previous, children: null, timers: null, runs: allRuns(previous) };
    const step = openStep(at.id, parent);
    const consequences = new Consequences(machine, base, at, parent);
    const first = begun(machine, input, step);
    const before = { record: null, context: {}, history: undefined, nodes: undefined };
    const stepped = settled(machine, before, first, step, consequences, at, true);
    return { ...stepped, from: null, isTaken: true, patch: { ...cleared(base), ...stepped.patch } };
  });
}

function begun(machine: PreparedMachine, input: unknown, step: OpenStep): AnyMachineSnapshot {
  machine.engine?.expect('xstate.init');
  const first = machine.logic.getInitialSnapshot(step.scope, input) as AnyMachineSnapshot;
  if (first.status === 'error') throw first.error;
  return first;
}

/** The keys of the chart's context are all in the patch of a start, since a start begins with a new one. */
function cleared(base: ActorRecord | null): Changes {
  const { history, timers, children, runs, dueAt, output, failure } = newActorContext();
  const changes: Record<string, unknown> = {
    history,
    timers,
    children,
    dueAt,
    output,
    failure,
    runs: base?.runs ?? runs,
  };
  for (const key in base) if (key.startsWith('c:')) changes[key] = null;
  return changes as Changes;
}

/** The last run of every child of an actor, whether it is there or not. */
function allRuns({ children, runs }: ActorRecord): ActorRecord['runs'] {
  if (children === null) return runs;
  const of = Object.entries(children).map(([name, { run }]) => [name, run] as const);
  return { ...runs, ...Object.fromEntries(of) };
}

/** Makes one macrostep. @throws StepError, or SignalboxError `ACTOR_LIMIT`. */
export function stepMachine(
  machine: PreparedMachine,
  record: ActorRecord,
  event: EventObject,
  at: StepAt,
): Stepped {
  return advanced(machine, record, event, at, null);
}

/**
 * A timer fires: its actor takes the event, or gives it to a child or the parent.
 * @throws StepError, or SignalboxError `ACTOR_LIMIT`.
 */
export function stepTimer(
  machine: PreparedMachine,
  record: ActorRecord,
  timerId: string,
  at: StepAt,
): Stepped {
  const timer = getOwn(record.timers ?? {}, timerId);
  if (timer === undefined)
    throw new TypeError(`Expected actor ${record.id} to have timer "${timerId}", found none.`);
  const [, , stored, to] = timer;
  if (to === null)
    return advanced(machine, record, decodeValue(stored, at.resolve) as EventObject, at, timerId);
  const consequences = new Consequences(machine, record, at, record.parent?.actor ?? null);
  consequences.cancelTimer(timerId);
  const changes: Changes = {};
  consequences.writeTo(changes, false);
  const actor = to === '#parent' ? record.parent?.actor : getOwn(record.children ?? {}, to)?.id;
  return {
    patch: changes,
    from: record.state,
    to: record.state,
    ending: null,
    isTaken: actor !== undefined,
    transitions: [],
    effects: actor === undefined ? [] : [{ type: 'send', to: { actor }, event: stored }],
  };
}

function advanced(
  machine: PreparedMachine,
  record: ActorRecord,
  event: EventObject,
  at: StepAt,
  timerId: string | null,
): Stepped {
  return guarded(machine, at, () => {
    const parent = record.parent?.actor ?? null;
    const step = openStep(at.id, parent);
    const consequences = new Consequences(machine, record, at, parent);
    if (timerId !== null) consequences.cancelTimer(timerId);
    const ended = endedChildOf(event);
    if (ended !== null) consequences.forget(ended);
    machine.engine?.expect(event.type);
    if (machine.engine === null) return reduced(machine, record, event, step, consequences, at);
    const context = contextOf(record, at.resolve);
    const snapshot = thaw(machine, record, step, at.isFrozen === true ? deepFrozen(context) : context, ended);
    const next = (machine.logic as AnyStateMachine).transition(snapshot, event, step.scope);
    // A child has failed, and the machine has no transition for it.
    if (next.status === 'error') throw next.error;
    const before = { record, context, history: snapshot.historyValue, nodes: snapshot._nodes };
    return settled(machine, before, next, step, consequences, at, false);
  });
}

function settled(
  machine: PreparedMachine,
  { record, context, history, nodes }: Before,
  next: AnyMachineSnapshot,
  step: OpenStep,
  consequences: Consequences,
  at: StepAt,
  isFirst: boolean,
): Stepped {
  const isDone = next.status === 'done';
  consequences.takeAll(step);
  if (isDone) consequences.stopAll();
  const changes: Changes = {};
  name(machine, record, changes);
  if (machine.engine === null) changes['c:'] = encodeTop(next.context, 'the state', at);
  else freezeContext(context, next.context, changes, at);
  checkContextSize(record, changes, at);
  if (machine.engine !== null && next.historyValue !== history) {
    const frozen = freezeHistory(next.historyValue as never);
    if (frozen !== null || !isFirst) changes.history = frozen as Json;
  }
  consequences.writeTo(changes, isDone);
  if (isDone && next.output !== undefined) changes.output = encodePart(next.output, 'output', at);
  return {
    patch: changes,
    from: record?.state ?? null,
    to: stateOf(machine, next, nodes, record),
    ending: isDone ? 'done' : null,
    isTaken: step.transitions.length > 0,
    transitions: step.transitions,
    effects: consequences.effects,
  };
}

/** Most steps that stay where they are leave the nodes as they were. */
function stateOf(
  { engine }: PreparedMachine,
  next: AnyMachineSnapshot,
  nodes: unknown,
  record: ActorRecord | null,
): string {
  if (engine === null) return '';
  return record !== null && next._nodes === nodes ? record.state : engine.textOf(next._nodes);
}

function reduced(
  machine: PreparedMachine,
  record: ActorRecord,
  event: EventObject,
  step: OpenStep,
  consequences: Consequences,
  at: StepAt,
): Stepped {
  const state = reducerStateOf(record, at.resolve);
  const context = at.isFrozen === true ? deepFrozen(state) : state;
  const snapshot = { status: 'active', output: undefined, error: undefined, context } as ReducerSnapshot;
  const next = machine.logic.transition(snapshot as never, event, step.scope as never) as ReducerSnapshot;
  consequences.takeAll(step);
  const changes: Changes = {};
  name(machine, record, changes);
  if (next.context !== context) changes['c:'] = encodeTop(next.context, 'the state', at);
  checkContextSize(record, changes, at);
  consequences.writeTo(changes, false);
  const { effects } = consequences;
  return { patch: changes, from: '', to: '', ending: null, isTaken: true, transitions: [], effects };
}

function name({ name, version, hash }: PreparedMachine, record: ActorRecord | null, changes: Changes): void {
  if (record?.machine !== name) changes.machine = name;
  if (record?.version !== version) changes.version = version;
  if (record?.hash !== hash) changes.hash = hash;
}

function guarded(machine: PreparedMachine, at: StepAt, make: () => Stepped): Stepped {
  try {
    return make();
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'ACTOR_LIMIT') throw error;
    if (error instanceof Error && error.message.startsWith('Infinite loop detected'))
      throw endless(machine, at);
    throw new StepError(error);
  }
}

function endless(machine: PreparedMachine, { id }: StepAt): SignalboxError {
  const limit = machine.engine?.machine.options.maxIterations ?? 0;
  return new SignalboxError('ACTOR_LIMIT', { id, what: 'microsteps in a step', limit, actual: limit + 1 });
}

/** Ends an actor from outside its machine: its children are stopped. `failure`: it has failed; null: it was told to stop. */
export function endMachine(
  machine: PreparedMachine,
  record: ActorRecord,
  failure: Failure | null,
  at: StepAt,
): Omit<Stepped, 'ending'> & { readonly ending: 'failed' | 'stopped' } {
  const consequences = new Consequences(machine, record, at, record.parent?.actor ?? null);
  consequences.stopAll();
  const changes: Changes = {};
  consequences.writeTo(changes, true);
  if (failure !== null) changes.failure = failure.data as unknown as Json;
  const { effects } = consequences;
  const ending = failure === null ? 'stopped' : 'failed';
  return {
    patch: changes,
    from: record.state,
    to: record.state,
    ending,
    isTaken: true,
    transitions: [],
    effects,
  };
}

/** The record after a step, for the next one in the same commit. */
export function afterStepped(
  record: ActorRecord,
  {
    patch,
    to,
    ending,
  }: { readonly patch: Stepped['patch']; readonly to: string; readonly ending: ActorEnding },
): ActorRecord {
  const after: Record<string, unknown> = { ...record, ...patch, state: to, status: ending ?? 'active' };
  for (const key in patch) if (patch[key] === null && key.startsWith('c:')) delete after[key];
  return after as unknown as ActorRecord;
}

/** An actor that was never started. */
export function newActorRecord(id: string): ActorRecord {
  return {
    id,
    v: recordVersion,
    rev: 0,
    lastSeq: 0,
    status: 'absent',
    state: '',
    createdSeq: 0,
    ...newActorContext(),
  };
}
