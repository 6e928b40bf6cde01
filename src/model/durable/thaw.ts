import type { AnyMachineSnapshot, AnyStateNode, Snapshot } from 'xstate';
import type { Json } from '../../../machines/json.ts';
import { setOwn } from '../checks/own-keys.ts';
import type { ActorRecord } from '../records/records.ts';
import { Failure } from '../values/failure.ts';
import { decodeValue, type ResolveJob } from '../values/values.ts';
import type { PreparedMachine } from './machine.ts';
import { ActorRef, type OpenStep, openStep } from './scope.ts';

/** The snapshot of a reducer: its state is its context. */
export type ReducerSnapshot = Snapshot<unknown> & { readonly context: unknown };

const contextPrefix = 'c:';
const reducerKey = 'c:';

/** The context of a machine as its record holds it. */
export function contextOf(record: ActorRecord, resolve: ResolveJob): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  for (const key in record) {
    if (!key.startsWith(contextPrefix)) continue;
    const stored = record[key as `c:${string}`];
    if (stored === null || stored === undefined) continue;
    setOwn(context, key.slice(2), decodeTop(stored, resolve));
  }
  return context;
}

/** The state of a reducer. */
export function reducerStateOf(record: ActorRecord, resolve: ResolveJob): unknown {
  const stored = record[reducerKey];
  return stored === null || stored === undefined ? undefined : decodeTop(stored, resolve);
}

function decodeTop(stored: Json, resolve: ResolveJob): unknown {
  if (stored === null || typeof stored !== 'object') return stored;
  // In a patch null clears a key, so a null of a context is stored as this.
  if ('$null' in stored) return null;
  return decodeValue(stored, resolve);
}

/** The snapshot from which a step goes on: the status is active. */
export function thaw(
  machine: PreparedMachine,
  record: ActorRecord,
  step: OpenStep,
  context: Record<string, unknown>,
  /** Without the child whose outcome is the event of the step. */
  ended: string | null,
): AnyMachineSnapshot {
  const { engine } = machine;
  if (engine === null) throw new TypeError(`Expected "${machine.name}" to be a machine, got a reducer.`);
  return {
    ...engine.snapshotIn(record.state),
    status: 'active',
    output: undefined,
    error: undefined,
    context,
    children: refsOf(record, step, ended),
    historyValue: historyOf(record, engine.nodes),
  } as AnyMachineSnapshot;
}

function refsOf(record: ActorRecord, { self }: OpenStep, ended: string | null): Record<string, ActorRef> {
  const refs: Record<string, ActorRef> = {};
  if (record.children === null) return refs;
  for (const [name, child] of Object.entries(record.children)) {
    if (name !== ended) setOwn(refs, name, new ActorRef(name, child.src, self, self.system));
  }
  return refs;
}

function historyOf(
  record: ActorRecord,
  nodes: ReadonlyMap<string, AnyStateNode>,
): Record<string, readonly AnyStateNode[]> {
  const history: Record<string, readonly AnyStateNode[]> = {};
  if (record.history === null) return history;
  for (const [id, remembered] of Object.entries(record.history)) {
    const known = remembered.flatMap((node) => nodes.get(node) ?? []);
    if (known.length > 0) setOwn(history, id, known);
  }
  return history;
}

const statuses = { done: 'done', failed: 'error', stopped: 'stopped' } as const;

/** The snapshot that programs see: XState's own object of a machine, or that of a reducer. */
export function snapshotOf(
  machine: PreparedMachine,
  record: ActorRecord,
  resolve: ResolveJob,
): AnyMachineSnapshot | ReducerSnapshot {
  const status = statuses[record.status as keyof typeof statuses] ?? 'active';
  const end = {
    status,
    // A machine that gives no output has null in its record.
    output: status === 'done' && record.output !== null ? decodeValue(record.output, resolve) : undefined,
    error: status === 'error' && record.failure !== null ? new Failure(record.failure) : undefined,
  };
  if (machine.engine === null)
    return { ...end, context: reducerStateOf(record, resolve) } as unknown as ReducerSnapshot;
  const step = openStep(record.id, record.parent?.actor ?? null);
  return { ...thaw(machine, record, step, contextOf(record, resolve), null), ...end } as AnyMachineSnapshot;
}
