import type { Json } from '../../../machines/json.ts';
import type { ActorRecord } from '../records/records.ts';
import { type Changes, checkContextSize, encodeTop } from './freeze.ts';
import {
  type Migration,
  type PreparedMachine,
  type StepAt,
  StepError,
  type StoredSnapshot,
} from './machine.ts';
import { contextOf, reducerStateOf } from './thaw.ts';

/** What a machine can do with an actor as it is stored. */
export type VersionVerdict =
  /** It was stepped by this very machine. */
  | { readonly is: 'current' }
  /** The machine has another structure under the same version, in which the actor has its place. */
  | { readonly is: 'changed'; readonly hash: string }
  /** Its record becomes one of this version. */
  | { readonly is: 'migrates'; readonly patch: Changes; readonly to: string }
  /** An earlier version steps it to its end. */
  | { readonly is: 'pinned'; readonly machine: PreparedMachine }
  /** No step can be made. `problems`: what of it the machine does not have. */
  | { readonly is: 'unknown'; readonly problems: readonly string[] };

const mostMigrations = 100;

/** @throws StepError when a migration throws, or leads nowhere. */
export function versionVerdict(machine: PreparedMachine, record: ActorRecord, at: StepAt): VersionVerdict {
  if (record.version === machine.version) {
    if (record.hash === machine.hash) return { is: 'current' };
    const problems = strangersIn(machine, record);
    return problems.length === 0 ? { is: 'changed', hash: machine.hash } : { is: 'unknown', problems };
  }
  if (Object.hasOwn(machine.migrate, record.version)) return migrated(machine, record, at);
  const pinned = machine.previous.find(({ version }) => version === record.version);
  if (pinned !== undefined) return { is: 'pinned', machine: pinned };
  return { is: 'unknown', problems: [`version ${record.version}`] };
}

function migrated(machine: PreparedMachine, record: ActorRecord, at: StepAt): VersionVerdict {
  try {
    const patch: Changes = { machine: machine.name, version: machine.version, hash: machine.hash };
    const { state, context, history, timers, children } = chained(machine, snapshotFor(machine, record, at));
    const stored: Changes = {};
    for (const [key, value] of Object.entries(context))
      stored[`c:${key}`] = encodeTop(value, `context.${key}`, at);
    for (const key in record) if (key.startsWith('c:') && !(key in stored)) stored[key] = null;
    const due = Object.values(timers ?? {}).map(([dueAt]) => dueAt);
    const dueAt = due.length === 0 ? null : Math.min(...due);
    Object.assign(stored, { history, timers, children, dueAt });
    for (const [key, value] of Object.entries(stored)) if (!isSame(record, key, value)) patch[key] = value;
    checkContextSize(record, patch, at);
    const problems = strangersIn(machine, { ...record, state, history, timers, children });
    return problems.length === 0 ? { is: 'migrates', patch, to: state } : { is: 'unknown', problems };
  } catch (error) {
    throw new StepError(error);
  }
}

function isSame(record: ActorRecord, key: string, value: Json): boolean {
  const before = (record as unknown as Record<string, Json>)[key] ?? null;
  return JSON.stringify(before) === JSON.stringify(value);
}

function snapshotFor(machine: PreparedMachine, record: ActorRecord, at: StepAt): StoredSnapshot {
  const { version, state, history, timers, children } = record;
  const context =
    machine.kind === 'reducer' ? { '': reducerStateOf(record, at.resolve) } : contextOf(record, at.resolve);
  return { version, state, context, history, timers, children };
}

/** Each migration gives a state of a later version, until it is of this one. */
function chained(machine: PreparedMachine, first: StoredSnapshot): StoredSnapshot {
  let snapshot = first;
  for (let count = 0; snapshot.version !== machine.version; count += 1) {
    const { version } = snapshot;
    const migrate: Migration | undefined = Object.hasOwn(machine.migrate, version)
      ? machine.migrate[version]
      : undefined;
    if (migrate === undefined || count >= mostMigrations)
      throw new TypeError(
        `Expected the migrations of machine "${machine.name}" to lead to version ${machine.version}, got version ${version} without a next one. Give \`migrate\` a function for it.`,
      );
    const next = migrate(snapshot);
    // A migration that spreads the old state says the old version, and means the newest.
    const isLater = next.version !== undefined && next.version !== version;
    snapshot = { ...next, version: isLater ? (next.version as string) : machine.version };
  }
  return snapshot;
}

/** What a record holds that a machine does not have. */
export function strangersIn(
  { engine, sources }: PreparedMachine,
  record: Pick<ActorRecord, 'state' | 'history' | 'timers' | 'children'>,
): readonly string[] {
  if (engine === null) return record.state === '' ? [] : [`state "${record.state}"`];
  const problems: string[] = [];
  try {
    engine.snapshotIn(record.state);
  } catch {
    problems.push(`state "${record.state}"`);
  }
  for (const [node, remembered] of Object.entries(record.history ?? {}))
    for (const id of [node, ...remembered])
      if (!engine.nodes.has(id)) problems.push(`remembered state "${id}"`);
  const events = new Set([...engine.nodes.values()].flatMap((node) => [...node.transitions.keys()]));
  for (const id of Object.keys(record.timers ?? {}))
    if (id.startsWith('xstate.after.') && !events.has(id)) problems.push(`timer "${id}"`);
  for (const [child, { src }] of Object.entries(record.children ?? {}))
    if (!sources.has(src)) problems.push(`source "${src}" of child "${child}"`);
  return [...new Set(problems)];
}
