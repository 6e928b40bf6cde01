import { versionFor } from '../../../model/jobs/machine-version.ts';
import type { ActorRecord, JobRecord, MessageRecord } from '../../../model/records/records.ts';
import type { Kind, Line, Records } from '../../entry.ts';
import { applyChanges } from '../../rules/changes/apply-changes.ts';
import type { Change, Precondition } from '../../store.ts';
import type { Lanes } from '../jobs/lanes.ts';
import type { OwnLeases } from '../jobs/leases.ts';
import type { StoredJob } from '../jobs/stored-job.ts';
import type { News } from '../journal/notifying.ts';
import { listed, mostPatches, provisional, type Touched } from './documents.ts';
import { Entries, seqIn } from './entries.ts';
import { type Moved, movedJob, queuesIn, stopsIn } from './moved.ts';
import type { Subjects } from './subjects.ts';
import type { WorkingSet } from './working-set.ts';
import { Writing, type Written } from './writing.ts';

/** What a draft is made with. */
export interface DraftParts {
  readonly lanes: Lanes;
  /** The instant by which it is judged what is due. */
  readonly now: number;
  newToken(): number;
}

/** Changes that were judged, on their way to one commit. */
export class Draft {
  readonly #set: WorkingSet;
  #writing: Writing | null = null;
  #written: Written | null = null;
  readonly #parts: DraftParts;
  readonly #subjects: Subjects;
  readonly #entries = new Entries();
  readonly #changed = new Map<string, Touched>();
  #moved: Moved[] | null = null;
  /** Kinds of what it changes. */
  readonly #kinds = new Set<Kind>();
  readonly #expected: Precondition[] = [];

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
    return this.#writing !== null && this.#writing.beliefs.leases.size + this.#writing.taken.size > 0;
  }

  /** What a line of the journal says of the charts that stepped. `given`: those of jobs and representations. */
  version(given: string): string {
    return versionFor(
      [...this.#kinds].map((kind) => ({ kind })),
      given,
    );
  }

  /** Takes note of beliefs that held, and makes changes, all or none. @throws ConflictError, SignalboxError `JOB_QUARANTINED`. */
  add(changes: readonly Change[], expect: readonly Precondition[]): void {
    const { entries } = applyChanges(this.#set.tables, changes, provisional + this.#entries.count);
    for (const [index, change] of changes.entries()) this.#touchedBy(change, entries[index]?.q ?? 0);
    this.#expected.push(...expect);
  }

  #touchedBy(change: Change, lastSeq: number): void {
    const { kind, id, patch } = change;
    this.#kinds.add(kind);
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
        if (kind === 'job') this.#moved.push(movedJob(id, this.#set.job(id), this.#set.tables, this.#parts));
    }
    return this.#moved;
  }

  /** The number of a newest entry, given the number of the commit. */
  seqOf(c: number, { lastSeq }: JobRecord): number {
    return lastSeq >= provisional ? seqIn(c, this.#numberOf(lastSeq)) : lastSeq;
  }

  /** The parameters of the statement, also of one that is sent again. Every lane must have its number by then. */
  written(): Written {
    if (this.#written !== null) return this.#written;
    this.#entries.close();
    this.#writing = new Writing({
      ...this.#parts,
      set: this.#set,
      subjects: this.#subjects,
      changed: this.#changed,
      moved: this.moved(),
      expected: this.#expected,
      entries: this.#entries,
    });
    this.#written = this.#writing.write();
    return this.#written;
  }

  #numberOf(seq: number): number {
    return this.#entries.numberOf(seq - provisional);
  }

  /** A job as it is once the commit has its number. */
  committed(id: string, c: number): JobRecord | undefined {
    const job = this.#set.tables.findJob(id);
    if (job === undefined || job.lastSeq < provisional) return job;
    const real = (seq: number): number => (seq >= provisional ? seqIn(c, this.#numberOf(seq)) : seq);
    return {
      ...job,
      lastSeq: real(job.lastSeq),
      createdSeq: real(job.createdSeq),
      position: real(job.position),
    };
  }

  /** Takes note of the leases of this opening and their jobs, as the commit has left them. */
  keepIn(own: OwnLeases, c: number): void {
    for (const { lease, ids, seqs, lanes } of this.#writing?.beliefs.leases.values() ?? []) {
      const { token, rev } = lease;
      if (own.lease(token) !== undefined)
        own.keep(token, ids.length === 0 ? null : { token, rev: rev + 1, ids, seqs, lanes });
    }
    const tokens = new Map<string, number>();
    const since = new Map<string, string>();
    for (const { token, jobs, own: patches } of this.#writing?.taken.values() ?? []) {
      own.keep(token, {
        token,
        rev: 0,
        ids: jobs.map(([id]) => id),
        seqs: jobs.map(([, entry]) => seqIn(c, entry)),
        lanes: jobs.map(([, , lane]) => lane),
      });
      for (const [id] of jobs) tokens.set(id, token);
      for (const [id, patch] of patches) since.set(id, patch);
    }
    for (const { id, before, after, place } of this.moved()) {
      const token = tokens.get(id) ?? (before?.home.in === 'lease' ? before.home.token : null);
      const isHeld = place === 'lease';
      if (before?.isParent === false && !this.#subjects.given.has(id) && after?.state === 'completed')
        own.endAlone(id);
      const record = token === null || !isHeld ? undefined : this.committed(id, c);
      if (token === null || record === undefined || own.lease(token) === undefined) own.keepJob(id, null);
      else {
        const patch = since.get(id);
        const lane = before !== undefined && 'lane' in before.home ? (before.home.lane ?? 0) : 0;
        const home = { in: 'lease', token, lane } as const;
        own.keepJob(
          id,
          before !== undefined && patch !== undefined
            ? { ...before, record, since: patch, home }
            : { ...this.#rewritten(id, before), record, home },
        );
      }
    }
    for (const id of this.#subjects.given) {
      own.hasEndedAlone(id);
      if (!this.#changed.has(`job/${id}`)) own.keepJob(id, null);
    }
  }

  /** What is known of a job whose row was written. */
  #rewritten(
    id: string,
    before: StoredJob | undefined,
  ): Pick<StoredJob, 'since' | 'rev' | 'patches' | 'isParent'> {
    const isWhole = before === undefined || before.patches >= mostPatches;
    return {
      since: '',
      rev: (before?.rev ?? 0) + 1,
      patches: isWhole ? 1 : before.patches + (this.#changed.get(`job/${id}`)?.count ?? 0) + 2,
      isParent: before?.isParent === true || this.#subjects.given.has(id),
    };
  }

  /** What other processes may want to know. */
  news(): News {
    const queues = queuesIn(this.moved());
    const machines = new Set<string>();
    for (const { kind, id } of this.#changed.values())
      if (kind === 'actor' || kind === 'message') {
        const machine = machineOf(this.#set.tables.get(kind, id), this.#set.setting(kind, id));
        if (machine !== null) machines.add(machine);
      } else if (kind === 'queue') queues.add(id);
      else if (kind === 'quota' || kind === 'agent' || kind === 'schedule')
        queues.add(id.slice(0, id.indexOf('/')));
    return { queues, stops: stopsIn(this.moved()), machines };
  }

  /** The lines of the journal, once the commit has its number. */
  lines(c: number, head: Omit<Line, 's' | 'entries'>): Line[] {
    return this.#entries.lines(c, head);
  }
}

/** The machine of an actor that was started, or of one that was sent a message; null: it says nothing to others. */
function machineOf(
  after: ActorRecord | MessageRecord | undefined,
  before: Records[Kind] | undefined,
): string | null {
  if (after === undefined) return null;
  const isNews = 'status' in after ? before === undefined : after.state === 'waiting';
  return isNews ? after.machine : null;
}
