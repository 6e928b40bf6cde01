import { newJobContext } from '../../../machines/job.context.ts';
import { newRepresentationContext } from '../../../machines/representation.machine.ts';
import { copyJob } from '../../model/copy-job.ts';
import { jobChart } from '../../model/machine-version.ts';
import type { JobRecord, ProxyRecord } from '../../model/records.ts';
import { recordVersion } from '../../model/records.ts';
import { referredJobs } from '../../model/values.ts';
import type { State, StoredRecord } from '../log.ts';
import type { Change, Kind, Line, Patch, Records } from '../store.ts';
import { Lane, laneKey } from './lane.ts';

/** The kinds in the order in which a snapshot lists them. */
const kinds: readonly Kind[] = [
  'store',
  'queue',
  'quota',
  'representation',
  'agent',
  'job',
  'proxy',
  'annotation',
];

/**
 * The state of a store in memory: records that are replaced and never mutated, and the indexes that are rebuilt from
 * them. Membership stands on the job record alone; what agents, quotas and queues contain follows from it.
 */
export class Tables {
  readonly #records: { readonly [K in Kind]: Map<string, Records[K]> } = {
    store: new Map(),
    queue: new Map(),
    quota: new Map(),
    representation: new Map(),
    agent: new Map(),
    job: new Map(),
    proxy: new Map(),
    annotation: new Map(),
  };
  readonly #lanes = new Map<string, Map<string, Lane>>();
  readonly #held = new Map<string, Set<string>>();
  readonly #filed = new Map<string, Set<string>>();
  readonly #callbacks = new Map<string, string[]>();
  readonly #quotaHolders = new Map<string, Set<string>>();
  readonly #annotations = new Map<string, Set<string>>();
  readonly #branches = new Map<string, Set<string>>();
  readonly #waiters = new Map<string, Set<string>>();
  /** How many unfinished jobs have a job among their arguments. */
  readonly #references = new Map<string, number>();
  /** Completed jobs, oldest first. */
  readonly completed = new Set<string>();

  /** Jobs in a state that the chart does not have: in no index, so nothing happens to them; kept and shown. */
  readonly quarantined = new Set<string>();

  readonly findJob = (id: string): JobRecord | undefined => this.#records.job.get(id);

  get<K extends Kind>(kind: K, id: string): Records[K] | undefined {
    return this.#records[kind].get(id);
  }

  count(kind: Kind): number {
    return this.#records[kind].size;
  }

  list<K extends Kind>(kind: K, prefix: string): Records[K][] {
    const found: Records[K][] = [];
    for (const [id, record] of this.#records[kind]) if (id.startsWith(prefix)) found.push(record);
    return found.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  lanes(queue: string): Iterable<Lane> {
    return this.#lanes.get(queue)?.values() ?? [];
  }

  waitingCount(queue: string): number {
    let count = 0;
    for (const lane of this.lanes(queue)) count += lane.size;
    return count;
  }

  held(queue: string, dispatcher: string, agent: string): ReadonlySet<string> {
    return this.#held.get(agentKey(queue, dispatcher, agent)) ?? none;
  }

  filed(queue: string, dispatcher: string, agent: string): ReadonlySet<string> {
    return this.#filed.get(agentKey(queue, dispatcher, agent)) ?? none;
  }

  /** Names of the agents of a dispatcher that hold jobs, whether or not their settings still exist. */
  holdingAgents(queue: string, dispatcher: string): string[] {
    const prefix = agentKey(queue, dispatcher, '');
    const names: string[] = [];
    for (const [key, jobs] of this.#held) {
      if (jobs.size > 0 && key.startsWith(prefix)) names.push(key.slice(prefix.length));
    }
    return names.sort();
  }

  quotaHolders(quota: string): ReadonlySet<string> {
    return this.#quotaHolders.get(quota) ?? none;
  }

  /** Callbacks of a job as `job/<id>` or `proxy/<id>`, in order. */
  callbacks(job: string): readonly string[] {
    return this.#callbacks.get(job) ?? [];
  }

  hasUnstartedCallback(job: string): boolean {
    for (const callback of this.callbacks(job)) {
      const [kind, id] = splitSubject(callback);
      const started = kind === 'job' ? id : this.#records.proxy.get(id)?.chosen;
      if (started == null || this.findJob(started)?.state === 'new') return true;
    }
    return false;
  }

  /**
   * Jobs in CALLBACKS that stand nowhere, and completed ones with a callback that is neither done nor waiting for a
   * job that is not: somebody outside any agent was at them.
   */
  *orphans(): Generator<string> {
    for (const job of this.#records.job.values()) {
      if (job.state === 'callbacks' && job.parent === null) yield job.id;
    }
    for (const parent of this.#callbacks.keys()) {
      if (this.findJob(parent)?.state !== 'completed') continue;
      if (this.callbacks(parent).some((subject) => this.#isLeft(subject))) yield parent;
    }
  }

  #isLeft(subject: string): boolean {
    const [kind, id] = splitSubject(subject);
    const chosen = kind === 'job' ? id : this.#records.proxy.get(id)?.chosen;
    const callback = chosen == null ? undefined : this.findJob(chosen);
    if (callback === undefined) return kind === 'proxy';
    if (callback.state === 'completed') return false;
    const awaited = callback.waitingOn === null ? undefined : this.findJob(callback.waitingOn);
    return awaited === undefined || awaited.outcome !== null;
  }

  /** Whether an unfinished job refers to this one: in its arguments, by waiting for it, or as its callback. */
  isReferred(job: JobRecord): boolean {
    if ((this.#references.get(job.id) ?? 0) > 0 || this.waiters(job.id).size > 0) return true;
    if (this.callbacks(job.id).some((subject) => this.#isLeft(subject))) return true;
    const parent = job.parent !== null && 'job' in job.parent ? this.findJob(job.parent.job) : undefined;
    return parent !== undefined && parent.state !== 'completed';
  }

  isAnnotated(job: string): boolean {
    return this.#annotations.has(job);
  }

  /** Jobs that belong to a callback proxy. */
  branches(proxy: string): ReadonlySet<string> {
    return this.#branches.get(proxy) ?? none;
  }

  /** Jobs that wait for the result of a job. */
  waiters(job: string): ReadonlySet<string> {
    return this.#waiters.get(job) ?? none;
  }

  annotations(job: string): string[] {
    return [...(this.#annotations.get(job) ?? [])].sort();
  }

  /** The earliest `beginAfter` later than `now` among waiting jobs, or null. */
  due(now: number): number | null {
    let earliest: number | null = null;
    for (const lanes of this.#lanes.values()) {
      for (const lane of lanes.values()) {
        const first = lane.held.peek(this.findJob)?.beginAfter ?? null;
        if (first === null) continue;
        const at = first > now ? first : this.#nextAfter(lane, now);
        if (at !== null && (earliest === null || at < earliest)) earliest = at;
      }
    }
    return earliest;
  }

  #nextAfter(lane: Lane, now: number): number | null {
    for (const job of lane.held.jobs(this.findJob)) if ((job.beginAfter ?? 0) > now) return job.beginAfter;
    return null;
  }

  /** Makes one change and returns what stood there before. */
  apply(change: Change, seq: number): Records[Kind] | undefined {
    const before = this.#records[change.kind].get(change.id);
    if (change.gone === true) this.#replace(change.kind, change.id, before, undefined);
    else this.#replace(change.kind, change.id, before, changed(change, before, seq));
    return before;
  }

  /** Puts back what `apply` returned. Undone in reverse order, changes leave no trace. */
  restore(kind: Kind, id: string, before: Records[Kind] | undefined): void {
    this.#replace(kind, id, this.#records[kind].get(id), before);
  }

  /** Takes over a journal line. No chart runs: patches say it all. */
  replay(line: Line): void {
    for (const [index, entry] of line.entries.entries()) this.apply(entry, line.s + index);
  }

  /** Takes over a snapshot, into empty tables. */
  load(state: State): void {
    for (const kind of kinds) {
      const records = (state.records[kind] ?? []).map((stored) => loaded(kind, stored));
      if (kind === 'job') (records as JobRecord[]).sort((one, other) => placeKey(one) - placeKey(other));
      for (const record of records) this.#replace(kind, record.id, undefined, record);
    }
  }

  /** Everything, as references: nothing is copied, since records are never mutated. */
  state(seq: number): State {
    const records = {} as Record<Kind, readonly StoredRecord[]>;
    for (const kind of kinds) {
      records[kind] = [...this.#records[kind].values()] as unknown as StoredRecord[];
    }
    return { seq, records };
  }

  #replace(
    kind: Kind,
    id: string,
    before: Records[Kind] | undefined,
    after: Records[Kind] | undefined,
  ): void {
    const map = this.#records[kind] as Map<string, Records[Kind]>;
    if (kind === 'job') {
      const [old, young] = [before as JobRecord | undefined, after as JobRecord | undefined];
      const moved = old === undefined || young === undefined || movesIndex(old, young);
      if (old !== undefined && moved) this.#leave(old, young);
      if (after === undefined) map.delete(id);
      else map.set(id, after);
      if (young !== undefined && moved) this.#enter(young);
      return;
    }
    if (after === undefined) map.delete(id);
    else map.set(id, after);
    if (kind === 'proxy') {
      const parent = (after ?? before) as ProxyRecord;
      if (before === undefined) this.#addCallback(parent.parent, `proxy/${id}`, parent.order[1]);
      else if (after === undefined) this.#dropCallback(parent.parent, `proxy/${id}`);
    } else if (kind === 'annotation') {
      const at = id.indexOf('/');
      const names = this.#annotations.get(id.slice(0, at));
      if (after === undefined) names?.delete(id.slice(at + 1));
      else if (names === undefined) this.#annotations.set(id.slice(0, at), new Set([id.slice(at + 1)]));
      else names.add(id.slice(at + 1));
    }
  }

  #enter(job: JobRecord): void {
    if (!jobChart.states.includes(job.state)) {
      this.quarantined.add(job.id);
      return;
    }
    const parent = job.parent;
    if (parent !== null && 'queue' in parent) {
      if (!('agent' in parent)) this.#lane(parent.queue, job).add(job);
      else {
        const index = job.callbacksEnd === null ? this.#held : this.#filed;
        addTo(index, agentKey(parent.queue, parent.dispatcher, parent.agent), job.id);
      }
    } else if (parent !== null && 'job' in parent)
      this.#addCallback(parent, `job/${job.id}`, job.order?.[1] ?? 0);
    else if (parent !== null && 'proxy' in parent) addTo(this.#branches, parent.proxy, job.id);
    for (const quota of job.quotas) addTo(this.#quotaHolders, quota, job.id);
    if (job.waitingOn !== null) addTo(this.#waiters, job.waitingOn, job.id);
    this.#count(job, 1);
    if (job.state === 'completed') this.completed.add(job.id);
  }

  /** Where `young` stands as well its place is kept: agents and quotas list jobs in order of entry. */
  #leave(job: JobRecord, young: JobRecord | undefined): void {
    if (this.quarantined.delete(job.id)) return;
    const next = young !== undefined && jobChart.states.includes(young.state) ? young : undefined;
    const parent = job.parent;
    if (parent !== null && 'queue' in parent) {
      if (!('agent' in parent)) this.#leaveLane(parent.queue, job);
      else if (next?.parent !== parent || next.callbacksEnd !== job.callbacksEnd) {
        const key = agentKey(parent.queue, parent.dispatcher, parent.agent);
        this.#held.get(key)?.delete(job.id);
        this.#filed.get(key)?.delete(job.id);
      }
    } else if (parent !== null && 'job' in parent) this.#dropCallback(parent, `job/${job.id}`);
    else if (parent !== null && 'proxy' in parent) this.#branches.get(parent.proxy)?.delete(job.id);
    for (const quota of job.quotas) {
      if (next?.quotas.includes(quota) !== true) this.#quotaHolders.get(quota)?.delete(job.id);
    }
    this.#count(job, -1);
    if (job.waitingOn !== null) {
      const waiting = this.#waiters.get(job.waitingOn);
      waiting?.delete(job.id);
      if (waiting?.size === 0) this.#waiters.delete(job.waitingOn);
    }
    if (job.state === 'completed') this.completed.delete(job.id);
  }

  #count(job: JobRecord, by: number): void {
    if (job.state === 'completed') return;
    for (const arg of job.args) {
      for (const id of typeof arg === 'object' ? referredJobs(arg) : []) {
        const count = (this.#references.get(id) ?? 0) + by;
        if (count > 0) this.#references.set(id, count);
        else this.#references.delete(id);
      }
    }
  }

  #lane(queue: string, job: JobRecord): Lane {
    let lanes = this.#lanes.get(queue);
    if (lanes === undefined) {
      lanes = new Map();
      this.#lanes.set(queue, lanes);
    }
    const key = laneKey(job);
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(job);
      lanes.set(key, lane);
    }
    return lane;
  }

  #leaveLane(queue: string, job: JobRecord): void {
    const lanes = this.#lanes.get(queue);
    const lane = lanes?.get(laneKey(job));
    lane?.remove();
    if (lane?.size === 0) lanes?.delete(laneKey(job));
  }

  #addCallback(parent: JobRecord['parent'], subject: string, key: number): void {
    if (parent === null || !('job' in parent)) return;
    const list = this.#callbacks.get(parent.job);
    if (list === undefined) {
      this.#callbacks.set(parent.job, [subject]);
      return;
    }
    let at = list.length;
    while (at > 0 && this.#callbackKey(list[at - 1] ?? '') > key) at -= 1;
    list.splice(at, 0, subject);
  }

  #callbackKey(subject: string): number {
    const [kind, id] = splitSubject(subject);
    return (kind === 'job' ? this.findJob(id)?.order?.[1] : this.#records.proxy.get(id)?.order[1]) ?? 0;
  }

  #dropCallback(parent: JobRecord['parent'], subject: string): void {
    if (parent === null || !('job' in parent)) return;
    const list = this.#callbacks.get(parent.job);
    if (list === undefined) return;
    const at = list.indexOf(subject);
    if (at >= 0) list.splice(at, 1);
    if (list.length === 0) this.#callbacks.delete(parent.job);
  }
}

const none: ReadonlySet<string> = new Set();

function agentKey(queue: string, dispatcher: string, agent: string): string {
  return `${queue}/${dispatcher}/${agent}`;
}

function addTo(index: Map<string, Set<string>>, key: string, id: string): void {
  const ids = index.get(key);
  if (ids === undefined) index.set(key, new Set([id]));
  else ids.add(id);
}

/** Kind and id of a subject such as `job/abc`. */
export function splitSubject(subject: string): readonly [Kind, string] {
  const at = subject.indexOf('/');
  return [subject.slice(0, at) as Kind, subject.slice(at + 1)];
}

/** Whether any index could tell the two apart. Records share unchanged values, so identity decides. */
function movesIndex(before: JobRecord, after: JobRecord): boolean {
  return (
    before.parent !== after.parent ||
    before.order !== after.order ||
    before.quotas !== after.quotas ||
    before.callbacksEnd !== after.callbacksEnd ||
    before.quotaNames !== after.quotaNames ||
    before.name !== after.name ||
    before.beginBy !== after.beginBy ||
    before.waitingOn !== after.waitingOn ||
    before.args !== after.args ||
    (before.state === 'completed') !== (after.state === 'completed')
  );
}

function changed(change: Change, before: Records[Kind] | undefined, seq: number): Records[Kind] {
  const { patch } = change;
  const base = before ?? blank(change.kind, change.id, patch ?? {});
  const next: Record<string, unknown> = change.kind === 'job' ? copyJob(base as JobRecord) : { ...base };
  for (const key in patch) next[key] = patch[key];
  next.rev = base.rev + 1;
  next.lastSeq = seq;
  if (change.to !== null) next.state = change.to;
  const order = next.order as JobRecord['order'] | undefined;
  if (order && order[1] === 0) next.order = [order[0], seq];
  if (before === undefined && change.kind === 'job') next.createdSeq = seq;
  return next as unknown as Records[Kind];
}

function loaded(kind: Kind, stored: StoredRecord): Records[Kind] {
  const { id, ...kept } = stored;
  return { ...blank(kind, id, kept as Patch), ...kept } as Records[Kind];
}

/** Puts jobs into every index in the order in which they came to stand there. */
function placeKey(job: JobRecord): number {
  return job.state === 'completed' ? job.lastSeq : (job.order?.[1] ?? job.lastSeq);
}

function blank(kind: Kind, id: string, patch: Patch): Records[Kind] {
  const reserved = { v: recordVersion, rev: 0, lastSeq: 0 };
  switch (kind) {
    case 'job':
      return {
        id,
        ...reserved,
        ...blankJob,
        ...newJobContext({ ...blankJob, name: String(patch.name ?? '') }),
      } satisfies JobRecord;
    case 'representation':
      return {
        id,
        ...reserved,
        state: 'registered',
        ...newRepresentationContext({ queue: '', dispatcher: '' }),
      };
    case 'agent':
      return { id, ...reserved, size: 3, selection: { kind: 'any' }, failure: null };
    case 'quota':
      return { id, ...reserved, size: 1 };
    case 'queue':
      return { id, ...reserved, createdAt: 0 };
    case 'store':
      return { id, ...reserved, epoch: 0 };
    case 'annotation':
      return { id, ...reserved, value: null };
    case 'proxy':
      return {
        id,
        ...reserved,
        parent: { job: '' },
        order: ['callback', 0],
        branches: [],
        otherwise: null,
        chosen: null,
      };
  }
}

/** What all new jobs share. One empty list for all of them: a waiting job must stay small. */
const blankJob = Object.freeze({
  state: 'new' as const,
  createdSeq: 0,
  dueAt: null,
  priority: 0,
  uniqueKey: null,
  lane: null,
  args: Object.freeze([]),
  quotaNames: Object.freeze([]),
  quotas: Object.freeze([]),
});
