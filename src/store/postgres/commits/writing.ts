import type { AgentPlace } from '../../../../machines/job.context.ts';
import { type Ending, endings } from '../../../../machines/job.context.ts';
import { readySince } from '../../../model/jobs/priority.ts';
import { opening } from '../../../model/jobs/rate.ts';
import { limitId, quotaOfLimit } from '../../../model/records/keys.ts';
import type { JobRecord, LimitRecord } from '../../../model/records/records.ts';
import type { Kind } from '../../entry.ts';
import type { Lease } from '../jobs/leases.ts';
import { asideState, type Home, parentKey, type StoredJob } from '../jobs/stored-job.ts';
import { Beliefs, type BeliefsParts, type Fields } from './beliefs.ts';
import {
  mostPatches,
  newDoc,
  numberedRecord,
  patchOf,
  provisional,
  type Touched,
  wholeDoc,
} from './documents.ts';
import type { Entries } from './entries.ts';
import { type Moved, tagChanges } from './moved.ts';

/** The number under which rows have an ending. */
export function endingNumber(ending: Ending | null): number {
  return ending === null ? 0 : endings.indexOf(ending);
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
    /** The queue and the priority of each. */
    readonly groups: readonly string[];
    readonly due: readonly (number | null)[] | null;
    /** When each became ready. */
    readonly ready: readonly number[];
  };
  readonly done: readonly {
    readonly id: string;
    readonly entry: number;
    readonly patch: string;
    readonly lane: number | null;
    readonly ending: number;
  }[];
  readonly freed: readonly string[];
  /** Quotas and keys in which the jobs take slots, or to which they leave room: locked first where no claim goes with it. */
  readonly rooms: readonly string[];
  /** Rows of the journal. */
  readonly rows: readonly { readonly text: string; readonly count: number }[];
}

/** What was judged. */
export interface WritingParts extends BeliefsParts {
  /** All lanes that it needs have their numbers. */
  readonly moved: readonly Moved[];
  readonly entries: Entries;
  /** When it was judged. */
  readonly now: number;
  newToken(): number;
}

/** Makes the parameters of a commit from what was judged: what is written, and what is believed. */
export class Writing {
  readonly beliefs: Beliefs;
  /** New leases, by their agents. */
  readonly taken = new Map<
    string,
    { token: number; place: AgentPlace; jobs: [string, number, number][]; own: Map<string, string> }
  >();
  readonly #parts: WritingParts;
  /** How many slots are taken of each quota and key. */
  readonly #entered = new Map<string, number>();
  readonly #numberOf: (seq: number) => number;

  constructor(parts: WritingParts) {
    this.#parts = parts;
    this.beliefs = new Beliefs(parts);
    this.#numberOf = (seq) => parts.entries.numberOf(seq - provisional);
  }

