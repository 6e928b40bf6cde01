import { newRepresentationContext } from '../../machines/representation.machine.ts';
import { newActorRecord } from '../model/jobs/actors/actor-step.ts';
import { defaultAgingMs } from '../model/jobs/priority.ts';
import { newJobRecord } from '../model/jobs/step.ts';
import { recordVersion } from '../model/records/records.ts';
import { newScheduleRecord } from '../model/schedules/step.ts';
import {
  actorInWays,
  agentInWays,
  annotationInWays,
  type InWays,
  jobInWays,
  messageInWays,
  scheduleInWays,
  type Ways,
} from './coded-fields.ts';
import type { Kind, Records } from './entry.ts';

/** What the store has to know of a kind of record. What may be in one says `stored-shape.ts`. */
interface KindInfo<K extends Kind> {
  /** A record before its first change. */
  readonly blank: Records[K];
  /** Snapshots of earlier releases have no section for it. */
  readonly isLater?: true;
  /** Encodes or decodes what a program gave; absent: nothing of it. */
  readonly inWays?: InWays;
}

const reserved = { id: '', v: recordVersion, rev: 0, lastSeq: 0 };

/** All kinds, in the order in which a snapshot lists them. */
const table: { readonly [K in Kind]: KindInfo<K> } = {
  store: { blank: { ...reserved, epoch: 0 } },
  queue: { blank: { ...reserved, createdAt: 0, agingMs: defaultAgingMs, pauses: [] } },
  quota: { blank: { ...reserved, size: null, rate: null, keyed: false, pinned: false } },
  limit: { blank: { ...reserved, tat: null, closedUntil: null }, isLater: true },
  schedule: { blank: newScheduleRecord(''), isLater: true, inWays: scheduleInWays },
  representation: {
    blank: {
      ...reserved,
      state: 'registered',
      ...newRepresentationContext({ queue: '', dispatcher: '' }),
    },
  },
  agent: {
    blank: { ...reserved, size: 3, selection: { kind: 'any' }, pinned: false, failure: null, paused: null },
    inWays: agentInWays,
  },
  job: {
    // What all new jobs share. They share their empty lists, too: a waiting job must stay small.
    blank: Object.freeze(
      newJobRecord('', {
        name: '',
        args: Object.freeze([]),
        quotaNames: Object.freeze([]),
        quotas: Object.freeze([]),
      }),
    ),
    inWays: jobInWays,
  },
  proxy: {
    blank: {
      ...reserved,
      parent: { job: '' },
      createdSeq: 0,
      branches: [],
      otherwise: null,
      chosen: null,
    },
  },
  annotation: { blank: { ...reserved, value: null }, inWays: annotationInWays },
  unique: { blank: { ...reserved, job: '', at: 0, untilStart: false, until: null }, isLater: true },
  actor: { blank: newActorRecord(''), isLater: true, inWays: actorInWays },
  message: {
    blank: {
      ...reserved,
      actor: '',
      machine: '',
      event: null,
      from: null,
      run: null,
      at: 0,
      state: 'waiting',
      endedAt: null,
      reason: null,
      failure: null,
    },
    isLater: true,
    inWays: messageInWays,
  },
};

/**
 * The kinds of record, in the order in which a snapshot lists them.
 *
 * @example
 * ```ts
 * import { memoryStore, NodeReactor, randomIds, recordKinds } from 'signalbox';
 *
 * const reactor = new NodeReactor();
 * const store = await memoryStore().open({
 *   now: () => reactor.now(),
 *   defer: (run) => reactor.callFromThread(run),
 *   newId: () => randomIds.newUuid(),
 *   report: console.error,
 * });
 * for (const kind of recordKinds) console.log(kind, (await store.list(kind, '')).length);
 * await store.close();
 * ```
 */
export const recordKinds = Object.freeze(Object.keys(table)) as readonly Kind[];

const all: ReadonlySet<string> = new Set(recordKinds);

/** Whether a text is the name of a kind. */
export function isKind(text: string): text is Kind {
  return all.has(text);
}

/** Something for each kind. */
export function ofEachKind<Value>(make: (kind: Kind) => Value): Record<Kind, Value> {
  return Object.fromEntries(recordKinds.map((kind) => [kind, make(kind)])) as Record<Kind, Value>;
}

/** The record of a kind before its first change: shared, and never mutated. */
export function blankOf<K extends Kind>(kind: K): Records[K] {
  return table[kind].blank;
}

/** Whether snapshots of earlier releases have no section for a kind. */
export function isLaterKind(kind: Kind): boolean {
  return table[kind].isLater === true;
}

/** Encodes or decodes what a program gave, in the fields of a record or of a patch of one. */
export function fieldsInWays(kind: Kind, fields: object, ways: Ways): object {
  return table[kind].inWays?.(fields, ways) ?? fields;
}
