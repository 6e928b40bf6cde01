/*
 * Room: rules.
 *
 * Owns: The rules that every store obeys, as pure code on records: preconditions, the order of claims, lanes,
 *   limits, and the tables with their indexes.
 *
 * Invariant: Membership is stored in the record of a job only. The indexes are made of the records and can be
 *   made anew.
 *
 * May import: nothing.
 */

import { defaultAgingMs, type LevelOrder } from '../../model/jobs/priority.ts';
import { opening, openLimit } from '../../model/jobs/rate.ts';
import { queueOfLimit } from '../../model/records/keys.ts';
import type {
  ActorRecord,
  JobRecord,
  MessageRecord,
  PauseMark,
  ProxyRecord,
} from '../../model/records/records.ts';
import type { Entry, Kind, Line, Records } from '../entry.ts';
import { ofEachKind, recordKinds } from '../kinds.ts';
import type { State, StoredRecord } from '../log.ts';
import type { Change } from '../store.ts';
import { ActorIndexes } from './actors/actor-indexes.ts';
import { Mail } from './actors/mail.ts';
import { byPlace, pieceRecords } from './by-place.ts';
import { CallbackIndex } from './callback-index.ts';
import { changed, loaded, SharedValues } from './changes/record-change.ts';
import { JobIndexes, movesIndex } from './job-indexes.ts';
import { DueList } from './lines/due-list.ts';
import { CreatedJobs } from './lists/created-jobs.ts';
import { soundEntry } from './quarantine.ts';

/** How many ids are looked at for those that begin alike: some milliseconds. */
const mostFound = 200_000;

/**
 * The state of a store in memory: records that are replaced and never mutated, and the indexes that are
 * rebuilt from them. Only the record of a job holds its membership; what agents, quotas and queues contain
 * follows from it.
 */