  /** Call when the entries are numbered. */
  write(): Written {
    const puts = {
      ids: [] as string[],
      docs: [] as string[],
      at: [] as number[],
      lanes: [] as number[],
      groups: [] as string[],
      due: [] as (number | null)[],
      ready: [] as number[],
    };
    const done: Written['done'][number][] = [];
    const changes: Fields[] = [];
    const freed: string[] = [];
    for (const moved of this.#parts.moved) this.#writeJob(moved, { puts, done, changes, freed });
    const entered = [...this.#entered].sort(([one], [other]) => (one < other ? -1 : 1));
    if (entered.length > 0) changes.push({ is: 'rooms', jobs: entered });
    changes.push(...tagChanges(this.#parts.moved, this.#numberOf));
    for (const { kind, id } of this.#parts.changed.values())
      if (kind !== 'job') this.#writeSetting(kind, id, changes);
    this.beliefs.ofExpected();
    for (const job of this.beliefs.ofParents())
      changes.push({ is: 'job', id: job.record.id, rev: job.rev, doc: `{"${parentKey}":true}`, flag: true });
    if (this.taken.size > 0 && changes.some(({ is }) => is === 'limit')) this.beliefs.isSoon(this.#parts.now);
    const touched = [...this.beliefs.leases.values()].sort(
      (one, other) => one.lease.token - other.lease.token,
    );
    for (const { token, place, jobs, own } of this.taken.values())
      changes.push({
        is: 'lease',
        token,
        queue: place.queue,
        dispatcher: place.dispatcher,
        agent: place.agent,
        jobs,
        body: own.size === 0 ? null : Object.fromEntries(own),
      });
    return {
      tokens: touched.map(({ lease }) => lease.token),
      revs: touched.map(({ lease }) => lease.rev),
      left: touched.map(({ lease: { token, rev }, ids, seqs, lanes }) =>
        ids.length === 0 ? null : { token, rev: rev + 1, ids, seqs, lanes },
      ),
      beliefs: this.beliefs.inOrder(),
      changes: changes.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1)),
      puts: { ...puts, due: puts.due.some((at) => at !== null) ? puts.due : null },
      done,
      freed,
      rooms: [
        ...entered.map(([id]) => id),
        ...changes.flatMap(({ is, id }) => (is === 'passed' ? [id as string] : [])),
      ],
      rows: this.#parts.entries.rows(),
    };
  }

  #writeJob(
    moved: Moved,
    to: {
      puts: {
        ids: string[];
        docs: string[];
        at: number[];
        lanes: number[];
        groups: string[];
        due: (number | null)[];
        ready: number[];
      };
      done: Written['done'][number][];
      changes: Fields[];
      freed: string[];
    },
  ): void {
    const { id, before, after, place } = moved;
    const touched = this.#parts.changed.get(`job/${id}`) as Touched;
    this.#moveSlots(before?.record, after, to.freed);
    if (place !== 'lease') this.#passOn(moved, to.changes);
    if (after === undefined || place === null) {
      if (before === undefined) this.beliefs.absent(id);
      else {
        this.beliefs.leave(before, true);
        to.changes.push({ is: 'job', id, gone: true });
      }
      return;
    }
    const entry = this.#numberOf(after.lastSeq);
    const lane = this.#laneOf(moved);
    if (before === undefined) {
      const doc = newDoc(after, touched, this.#parts.subjects.given.has(id), this.#numberOf);
      const isPut = moved.lane !== null && touched.count === 1 && after.line !== 'putBack';
      if (isPut) {
        to.puts.ids.push(id);
        to.puts.at.push(entry);
        to.puts.docs.push(doc);
        to.puts.lanes.push(lane as number);
        to.puts.groups.push(`${after.priority} ${moved.lane?.queue}`);
        to.puts.due.push(place === 'due' ? after.beginAfter : null);
        to.puts.ready.push(readySince(after));
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
    if (before.home.in === 'lease') this.beliefs.touch(before.home.token, stays ? null : id);
    else this.beliefs.leave(before, !stays);
    if (before.home.in === 'lease' && place === 'done') {
      const patch = patchOf(before, after, touched, false, this.#numberOf);
      to.done.push({ id, entry, patch, lane: before.home.lane, ending: endingNumber(after.ending) });
      return;
    }
    // The row of a job that is claimed stays as it is: its lease has what was set.
    if (place === 'lease' && before.home.in === 'ready' && touched.texts !== null) {
      const own = this.#take(after, entry, lane);
      own?.set(id, patchOf(before, after, touched, false, this.#numberOf));
      return;
    }
    const change: Fields = { is: 'job', id, rev: before.rev, seq: entry, lane };
    if (place !== 'done' || before.home.in === 'done') {
      change.isWhole = before.patches >= mostPatches || touched.texts === null;
      change.doc = change.isWhole
        ? wholeDoc(after, before.isParent, this.#numberOf)
        : patchOf(before, after, touched, true, this.#numberOf);
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
      const patch = isInDoc ? '{}' : patchOf(before, after, touched, false, this.#numberOf);
      return { in: 'done', ending: endingNumber(after.ending), patch };
    }
    if (place === 'due') return { in: 'due', at: after.beginAfter };
    if (place === 'aside') return { in: 'aside', state: asideState(after) };
    if (place === 'lease') {
      this.#take(after, entry, lane);
      return { in: 'lease' };
    }
    const key = after.position;
    const ready = { in: 'ready', line: after.line === 'putBack' ? 0 : 2, at: readySince(after) };
    if (key < provisional && before?.home.in === 'ready') return { ...ready, turnIs: before.home.turn };
    return key >= provisional ? { ...ready, turn: 2 * this.#numberOf(key) } : { ...ready, turnIs: 2 * key };
  }

  /**
   * Puts a job into a new lease of its agent, if it is not in one of this opening already. Gives what that lease says of single jobs.
   */
  #take(after: JobRecord, entry: number, lane: number | null): Map<string, string> | null {
    const before = this.#parts.set.job(after.id);
    if (before !== undefined && isSame(before, 'lease', lane, after)) return null;
    const place = after.parent as AgentPlace;
    const key = `${place.queue}/${place.dispatcher}/${place.agent}`;
    let taken = this.taken.get(key);
    if (taken === undefined) {
      taken = { token: this.#parts.newToken(), place, jobs: [], own: new Map() };
      this.taken.set(key, taken);
    }
    taken.jobs.push([after.id, entry, lane ?? 0]);
    return taken.own;
  }

  #laneOf({ before, lane }: Moved): number | null {
    if (lane !== null) return lane.number;
    const home = before?.home;
    return home === undefined || home.in === 'aside' ? null : home.lane;
  }

  #moveSlots(before: JobRecord | undefined, after: JobRecord | undefined, freed: string[]): void {
    const [had, has] = [before?.quotas ?? [], after?.quotas ?? []];
    if (had === has) return;
    for (const id of had) if (!has.includes(id)) freed.push(id);
    for (const id of has) {
      if (!had.includes(id)) this.#entered.set(id, (this.#entered.get(id) ?? 0) + 1);
    }
  }

  /** A waiting job that leaves its place untaken may have been offered for room of its keys, which is there for the next one. */
  #passOn({ before, lane }: Moved, changes: Fields[]): void {
    if (before?.home.in !== 'ready' || before.home.line > 2 || before.record.keys === null) return;
    if (lane !== null && lane.number === before.home.lane) return;
    const { queue } = before.record.parent as { readonly queue: string };
    for (const key of before.record.keys) {
      const id = limitId(queue, key);
      if (!changes.some((change) => change.is === 'passed' && change.id === id))
        changes.push({ is: 'passed', id });
    }
  }

  /** When time makes room under a limit, as far as it is known. */
  #opensAt(limit: LimitRecord): number {
    const quota = this.#parts.set.tables.get('quota', quotaOfLimit(limit.id));
    return opening(quota?.rate ?? null, limit);
  }

  #writeSetting(kind: Kind, id: string, changes: Fields[]): void {
    const before = this.#parts.set.setting(kind, id);
    const after = this.#parts.set.tables.get(kind, id);
    this.beliefs.ofSetting(kind, id, after !== undefined);
    if (after === undefined) {
      if (before !== undefined) changes.push({ is: kind, id });
      return;
    }
    const { id: _id, rev, lastSeq, ...body } = numberedRecord(after, this.#numberOf);
    const opens = kind === 'limit' ? { opens: this.#opensAt(after as LimitRecord) } : {};
    // The row of a unique name is made when that is obtained.
    const isNew = before === undefined && kind !== 'unique';
    changes.push({ is: kind, id, rev, seq: lastSeq, isNew, body, ...opens });
  }
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
    const key = after.position;
    return home.lane === lane && key < provisional;
  }
  if (home.in === 'due') return home.lane === lane && home.at === after.beginAfter;
  return true;
}
