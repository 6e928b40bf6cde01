import type { AnyMachineSnapshot, AnyStateNode, AnyTransitionDefinition, EventObject } from 'xstate';
import type { ActorRecord } from '../records/records.ts';
import type { ResolveJob } from '../values/values.ts';
import type { PreparedMachine } from './machine.ts';
import { guardText } from './prepare/dialect-guards.ts';
import { snapshotOf } from './thaw.ts';

/** An event that a machine may take where it is. */
export interface NextEvent {
  /** As the machine names it: it may end in a wildcard. */
  readonly event: string;
  /** Of each transition for it, the guard that must let it pass; null: none. The first that passes is taken. */
  readonly guards: readonly (string | null)[];
}

/** Whether a machine would take an event. A guard that throws, throws here. */
export function canTake(
  machine: PreparedMachine,
  record: ActorRecord,
  event: EventObject,
  resolve: ResolveJob,
): boolean {
  if (machine.engine === null) return true;
  return (snapshotOf(machine, record, resolve) as AnyMachineSnapshot).can(event);
}

/** The names of the guards that refuse an event which a machine does not take where it is. */
export function refusingGuards(
  machine: PreparedMachine,
  record: ActorRecord,
  event: EventObject,
): readonly string[] {
  const found = new Set<string>();
  for (const node of nodesAt(machine, record)) {
    for (const [descriptor, candidates] of node.transitions) {
      if (!describes(descriptor, event.type)) continue;
      for (const { guard } of candidates) if (guard !== undefined) found.add(guardText(guard));
    }
  }
  return [...found];
}

/** The events of programs that a machine may take where it is, those of inner states first. */
export function nextEvents(machine: PreparedMachine, record: ActorRecord): readonly NextEvent[] {
  const found = new Map<string, (string | null)[]>();
  for (const node of nodesAt(machine, record)) {
    for (const [event, candidates] of node.transitions) {
      if (event.startsWith('xstate.')) continue;
      const guards = found.get(event) ?? [];
      for (const { guard, target, actions } of candidates)
        if (target !== undefined || actions.length > 0)
          guards.push(guard === undefined ? null : guardText(guard));
      if (guards.length > 0) found.set(event, guards);
    }
  }
  return [...found].map(([event, guards]) => ({ event, guards }));
}

/**
 * Whether an event of this type would be taken where a machine is; null: that depends on what the event carries, or on code that
 * cannot be asked here.
 */
export function wouldTake(
  machine: PreparedMachine,
  record: ActorRecord,
  { event, guards }: NextEvent,
): boolean | null {
  if (guards.includes(null)) return true;
  if (event.includes('*')) return null;
  let isRead = false;
  const probe = new Proxy({ type: event } as EventObject, {
    get: (target, key) => {
      isRead ||= key !== 'type';
      return Reflect.get(target, key);
    },
  });
  try {
    const answer = canTake(machine, record, probe, (id) => ({ id }));
    return isRead ? null : answer;
  } catch {
    return null;
  }
}

/** The states where a machine is, inner ones first. */
function nodesAt({ engine }: PreparedMachine, { state }: ActorRecord): readonly AnyStateNode[] {
  if (engine === null) return [];
  return [...engine.snapshotIn(state)._nodes].sort((one, other) => other.path.length - one.path.length);
}

/** As XState reads descriptors: a type, a beginning with `.*`, or `*`. */
export function describes(descriptor: string, type: string): boolean {
  if (descriptor === type || descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const beginning = descriptor.slice(0, -2);
  return type === beginning || type.startsWith(`${beginning}.`);
}

/** A way out of a state, or one that it takes without leaving. */
export interface OutlineWay {
  /** As the machine calls it; empty: as soon as its guard lets it pass. */
  readonly event: string;
  /** Null: it has none. */
  readonly guard: string | null;
  /** Paths of the states that it leads to; empty: it changes no state. */
  readonly targets: readonly string[];
}

/** A state of a machine. */
export interface OutlineState {
  /** Keys from the outside in, joined by dots; empty: the machine itself. */
  readonly path: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** The children that live while it is there. */
  readonly invokes: readonly string[];
  readonly ways: readonly OutlineWay[];
}

/** The states of a machine in document order, each with the ways out of it. Null: it is a reducer, which has none. */
export function outlineOf({ engine }: PreparedMachine): readonly OutlineState[] | null {
  if (engine === null) return null;
  return [...engine.nodes.values()]
    .sort((one, other) => one.order - other.order)
    .map((node) => ({
      path: node.path.join('.'),
      type: node.type,
      invokes: node.invoke.map(({ id }) => id),
      ways: waysOf(node),
    }));
}

/** The leaf states in which a machine begins, before any way without an event is taken. Empty: it is a reducer. */
export function beginningOf({ engine }: PreparedMachine): readonly string[] {
  return engine === null ? [] : leavesEntered(engine.machine.root);
}

function leavesEntered(node: AnyStateNode): readonly string[] {
  const inner = node.type === 'parallel' ? Object.values(node.states) : (node.initial?.target ?? []);
  if (node.type !== 'parallel' && node.type !== 'compound') return [node.path.join('.')];
  return inner.filter(({ type }) => type !== 'history').flatMap(leavesEntered);
}

function waysOf(node: AnyStateNode): readonly OutlineWay[] {
  const always = (node.always ?? []).map((each) => wayOf('', each));
  const others = [...node.transitions].flatMap(([event, candidates]) =>
    candidates.map((each) => wayOf(event, each)),
  );
  return [...always, ...others];
}

/** A transition as outlines show it. `event` empty: it needs none. */
export function wayOf(event: string, { guard, target }: AnyTransitionDefinition): OutlineWay {
  return {
    event,
    guard: guard === undefined ? null : guardText(guard),
    targets: (target ?? []).map(({ path }) => path.join('.')),
  };
}