export class Tables {
  readonly #records = ofEachKind(() => new Map()) as unknown as {
    readonly [K in Kind]: Map<string, Records[K]>;
  };
  readonly findJob = (id: string): JobRecord | undefined => this.#records.job.get(id);
  readonly callbacks = new CallbackIndex(this.findJob, (id) => this.#records.proxy.get(id));
  readonly jobs = new JobIndexes(this.findJob, this.callbacks);
  readonly created = new CreatedJobs(this.findJob);
  readonly actors = new ActorIndexes();
  readonly mail = new Mail((actor) => this.#records.actor.get(actor)?.status === 'suspended');
  /** How many jobs are in each state, those that this version cannot read included. */
  readonly states = new Map<string, number>();
  /** Names of annotations by job. */
  readonly #annotations = new Map<string, Set<string>>();
  /** Unique names whose jobs were dropped: they last as long as their windows. */
  readonly leftNames = new Set<string>();
  /** Records of queues and agents that are paused. */
  readonly #paused = new Map<string, Records['queue'] | Records['agent']>();
  readonly #schedules = new DueList();
  readonly #shared = new SharedValues();
  /** Completes a record of a snapshot that is loaded into these tables. */
  readonly revive = (kind: Kind, stored: StoredRecord): Records[Kind] => loaded(kind, stored, this.#shared);

  get<K extends Kind>(kind: K, id: string): Records[K] | undefined {
    return this.#records[kind].get(id);
  }

  /** All records of a kind, in no order. */
  all<K extends Kind>(kind: K): Iterable<Records[K]> {
    return this.#records[kind].values();
  }

  /** When next a waiting job, a schedule or an actor becomes due, a job is too late, a limit opens, or a pause ends, later than `since`; null: never. */
  due(since: number): number | null {
    let earliest = this.jobs.queues.due(since, (id) => {
      const quota = this.get('quota', id);
      return quota === undefined ? 0 : opening(quota.rate, this.get('limit', id) ?? openLimit);
    });
    for (const record of this.#paused.values()) {
      for (const { until } of pausesOf(record))
        if (until !== null && until > since && until < (earliest ?? Number.POSITIVE_INFINITY))
          earliest = until;
    }
    for (const at of [this.#schedules.after(since), this.actors.dueAfter(since)])
      if (at !== null && at < (earliest ?? Number.POSITIVE_INFINITY)) earliest = at;
    return earliest;
  }

  /** Ids of the schedules that are due, earliest first. */
  dueSchedules(now: number): Iterable<string> {
    return this.#schedules.until(now);
  }

  /** What the order between the levels of a queue depends on. */
  levelOrder(queue: string, now: number): LevelOrder {
    const record = this.#records.queue.get(queue);
    return { agingMs: record === undefined ? defaultAgingMs : record.agingMs, now };
  }

  list<K extends Kind>(kind: K, prefix: string): Records[K][] {
    const found: Records[K][] = [];
    for (const [id, record] of this.#records[kind]) if (id.startsWith(prefix)) found.push(record);
    return found.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** The first jobs whose id begins so, in order of id, among the first of all. */
  find(prefix: string, limit: number): JobRecord[] {
    const found: JobRecord[] = [];
    let looked = 0;
    for (const [id, job] of this.#records.job) {
      if (looked++ >= mostFound) break;
      if (!id.startsWith(prefix)) continue;
      const at = found.findIndex((other) => id < other.id);
      found.splice(at < 0 ? found.length : at, 0, job);
      if (found.length > limit) found.pop();
    }
    return found;
  }

  /**
   * Yields jobs that a process ran outside any agent and did not finish: those in ACTIVE or CALLBACKS without
   * a place, and completed ones with a callback that is neither done nor waiting for a job that is not.
   */
  *orphans(): Generator<string> {
    for (const job of this.#records.job.values()) {
      if (job.parent === null && isActive(job)) yield job.id;
    }
    yield* this.callbacks.completedWithLeft();
  }

  isAnnotated(job: string): boolean {
    return this.#annotations.has(job);
  }

  annotationCount(job: string): number {
    return this.#annotations.get(job)?.size ?? 0;
  }

  annotations(job: string): string[] {
    return [...(this.#annotations.get(job) ?? [])].sort();
  }

  /** Makes one change and returns the record as it was before. */
  apply(change: Change, seq: number): Records[Kind] | undefined {
    const before = this.#records[change.kind].get(change.id);
    this.replace(change.kind, change.id, before, this.changed(change, before, seq, false));
    return before;
  }

  /** Returns a record as a change leaves it, not yet in the tables. `isOwn`: it is a copy that no other code has seen, and is changed. */
  changed(
    change: Change,
    before: Records[Kind] | undefined,
    seq: number,
    isOwn: boolean,
  ): Records[Kind] | undefined {
    return change.gone === true ? undefined : changed(change, before, seq, this.#shared, isOwn);
  }

  /** Puts back what `apply` returned. Undone in reverse order, changes leave no trace. */
  restore(kind: Kind, id: string, before: Records[Kind] | undefined): void {
    this.replace(kind, id, this.#records[kind].get(id), before);
  }

  /** Applies a journal line. No chart runs: the patches hold everything. */
  replay(line: Line): void {
    for (const [index, entry] of line.entries.entries()) this.replayEntry(entry, line.s + index);
  }

  /** Applies one entry of a journal and returns the record as it was before. */
  replayEntry(entry: Entry, seq: number): Records[Kind] | undefined {
    return this.apply(entry.kind === 'job' ? soundEntry(entry, this.findJob) : entry, seq);
  }

  /** Loads a snapshot, into empty tables. */
  load(state: State): void {
    for (const _piece of this.loadInPieces(state));
  }

  /** Does the same in pieces of about a millisecond. */
  *loadInPieces(state: State): Generator<void> {
    for (const kind of recordKinds) {
      const records = state.records[kind] as unknown as readonly Records[Kind][];
      const inOrder = kind === 'job' ? yield* byPlace(records as readonly JobRecord[]) : records;
      for (const [index, record] of inOrder.entries()) {
        this.replace(kind, record.id, undefined, record);
        if (index % pieceRecords === 0) yield;
      }
    }
  }

  /** Returns all records as references: nothing is copied, since records are never mutated. */
  state(seq: number): State {
    const records = ofEachKind((kind) => [...this.#records[kind].values()] as unknown as StoredRecord[]);
    return { seq, records };
  }

  /** Puts a record in the place of another one, and moves it through the indexes. */
  replace(kind: Kind, id: string, before: Records[Kind] | undefined, after: Records[Kind] | undefined): void {
    const map = this.#records[kind] as Map<string, Records[Kind]>;
    if (kind === 'job') {
      const old = before as JobRecord | undefined;
      const young = after as JobRecord | undefined;
      const moved = old === undefined || young === undefined || movesIndex(old, young);
      if (old?.state !== young?.state) this.#count(old, young);
      if (old !== undefined && moved) this.jobs.leave(old, young);
      if (after === undefined) map.delete(id);
      else map.set(id, after);
      if (young !== undefined && moved) this.jobs.enter(young, old);
      if ((old?.tags ?? null) !== (young?.tags ?? null))
        this.jobs.retag(id, old?.tags ?? null, young?.tags ?? null);
      if (old === undefined || young === undefined) {
        if (young === undefined) this.created.drop();
        else this.created.add(young);
        this.#nameOf((young ?? old)?.uniqueKey ?? null);
      }
      return;
    }
    if (after === undefined) map.delete(id);
    else map.set(id, after);
    if (kind === 'queue' || kind === 'agent') {
      const record = after as Records['queue'] | Records['agent'] | undefined;
      if (record === undefined || pausesOf(record).length === 0) this.#paused.delete(`${kind}/${id}`);
      else this.#paused.set(`${kind}/${id}`, record);
    } else if (kind === 'proxy') {
      const { parent, createdSeq } = (after ?? before) as ProxyRecord;
      if (before === undefined) this.callbacks.add(parent, `proxy/${id}`, createdSeq);
      else if (after === undefined) this.callbacks.drop(parent, `proxy/${id}`);
    } else if (kind === 'annotation') this.#replaceAnnotation(id, after !== undefined);
    else if (kind === 'schedule')
      this.#replan(id, before as Records['schedule'], after as Records['schedule']);
    else if (kind === 'unique') this.#nameOf(id);
    else if (kind === 'message')
      this.mail.replace(before as MessageRecord | undefined, after as MessageRecord | undefined);
    else if (kind === 'actor') this.#replaceActor(id, before as ActorRecord, after as ActorRecord);
    else if (kind === 'limit') this.jobs.queues.touch(id);
    else if (kind === 'quota') this.jobs.queues.parking(queueOfLimit(id))?.touchAll(id);
  }

  #count(old: JobRecord | undefined, young: JobRecord | undefined): void {
    const { states } = this;
    if (old !== undefined) states.set(old.state, (states.get(old.state) ?? 0) - 1);
    if (young !== undefined) states.set(young.state, (states.get(young.state) ?? 0) + 1);
  }

  #replan(id: string, before: Records['schedule'] | undefined, after: Records['schedule'] | undefined): void {
    if (before?.nextAt != null) this.#schedules.drop(id, before.nextAt);
    if (after?.nextAt != null) this.#schedules.add(id, after.nextAt);
  }

  #replaceActor(id: string, before: ActorRecord | undefined, after: ActorRecord | undefined): void {
    this.actors.replace(before, after);
    const isSuspended = after?.status === 'suspended';
    if ((before?.status === 'suspended') !== isSuspended) this.mail.turn(id, isSuspended);
  }

  #nameOf(id: string | null): void {
    if (id === null) return;
    const name = this.#records.unique.get(id);
    if (name === undefined || this.#records.job.has(name.job)) this.leftNames.delete(id);
    else this.leftNames.add(id);
  }

  #replaceAnnotation(id: string, isThere: boolean): void {
    const at = id.indexOf('/');
    const [job, name] = [id.slice(0, at), id.slice(at + 1)];
    const names = this.#annotations.get(job);
    if (!isThere) {
      names?.delete(name);
      if (names?.size === 0) this.#annotations.delete(job);
    } else if (names === undefined) this.#annotations.set(job, new Set([name]));
    else names.add(name);
  }
}

function pausesOf(record: Records['queue'] | Records['agent']): readonly PauseMark[] {
  if ('pauses' in record) return record.pauses;
  return record.paused === null ? [] : [record.paused];
}

function isActive({ state }: JobRecord): boolean {
  return state === 'callbacks' || state.startsWith('active.');
}
