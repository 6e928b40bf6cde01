import type { AgentPlace } from '../../../../machines/job.context.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Kind, Line, Records } from '../../entry.ts';
import { mustBeInState } from '../../rules/preconditions.ts';
import type { Change, Precondition } from '../../store.ts';
import type { Lanes } from '../jobs/lanes.ts';
import type { Lease, OwnLeases } from '../jobs/leases.ts';
import { asideState, type Home, parentKey, type StoredJob } from '../jobs/stored-job.ts';
import { Entries, seqIn } from './entries.ts';
import { type Moved, movedJob, queuesIn } from './moved.ts';
import type { Subjects } from './subjects.ts';
import type { WorkingSet } from './working-set.ts';

/** What a draft is made with. */
export interface DraftParts {
  readonly lanes: Lanes;
  /** The instant by which it is judged what is due. */
  readonly now: number;
  newToken(): number;
}

/** Placeholders for the seqs of entries until the number of their commit is known: above all real ones, so that they order alike. */
const provisional = 2 ** 52;
export const endings: readonly (string | null)[] = ['succeeded', 'failed', 'aborted', 'expired'];
/** A document with more patches, or more letters of them, is written whole by the next change. */
const mostPatches = 16;

type Fields = Record<string, unknown>;

/** A record that was changed. */
interface Touched {
  readonly kind: Kind;
  readonly id: string;
  /** Its patches as JSON, with commas between; null: it was removed, so they do not lead from what there was. */
  texts: string | null;
  count: number;
  /** The group of the journal that has its newest entry. */
  group: number;
}

/** Parameters of the function `commit`, those of its claim aside. */
export interface Written {
  readonly tokens: readonly number[];
  readonly revs: readonly number[];
  readonly left: readonly (Lease | null)[];
  readonly beliefs: readonly Fields[];
  readonly changes: readonly Fields[];
  readonly puts: {
    readonly ids: readonly string[];
    readonly docs: readonly string[];
    /** The entry of each. */
    readonly at: readonly number[];
    readonly lanes: readonly number[];
    readonly due: readonly (number | null)[] | null;
  };
  readonly done: readonly {
    readonly id: string;
    readonly entry: number;
    readonly patch: string;
    readonly lane: number | null;
    readonly ending: number;
  }[];
  readonly freed: readonly string[];
  /** Rows of the journal. */
  readonly rows: readonly { readonly text: string; readonly count: number }[];
}

/** Changes that were judged, on their way to one commit. */
export class Draft {
  readonly #set: WorkingSet;
  #written: Written | null = null;
  readonly #parts: DraftParts;
  readonly #subjects: Subjects;
  readonly #entries = new Entries();
  readonly #changed = new Map<string, Touched>();
  #moved: Moved[] | null = null;
  readonly #expected: Precondition[] = [];
  /** The agents that jobs leave. */
  readonly #left: AgentPlace[] = [];
  readonly #leases = new Map<number, { lease: Lease; ids: string[]; seqs: number[]; lanes: number[] }>();
  readonly #taken = new Map<string, { token: number; place: AgentPlace; jobs: [string, number, number][] }>();

  constructor(set: WorkingSet, subjects: Subjects, parts: DraftParts) {
    this.#set = set;
    this.#subjects = subjects;
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#entries.count === 0;
  }

  /** The number after that of its last entry. */
  get end(): number {
    return this.#entries.end;
  }

  /** It changes what agents hold. */
  get touchesLeases(): boolean {
    return this.#leases.size + this.#taken.size > 0;
  }

  /** Takes note of beliefs that held, and makes changes, all or none. @throws ConflictError, SignalboxError `JOB_QUARANTINED`. */
  add(changes: readonly Change[], expect: readonly Precondition[]): void {
    const { tables } = this.#set;
    const first = this.#entries.count;
    const undo: (readonly [Kind, string, Records[Kind] | undefined])[] = [];
    try {
      for (const [index, change] of changes.entries()) {
        mustBeInState(change, tables.get(change.kind, change.id));
        undo.push([change.kind, change.id, tables.apply(change, provisional + first + index)]);
      }
    } catch (error) {
      for (const [kind, id, before] of undo.toReversed()) tables.restore(kind, id, before);
      throw error;
    }
    for (const [index, change] of changes.entries()) this.#touchedBy(change, undo[index]?.[2]?.lastSeq ?? 0);
    this.#expected.push(...expect);
  }

