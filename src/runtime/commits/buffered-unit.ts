import { SignalboxError } from '../../errors.ts';
import { newActorRecord } from '../../model/jobs/actors/actor-step.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import { recordVersion } from '../../model/records/records.ts';
import type { Kind, Records } from '../../store/entry.ts';
import type { Precondition } from '../../store/store.ts';
import type { Committer, StagedChange } from './committer.ts';
import { limitKey, neededPreconditions } from './needed-preconditions.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { HandleUnit, type UnitOfWork } from './unit-of-work.ts';

/** The buffer of a unit. A subject is `<kind>/<id>`. */
interface Buffer {
  readonly changes: StagedChange[];
  readonly expect: Precondition[];
  /** Records as this unit's own changes leave them, by subject. */
  readonly own: Map<string, Records[Kind] | undefined>;
  /** The rev of each record that was read, by subject. */
  readonly revs: Map<string, number>;
  /** The key of each `atMost` precondition among `expect`. */
  readonly limited: Set<string>;
  readonly following: (() => Promise<void>)[];
}

const none: readonly never[] = Object.freeze([]);

/** Buffers changes for one commit. Reads see the state as it is, with the unit's own changes over it. */
export class BufferedUnit implements UnitOfWork {
  readonly #direct: UnitOfWork;
  readonly #call: string;
  /** Null until something is read or added: most jobs do neither, and each of their attempts has a unit. */
  #buffer: Buffer | null = null;
  #handles: HandleUnit | null = null;
  #isEnded = false;
  #isCommitted = false;

  /** `call` is what a refusal names once the unit has ended. */
  constructor(direct: UnitOfWork, call: string) {
    this.#direct = direct;
    this.#call = call;
  }

  get context(): RuntimeContext {
    return this.#direct.context;
  }

  get committer(): Committer {
    return this.#direct.committer;
  }

  get handles(): HandleUnit {
    this.#handles ??= new HandleUnit(() => (this.#isCommitted ? this.#direct : this), {
      mayRollBack: !this.#isCommitted,
    });
    return this.#handles;
  }

  get isPartial(): boolean {
    return true;
  }

  get changes(): readonly StagedChange[] {
    return this.#buffer?.changes ?? none;
  }

  get isEmpty(): boolean {
    return this.changes.length === 0;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Refuses every call from now on. Returns the preconditions of the commit. */
  end(): readonly Precondition[] {
    this.#isEnded = true;
    if (this.#buffer === null) return none;
    const reads: Precondition[] = [];
    for (const [subject, rev] of this.#buffer.revs) {
      const at = subject.indexOf('/');
      reads.push({ check: 'rev', kind: subject.slice(0, at) as Kind, id: subject.slice(at + 1), rev });
    }
    return [...this.#buffer.expect, ...reads];
  }

  /** Its commit was refused, and it may become part of another one. */
  reopen(): void {
    this.#isEnded = false;
  }

  /** Its commit is made: handles write directly from now on, and what was to follow is begun. */
  committed(): void {
    this.#isCommitted = true;
    this.#handles?.committed();
    for (const work of this.takeFollowing()) {
      // Nothing waits for it here: what it leaves undone is stored, and found when the store is opened.
      work().catch((error: unknown) => {
        this.context.log.events('ERROR', () => `work that follows a commit failed: ${String(error)}`);
      });
    }
  }

  /** What is to follow its commit, for who carries that out. */
  takeFollowing(): readonly (() => Promise<void>)[] {
    return this.#buffer?.following.splice(0) ?? none;
  }

  /** Its commit is not made: drafts that were put through it are drafts again. */
  rollBack(): void {
    this.#handles?.rollBack();
  }

  async whenCommitted(work: () => Promise<void>): Promise<void> {
    this.mustBeOpen();
    this.#open().following.push(work);
  }

  async submit(changes: readonly StagedChange[], expect: readonly Precondition[]): Promise<void> {
    this.mustBeOpen();
    const buffer = this.#open();
    const { own } = buffer;
    // A read that fails leaves nothing of the call behind: its caller may make it again.
    const stored = new Map<string, Records[Kind] | undefined>();
    for (const { kind, id } of changes) {
      const subject = `${kind}/${id}`;
      if (own.get(subject) === undefined && !stored.has(subject))
        stored.set(subject, await this.context.store.get(kind, id));
    }
    // Only what this call adds is listed: a unit of many calls must not copy all it knows for each.
    const added = new Set<string>();
    for (const change of changes) {
      const subject = `${change.kind}/${change.id}`;
      if (!own.has(subject)) added.add(subject);
      const before = own.get(subject) ?? stored.get(subject);
      const gone = 'gone' in change && change.gone === true;
      own.set(subject, gone ? undefined : overlaid(change, before));
      buffer.changes.push(change);
    }
    for (const precondition of neededPreconditions(buffer, added, expect)) {
      if (precondition.check === 'atMost') buffer.limited.add(limitKey(precondition));
      buffer.expect.push(precondition);
    }
  }

  async readChecked<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    this.mustBeOpen();
    const subject = `${kind}/${id}`;
    const { own, revs } = this.#open();
    if (own.has(subject)) return own.get(subject) as Records[K] | undefined;
    const record = await this.context.store.get(kind, id);
    if (!revs.has(subject)) revs.set(subject, record?.rev ?? 0);
    return record;
  }

  async read<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    this.mustBeOpen();
    const subject = `${kind}/${id}`;
    const own = this.#buffer?.own;
    if (own?.has(subject)) return own.get(subject) as Records[K] | undefined;
    return this.context.store.get(kind, id);
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    this.mustBeOpen();
    const records = new Map(
      (await this.context.store.list(kind, prefix)).map((record) => [record.id, record]),
    );
    for (const [subject, record] of this.#buffer?.own ?? none) {
      if (!subject.startsWith(`${kind}/${prefix}`)) continue;
      const id = subject.slice(kind.length + 1);
      if (record === undefined) records.delete(id);
      else records.set(id, record as Records[K]);
    }
    return [...records.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  async hasCallbacks(job: string): Promise<boolean> {
    for (const record of this.#buffer?.own.values() ?? none) {
      const parent = record !== undefined && 'parent' in record ? record.parent : null;
      if (parent !== null && 'job' in parent && parent.job === job) return true;
    }
    return this.#direct.hasCallbacks(job);
  }

  /** @throws SignalboxError `TRANSACTION_ENDED`. */
  mustBeOpen(): void {
    if (this.#isEnded) throw new SignalboxError('TRANSACTION_ENDED', { call: this.#call });
  }

  #open(): Buffer {
    this.#buffer ??= {
      changes: [],
      expect: [],
      own: new Map(),
      revs: new Map(),
      limited: new Set(),
      following: [],
    };
    return this.#buffer;
  }
}

function blankOf({ kind, id }: StagedChange): object {
  if (kind === 'job') return newJobRecord(id, { name: '' });
  if (kind === 'actor') return newActorRecord(id);
  return { id, v: recordVersion, rev: 0, lastSeq: 0 };
}

/** A record with one change made. A job that the store has not seen begins with everything that a job has. */
function overlaid(change: StagedChange, before: Records[Kind] | undefined): Records[Kind] {
  const state = change.to === null ? {} : { state: change.to };
  return { ...blankOf(change), ...before, ...change.patch, ...state } as unknown as Records[Kind];
}
