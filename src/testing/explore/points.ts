import type { Json } from '../../../machines/json.ts';
import { latestStart } from '../../model/jobs/deadline.ts';
import { isSystemName, systemNames } from '../../model/records/system-names.ts';
import { referredJobs } from '../../model/values/values.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import { afterEntry, type ReplayedRecord } from '../simulate/audit/replayed-record.ts';
import type { Changed } from '../simulate/cluster/connection-faults.ts';
import type { MadeCall } from './strike.ts';

/** A commit of a life at which something can be done to it. */
export interface Point {
  /** Its number among the points of its life; the first is 1. */
  readonly number: number;
  /** Number of its call of the store. */
  readonly call: number;
  /** Place of its first entry in the journal of its life. */
  readonly entry: number;
  /** What it changed, for people: `job.finish of charge`. */
  readonly label: string;
  /** The jobs of the program that it changed, as it left them. */
  readonly jobs: readonly PointJob[];
  /** Whether it left a job with the process that made it. */
  readonly holds: boolean;
  /** The instant after which a job that waits is too late; null: none waits that can be. */
  readonly tooLateAt: number | null;
  /** The actors that it changed and that have timers, and when the next one of each is due. */
  readonly timers: readonly { readonly actor: string; readonly dueAt: number }[];
  /** Whether it took or kept a message that its sender has named. */
  readonly isNamedMessage: boolean;
  /** Whether the next thing that happens is that code is called. */
  readonly calls: boolean;
  /** Whether that code has a time limit. */
  readonly hasTimeLimit: boolean;
}

/** A job of the program at a point. */
export interface PointJob {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** Whether a job or an actor waits for its outcome. */
  readonly isAwaited: boolean;
}

const kinds: readonly string[] = ['job', 'actor', 'message', 'schedule', 'annotation'];

/**
 * The points of a life: what its processes committed, in order, with what the journal says of it. `limited`: definitions whose code
 * has a heartbeat, which records do not say. Pure.
 */
export function pointsOf(
  made: readonly MadeCall[],
  entries: readonly HistoryEntry[],
  limited: ReadonlySet<string>,
): Point[] {
  const found = firstEntries(made, entries);
  const records = new Map<string, ReplayedRecord>();
  const points: Point[] = [];
  let at = 0;
  for (const [index, call] of made.entries()) {
    // What a claim starts stands behind it, and is part of it.
    const end = found.slice(index + 1).find((next) => next !== undefined) ?? entries.length;
    for (; at < end; at += 1) follow(records, entries[at] as HistoryEntry);
    const first = call.changes.find((change) => kinds.includes(change.kind) && !isOfSystem(change));
    const entry = found[index];
    if (first !== undefined && entry !== undefined)
      points.push(pointOf(points.length + 1, call, { first, entry, records, limited }));
  }
  return points;
}

function follow(records: Map<string, ReplayedRecord>, entry: HistoryEntry): void {
  const key = `${entry.kind}/${entry.id}`;
  const after = afterEntry(entry, records.get(key));
  if (after === null) records.delete(key);
  else records.set(key, after);
}

/** The place of the first entry of each call: changes of one kind to one record come in the order of their calls. */
function firstEntries(
  made: readonly MadeCall[],
  entries: readonly HistoryEntry[],
): readonly (number | undefined)[] {
  const places = new Map<string, number[]>();
  for (const [place, entry] of entries.entries()) {
    const key = keyOf(entry);
    const known = places.get(key);
    if (known === undefined) places.set(key, [place]);
    else known.push(place);
  }
  return made.map(({ changes }) => {
    const taken = changes.map((change) => places.get(keyOf(change))?.shift());
    return taken.find((place) => place !== undefined);
  });
}

function keyOf({ kind, id, event }: Changed): string {
  return `${kind}/${id} ${event}`;
}

function isOfSystem({ kind, id }: Changed): boolean {
  // An annotation has the id of its job before its name.
  if (kind === 'annotation') return isSystemName(id.slice(id.indexOf('/') + 1));
  return false;
}

function pointOf(
  number: number,
  { call, changes, calls }: MadeCall,
  known: {
    readonly first: Changed;
    readonly entry: number;
    readonly records: ReadonlyMap<string, ReplayedRecord>;
    readonly limited: ReadonlySet<string>;
  },
): Point {
  const { first, entry, records, limited } = known;
  const touched = new Set(changes.map(({ kind, id }) => `${kind}/${id}`));
  const all = [...touched].flatMap((key) => records.get(key) ?? []);
  const jobs = all.filter(({ kind, fields }) => kind === 'job' && isOfProgram(String(fields.name)));
  const others = [...records.values()].filter(({ kind }) => kind === 'job');
  const lasts = [...records.values()].flatMap((record) => lastInstantOf(record) ?? []);
  return {
    number,
    call,
    entry,
    label: labelOf(first, records),
    jobs: jobs.map(({ id, fields, state }) => ({
      id,
      name: String(fields.name),
      state: state ?? 'new',
      isAwaited: fields.reply != null || others.some((other) => isAbout(other, id)),
    })),
    holds: jobs.some(({ state }) => /^(assigned|active)/.test(state ?? '')),
    tooLateAt: lasts.length === 0 ? null : Math.max(...lasts),
    timers: all.flatMap(({ kind, id, fields: { dueAt } }) =>
      kind === 'actor' && typeof dueAt === 'number' ? [{ actor: id, dueAt }] : [],
    ),
    isNamedMessage: changes.some(({ kind, id }) => kind === 'message' && /#act\d/.test(id)),
    calls: calls !== null,
    hasTimeLimit:
      limited.has(calls ?? '') ||
      [...records.values()].some(
        ({ kind, fields }) => kind === 'job' && fields.name === calls && hasTimeLimit(fields),
      ),
  };
}

/** Joins are put and cancelled by the program, as its own jobs are. */
function isOfProgram(name: string): boolean {
  return !isSystemName(name) || name === systemNames.serial || name === systemNames.parallel;
}

/** Whether a job waits for another, or has it as an argument, as joins have those that they run. */
function isAbout({ fields: { waitingOn, args = [] } }: ReplayedRecord, id: string): boolean {
  return waitingOn === id || referredJobs(args as Json).includes(id);
}

function hasTimeLimit({ timeout, deadline }: ReplayedRecord['fields']): boolean {
  return timeout != null || deadline != null;
}

/** Until when a job that waits can go on. */
function lastInstantOf({ kind, state, fields }: ReplayedRecord): number | null {
  const { beginAfter = null, beginBy = null, deadline = null } = fields as Parameters<typeof latestStart>[0];
  if (kind !== 'job') return null;
  if (state === 'active.waiting') return deadline;
  return state === 'pending' ? latestStart({ beginAfter, beginBy, deadline }) : null;
}

function labelOf({ kind, id, event }: Changed, records: ReadonlyMap<string, ReplayedRecord>): string {
  const fields = records.get(`${kind}/${id}`)?.fields;
  if (kind === 'job') return `${event} of ${String(fields?.name ?? id)}`;
  if (kind === 'annotation') return `${event} ${id.slice(id.indexOf('/') + 1)}`;
  return `${event} of ${id}`;
}