  #touchedBy(change: Change, lastSeq: number): void {
    const { kind, id, patch } = change;
    const subject = `${kind}/${id}`;
    const text = JSON.stringify(patch);
    const q = lastSeq >= provisional ? provisional - 1 - lastSeq : lastSeq;
    const touched = this.#changed.get(subject);
    const group = this.#entries.add(change, q, text, touched?.group ?? 0);
    const set = change.gone === true ? null : patch === null ? '' : text;
    if (touched === undefined) this.#changed.set(subject, { kind, id, texts: set, count: 1, group });
    else {
      touched.texts = set === null || touched.texts === null ? null : listed(touched.texts, set);
      touched.count += 1;
      touched.group = group;
    }
  }

  /** What becomes of its jobs, in the order in which they were changed first. Of use once all changes were added. */
  moved(): readonly Moved[] {
    if (this.#moved === null) {
      this.#moved = [];
      for (const { kind, id } of this.#changed.values())
        if (kind === 'job')
          this.#moved.push(movedJob(id, this.#set.job(id), this.#set.tables, this.#parts.now));
    }
    return this.#moved;
  }

  /** The number of a newest entry, given the number of the commit. */
  seqOf(c: number, { lastSeq }: JobRecord): number {
    return lastSeq >= provisional ? seqIn(c, this.#numberOf(lastSeq)) : lastSeq;
  }

  /** The parameters of the statement, also of one that is sent again. Every lane must have its number by then. */
  written(): Written {
    this.#written ??= this.#write();
    return this.#written;
  }

  #write(): Written {
    this.#entries.close();
    const puts = {
      ids: [] as string[],
      docs: [] as string[],
      at: [] as number[],
      lanes: [] as number[],
      due: [] as (number | null)[],
    };
    const done: Written['done'][number][] = [];
    const changes: Fields[] = [];
    const beliefs = new Map<string, Fields>();
    const freed: string[] = [];
    for (const moved of this.moved()) this.#writeJob(moved, { puts, done, changes, beliefs, freed });
    for (const { kind, id } of this.#changed.values())
      if (kind !== 'job') this.#writeSetting(kind, id, changes, beliefs);
    this.#believe(beliefs, changes);
    const touched = [...this.#leases.values()].sort((one, other) => one.lease.token - other.lease.token);
    for (const { token, place, jobs } of this.#taken.values())
      changes.push({
        is: 'lease',
        token,
        queue: place.queue,
        dispatcher: place.dispatcher,
        agent: place.agent,
        jobs,
      });
    return {
      tokens: touched.map(({ lease }) => lease.token),
      revs: touched.map(({ lease }) => lease.rev),
      left: touched.map(({ lease: { token, rev }, ids, seqs, lanes }) =>
        ids.length === 0 ? null : { token, rev: rev + 1, ids, seqs, lanes },
      ),
      beliefs: [...beliefs].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, belief]) => belief),
      changes: changes.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)),
      puts: { ...puts, due: puts.due.some((at) => at !== null) ? puts.due : null },
      done,
      freed,
      rows: this.#entries.rows(),
    };
  }

  #writeJob(
    moved: Moved,
    to: {
      puts: { ids: string[]; docs: string[]; at: number[]; lanes: number[]; due: (number | null)[] };
      done: Written['done'][number][];
      changes: Fields[];
      beliefs: Map<string, Fields>;
      freed: string[];
    },
  ): void {
    const { id, before, after, place } = moved;
    const touched = this.#changed.get(`job/${id}`) as Touched;
    this.#moveSlots(before?.record, after, to.freed, to.changes);
    if (after === undefined || place === null) {
      if (before === undefined) return;
      this.#leave(before, true, to.beliefs);
      to.changes.push({ is: 'job', id, gone: true });
      return;
    }
    const entry = this.#numberOf(after.lastSeq);
    const lane = this.#laneOf(moved);
    if (before === undefined) {
      const doc = this.#newDoc(after, touched);
      const isPut = moved.lane !== null && touched.count === 1 && after.order?.[0] !== 'putBack';
      if (isPut) {
        to.puts.ids.push(id);
        to.puts.at.push(entry);
        to.puts.docs.push(doc);
        to.puts.lanes.push(lane as number);
        to.puts.due.push(place === 'due' ? after.beginAfter : null);
        return;
      }
      to.changes.push({
        is: 'job',
        id,
        rev: 0,
        seq: entry,
        lane,
        parent: parentOf(after),
        waitingOn: after.waitingOn,
        doc,
        to: this.#target(after, place, null, entry, lane, touched),
      });
      return;
    }
    const stays = isSame(before, place, lane, after);
    if (before.home.in === 'lease') this.#touch(before.home.token, stays ? null : id);
    else this.#leave(before, !stays, to.beliefs);
    if (before.home.in === 'lease' && place === 'done') {
      const patch = this.#patch(before, after, touched, false);
      to.done.push({ id, entry, patch, lane: before.home.lane, ending: endings.indexOf(after.ending) });
      return;
    }
    const change: Fields = { is: 'job', id, rev: before.rev, seq: entry, lane };
    if (place !== 'done' || before.home.in === 'done') {
      change.isWhole = before.patches >= mostPatches || touched.texts === null;
      change.doc = change.isWhole
        ? this.#wholeDoc(after, before.isParent)
        : this.#patch(before, after, touched, true);
      change.parent = parentOf(after);
      change.waitingOn = after.waitingOn;
    }
    if (stays && before.home.in === 'ready')
      change.to = { in: 'stays', line: before.home.line, turnIs: before.home.turn };
    else if (stays && before.home.in === 'due') change.to = { in: 'waits' };
    else change.to = this.#target(after, place, before, entry, lane, touched);
    to.changes.push(change);
  }

  #target(
    after: JobRecord,
    place: Home['in'],
    before: StoredJob | null,
    entry: number,
    lane: number | null,
    touched: Touched,
  ): Fields {
    if (place === 'done') {
      const isInDoc = before === null || before.home.in === 'done';
      const patch = isInDoc ? '{}' : this.#patch(before, after, touched, false);
      return { in: 'done', ending: Math.max(0, endings.indexOf(after.ending)), patch };
    }
    if (place === 'due') return { in: 'due', at: after.beginAfter };
    if (place === 'aside') return { in: 'aside', state: asideState(after) };
    if (place === 'lease') {
      this.#take(after, entry, lane);
      return { in: 'lease' };
    }
    const key = after.order?.[1] ?? 0;
    const line = after.order?.[0] === 'putBack' ? 0 : 2;
    if (key < provisional && before?.home.in === 'ready')
      return { in: 'ready', line, turnIs: before.home.turn };
    return key >= provisional
      ? { in: 'ready', line, turn: 2 * this.#numberOf(key) }
      : { in: 'ready', line, turnIs: 2 * key };
  }

  /** Puts a job into a new lease of its agent, if it is not in one of this opening already. */
  #take(after: JobRecord, entry: number, lane: number | null): void {
    const before = this.#set.job(after.id);
    if (before !== undefined && isSame(before, 'lease', lane, after)) return;
    const place = after.parent as AgentPlace;
    const key = `${place.queue}/${place.dispatcher}/${place.agent}`;
    let taken = this.#taken.get(key);
    if (taken === undefined) {
      taken = { token: this.#parts.newToken(), place, jobs: [] };
      this.#taken.set(key, taken);
    }
    taken.jobs.push([after.id, entry, lane ?? 0]);
  }

  #laneOf({ before, lane }: Moved): number | null {
    if (lane !== null) return this.#parts.lanes.find(lane.queue, lane.key) ?? null;
    const home = before?.home;
    return home === undefined || home.in === 'aside' ? null : home.lane;
  }

  #leave(before: StoredJob, leaves: boolean, beliefs: Map<string, Fields>): void {
    const { home, record, rev } = before;
    if (home.in === 'lease') this.#touch(home.token, leaves ? record.id : null);
    else beliefs.set(`job ${record.id}`, { is: 'job', id: record.id, rev, at: home, leaves });
  }

  /** Believes in a lease, and takes a job out of it. */
  #touch(token: number, leaving: string | null): void {
    let left = this.#leases.get(token);
    if (left === undefined) {
      const lease = this.#set.lease(token) ?? { token, rev: -1, ids: [], seqs: [], lanes: [] };
      left = { lease, ids: [...lease.ids], seqs: [...lease.seqs], lanes: [...lease.lanes] };
      this.#leases.set(token, left);
    }
    const at = leaving === null ? -1 : left.ids.indexOf(leaving);
    if (at < 0) return;
    this.#left.push(this.#set.job(leaving as string)?.record.parent as AgentPlace);
    for (const list of [left.ids, left.seqs, left.lanes]) list.splice(at, 1);
  }

  #moveSlots(
    before: JobRecord | undefined,
    after: JobRecord | undefined,
    freed: string[],
    changes: Fields[],
  ): void {
    const [had, has] = [before?.quotas ?? [], after?.quotas ?? []];
    if (had === has) return;
    for (const id of had) if (!has.includes(id)) freed.push(id);
    for (const id of has) {
      if (had.includes(id)) continue;
      const known = changes.find((change) => change.is === 'room' && change.id === id);
      if (known === undefined) changes.push({ is: 'room', id, by: 1 });
      else known.by = (known.by as number) + 1;
    }
  }

  #writeSetting(kind: Kind, id: string, changes: Fields[], beliefs: Map<string, Fields>): void {
    const before = this.#set.setting(kind, id);
    const after = this.#set.tables.get(kind, id);
    beliefs.set(`${kind} ${id}`, { is: kind, id, rev: before?.rev ?? 0 });
    if (after === undefined) {
      if (before !== undefined) changes.push({ is: kind, id });
      return;
    }
    const { id: _id, rev, lastSeq, ...body } = this.#numbered(after);
    changes.push({ is: kind, id, rev, seq: lastSeq, isNew: before === undefined, body });
  }

  /** Beliefs about what is not changed. */
  #believe(beliefs: Map<string, Fields>, changes: Fields[]): void {
    for (const expected of this.#expected) {
      const { check, id } = expected;
      if (check === 'atMost') continue;
      if (check === 'holds') {
        const { queue, dispatcher } = expected;
        // The statement counts when those that leave with it are gone.
        const left = this.#left.filter((place) => place.queue === queue && place.dispatcher === dispatcher);
        const count = expected.count - left.length;
        beliefs.set(`holds ${id}`, {
          is: 'holds',
          queue,
          dispatcher,
          count,
          agents: `${queue}/${dispatcher}/`,
        });
        this.#believeIn('representation', id, beliefs);
      } else if (check === 'notAwaitedBy') {
        beliefs.set(`chain ${id}`, { is: 'chain', id, on: expected.on });
        this.#believeIn('job', expected.on, beliefs);
      } else this.#believeIn(check === 'rev' ? expected.kind : 'job', id, beliefs);
    }
    // A job that gets a callback says so in its document: who ends it looks for callbacks only then.
    for (const id of this.#subjects.given) {
      const job = this.#set.job(id);
      const isChanged = this.#changed.has(`job/${id}`);
      if (job === undefined || job.isParent) {
        if (job !== undefined && !isChanged) this.#believeIn('job', id, beliefs);
        continue;
      }
      this.#believeIn('job', id, beliefs);
      changes.push({ is: 'job', id, rev: job.rev, doc: `{"${parentKey}":true}`, flag: true });
    }
  }

  #believeIn(kind: Kind, id: string, beliefs: Map<string, Fields>): void {
    if (this.#changed.has(`${kind}/${id}`)) return;
    if (kind !== 'job')
      beliefs.set(`${kind} ${id}`, { is: kind, id, rev: this.#set.setting(kind, id)?.rev ?? 0 });
    else {
      const job = this.#set.job(id);
      if (job !== undefined) this.#leave(job, false, beliefs);
      else beliefs.set(`job ${id}`, { is: 'job', id, rev: 0, at: {}, leaves: false });
    }
  }

  #newDoc(job: JobRecord, { id, texts, count }: Touched): string {
    const isGiven = this.#subjects.given.has(id);
    if (count !== 1 || texts?.startsWith('{"') !== true) return this.#wholeDoc(job, isGiven);
    return `{"state":"${job.state}"${isGiven ? `,"${parentKey}":true` : ''},${texts.slice(1)}`;
  }

  #wholeDoc(job: JobRecord, isParent: boolean): string {
    const { id: _id, lastSeq: _lastSeq, ...fields } = this.#relative(job);
    return JSON.stringify(isParent ? { ...fields, [parentKey]: true } : fields);
  }

  /** The patches that lead from what is in the document to what is so now. `isDoc`: they become part of it, whose newest entry changes. */
  #patch({ since }: StoredJob, after: JobRecord, { texts }: Touched, isDoc: boolean): string {
    if (texts === null) return this.#wholeDoc(after, false);
    const { state, rev } = after;
    const { createdSeq, order } = isDoc || after.order !== null ? this.#relative(after) : after;
    const numbers = isDoc ? { createdSeq, order } : order === null ? {} : { order };
    return listed(listed(since, texts), JSON.stringify({ state, rev, ...numbers }));
  }

  /** A record with numbers of this commit as distances from its newest entry, which is one of this commit. */
  #relative(job: JobRecord): JobRecord {
    const newest = this.#numberOf(job.lastSeq);
    const distance = (seq: number): number => (seq >= provisional ? this.#numberOf(seq) - newest : seq);
    const { order, createdSeq } = job;
    return {
      ...job,
      createdSeq: distance(createdSeq),
      order: order === null ? null : [order[0], distance(order[1])],
    };
  }

  /** A record of another kind: its newest entry as a number of this commit, others as distances from it. */
  #numbered(record: Records[Kind]): Records[Kind] {
    const lastSeq = this.#numberOf(record.lastSeq);
    if (!('order' in record) || record.order === null) return { ...record, lastSeq };
    const [line, key] = record.order;
    return {
      ...record,
      lastSeq,
      order: [line, key >= provisional ? this.#numberOf(key) - lastSeq : key],
    } as Records[Kind];
  }

  #numberOf(seq: number): number {
    return this.#entries.numberOf(seq - provisional);
  }

  /** A job as it is once the commit has its number. */
  committed(id: string, c: number): JobRecord | undefined {
    const job = this.#set.tables.findJob(id);
    if (job === undefined || job.lastSeq < provisional) return job;
    const real = (seq: number): number => (seq >= provisional ? seqIn(c, this.#numberOf(seq)) : seq);
    const { order } = job;
    return {
      ...job,
      lastSeq: real(job.lastSeq),
      createdSeq: real(job.createdSeq),
      order: order === null ? null : [order[0], real(order[1])],
    };
  }

  /** Takes note of the leases of this opening and their jobs, as the commit has left them. */
  keepIn(own: OwnLeases, c: number): void {
    for (const { lease, ids, seqs, lanes } of this.#leases.values()) {
      const { token, rev } = lease;
      if (own.lease(token) !== undefined)
        own.keep(token, ids.length === 0 ? null : { token, rev: rev + 1, ids, seqs, lanes });
    }
    const tokens = new Map<string, number>();
    for (const { token, jobs } of this.#taken.values()) {
      own.keep(token, {
        token,
        rev: 0,
        ids: jobs.map(([id]) => id),
        seqs: jobs.map(([, entry]) => seqIn(c, entry)),
        lanes: jobs.map(([, , lane]) => lane),
      });
      for (const [id] of jobs) tokens.set(id, token);
    }
    for (const { id, before, after, place } of this.moved()) {
      const token = tokens.get(id) ?? (before?.home.in === 'lease' ? before.home.token : null);
      const isHeld = place === 'lease';
      if (before?.isParent === false && !this.#subjects.given.has(id) && after?.state === 'completed')
        own.endAlone(id);
      const record = token === null || !isHeld ? undefined : this.committed(id, c);
      if (token === null || record === undefined || own.lease(token) === undefined) own.keepJob(id, null);
      else {
        const lane = before !== undefined && 'lane' in before.home ? (before.home.lane ?? 0) : 0;
        const isWhole = before === undefined || before.patches >= mostPatches;
        own.keepJob(id, {
          record,
          since: '',
          rev: (before?.rev ?? 0) + 1,
          home: { in: 'lease', token, lane },
          patches: isWhole ? 1 : before.patches + (this.#changed.get(`job/${id}`)?.count ?? 0) + 2,
          isParent: before?.isParent === true || this.#subjects.given.has(id),
        });
      }
    }
    for (const id of this.#subjects.given) {
      own.hasEndedAlone(id);
      if (!this.#changed.has(`job/${id}`)) own.keepJob(id, null);
    }
  }

  /** Queues in which it puts work or makes room for some. */
  queues(): ReadonlySet<string> {
    const queues = queuesIn(this.moved());
    for (const { kind, id } of this.#changed.values())
      if (kind === 'quota') queues.add(id.slice(0, id.indexOf('/')));
    return queues;
  }

  /** The lines of the journal, once the commit has its number. */
  lines(c: number, head: Omit<Line, 's' | 'entries'>): Line[] {
    return this.#entries.lines(c, head);
  }
}

/** Patches one after the other. */
function listed(before: string, after: string): string {
  return before === '' || after === '' ? before + after : `${before},${after}`;
}

function keyOf({ is, id, token }: Fields): string {
  return `${is === 'job' ? 0 : 1} ${is} ${id ?? token}`;
}

/** The job or the proxy under which a job stands. */
export function parentOf({ parent }: JobRecord): string | null {
  if (parent === null) return null;
  if ('job' in parent) return parent.job;
  return 'proxy' in parent ? parent.proxy : null;
}

/** Whether a job stays where it is. */
function isSame(
  { home, record }: StoredJob,
  place: Home['in'],
  lane: number | null,
  after: JobRecord,
): boolean {
  if (home.in !== place) return false;
  if (home.in === 'lease') {
    const [one, other] = [record.parent as AgentPlace, after.parent as AgentPlace];
    return one.queue === other.queue && one.dispatcher === other.dispatcher && one.agent === other.agent;
  }
  if (home.in === 'ready') {
    const key = after.order?.[1] ?? 0;
    return home.lane === lane && key < provisional;
  }
  if (home.in === 'due') return home.lane === lane && home.at === after.beginAfter;
  return true;
}
