import { SignalboxError } from '../../errors.ts';
import { newJobRecord, type Transition } from '../../model/jobs/step.ts';
import { recordVersion } from '../../model/records/records.ts';
import type { Kind, Records } from '../../store/entry.ts';
import type { Change, Expectation } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';

/** A change to make, with its effects when a chart stepped it. */
export type Made = Change | Transition;

/**
 * Where changes go: straight to the store, each call its own commit; or together, into a transaction or a job's
 * attempt. Handles of queues and jobs write through one, so the same call means the right thing everywhere.
 */
export interface Unit {
  readonly engine: Engine;
  /** What the handles that come of its changes write through. */
  readonly ofHandles: Unit;
  /** Adds changes. Direct: resolves when they are synced. Gathering: resolves at once. */
  submit(made: readonly Made[], expect: readonly Expectation[]): Promise<void>;
  /** The record as this unit sees it: its own changes included. A gathering unit believes in what it read. */
  get<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined>;
  /** Like `get`, for what a commit need not believe in: settings that may change meanwhile. */
  peek<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined>;
  list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]>;
  /** Whether a job has callbacks, those among them that this unit adds. */
  hasCallbacks(job: string): Promise<boolean>;
  /** Does something once the commit is made. Direct: at once, and awaited. */
  whenCommitted(work: () => Promise<void>): Promise<void>;
  /** Where a commit may come to nothing after the call: keeps how to make a handle the draft that it was. */
  onWithdrawal?(undo: () => void): void;
  /** The commit came to nothing: what was put in it can be put again. */
  withdraw?(): void;
}

/** Each call is its own commit. */
export class DirectUnit implements Unit {
  readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get ofHandles(): Unit {
    return this;
  }

  submit(made: readonly Made[], expect: readonly Expectation[]): Promise<void> {
    return this.engine.commit('client', made, expect).synced;
  }

  whenCommitted(work: () => Promise<void>): Promise<void> {
    return work();
  }

  /** What a program reads is synced: it can be relied on after a power cut. */
  async get<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    const record = await this.engine.store.get(kind, id);
    await this.engine.store.settled();
    return record;
  }

  peek<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.engine.store.get(kind, id);
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    const records = await this.engine.store.list(kind, prefix);
    await this.engine.store.settled();
    return records;
  }

  async hasCallbacks(job: string): Promise<boolean> {
    return (await this.engine.store.callbacks(job)).length > 0;
  }
}

/** What a unit has gathered. */
interface Gathered {
  readonly made: Made[];
  readonly expect: Expectation[];
  /** Records as this unit's own changes leave them, by subject. */
  readonly own: Map<string, Records[Kind] | undefined>;
  /** The rev of each record that was read, by subject. */
  readonly read: Map<string, number>;
  /** What is limited by an expectation already. */
  readonly limited: Set<string>;
  readonly following: (() => Promise<void>)[];
  readonly undone: (() => void)[];
}

const none: readonly never[] = Object.freeze([]);

/** What handles of a transaction of the program write through: each call its own commit, and nobody says whether that was committed. */
class TentativeUnit extends DirectUnit {
  readonly #undone: (() => void)[] = [];

  override get ofHandles(): Unit {
    return this.engine.direct;
  }

  onWithdrawal(undo: () => void): void {
    this.#undone.push(undo);
  }

  withdraw(): void {
    for (const undo of this.#undone.splice(0)) undo();
  }
}

/** Each call goes into a transaction of the program, which ends it. Reads see what is committed, and jobs of the transaction. */
export class ClientUnit extends DirectUnit {
  readonly #client: unknown;
  readonly #handles: TentativeUnit;

  constructor(engine: Engine, client: unknown) {
    super(engine);
    this.#client = client;
    this.#handles = new TentativeUnit(engine);
  }

  /** A handle outlives the transaction, whose connection is somebody else's then. */
  override get ofHandles(): Unit {
    return this.#handles;
  }

  override async get<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return (await this.#jobWithin(kind, id)) ?? super.get(kind, id);
  }

  override async peek<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return (await this.#jobWithin(kind, id)) ?? super.peek(kind, id);
  }

  /** A job may have been put in the same transaction. */
  async #jobWithin<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return kind === 'job' ? this.engine.store.get(kind, id, this.#client) : undefined;
  }

  override submit(made: readonly Made[], expect: readonly Expectation[]): Promise<void> {
    return this.engine.commit('client', made, expect, this.#client).synced;
  }
}

/** Gathers changes for one commit. Reads see the state as it is, with the unit's own changes over it. */
export class GatheringUnit implements Unit {
  readonly engine: Engine;
  readonly #call: string;
  /** Null until something is read or added: most jobs do neither, and each of their attempts has a unit. */
  #gathered: Gathered | null = null;
  #ended = false;
  /** Set once the commit is made: handles that were made here go on as direct ones. */
  #after: Unit | null = null;

  constructor(engine: Engine, call: string) {
    this.engine = engine;
    this.#call = call;
  }

  get ofHandles(): Unit {
    return this.#after ?? this;
  }

  get made(): readonly Made[] {
    return this.#gathered?.made ?? none;
  }

  get isEmpty(): boolean {
    return this.made.length === 0;
  }

  /** From now on every call is refused. Returns what the commit must believe in. */
  end(): readonly Expectation[] {
    this.#ended = true;
    if (this.#gathered === null) return none;
    const reads: Expectation[] = [];
    for (const [subject, rev] of this.#gathered.read) {
      const at = subject.indexOf('/');
      reads.push({ what: 'rev', kind: subject.slice(0, at) as Kind, id: subject.slice(at + 1), rev });
    }
    return [...this.#gathered.expect, ...reads];
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** Its commit was refused, and it may still become part of another. */
  reopen(): void {
    this.#ended = false;
  }

  /** The commit is made: from now on calls go straight to the store. */
  adopt(): void {
    this.#after = this.engine.direct;
    this.#gathered?.undone.splice(0);
    for (const work of this.#gathered?.following.splice(0) ?? none) {
      // Nobody waits for it here: what it leaves undone is stored, and found when the store is opened.
      work().catch((error: unknown) => {
        this.engine.log.events('ERROR', () => `what was to follow a commit failed: ${String(error)}`);
      });
    }
  }

  onWithdrawal(undo: () => void): void {
    if (this.#after === null) this.#gather().undone.push(undo);
  }

  withdraw(): void {
    for (const undo of this.#gathered?.undone.splice(0) ?? none) undo();
  }

  async whenCommitted(work: () => Promise<void>): Promise<void> {
    if (this.#after !== null) return this.#after.whenCommitted(work);
    this.mustRun();
    this.#gather().following.push(work);
  }

  async submit(made: readonly Made[], expect: readonly Expectation[]): Promise<void> {
    if (this.#after !== null) return this.#after.submit(made, expect);
    this.mustRun();
    const { own, read, limited, made: all, expect: expected } = this.#gather();
    // Only what this call adds is listed: a unit of many calls must not copy all it knows for each.
    const added = new Set<string>();
    for (const change of made) {
      const subject = `${change.kind}/${change.id}`;
      if (!own.has(subject)) added.add(subject);
      const before = own.get(subject) ?? (await this.engine.store.get(change.kind, change.id));
      const gone = 'gone' in change && change.gone === true;
      own.set(subject, gone ? undefined : overlaid(change, before));
      all.push(change);
    }
    // What this unit itself has made so far is no surprise to it.
    for (const expectation of expect) {
      if (expectation.what === 'atMost') {
        const key = `${expectation.of} ${expectation.id}`;
        if (!limited.has(key)) expected.push(expectation);
        limited.add(key);
        continue;
      }
      const subject =
        expectation.what === 'rev' ? `${expectation.kind}/${expectation.id}` : `job/${expectation.id}`;
      // A callback that somebody else adds leaves the rev of a job as it is; to one that is not stored yet nobody adds any.
      const isKnown =
        expectation.what === 'noUnstartedCallback'
          ? own.get(subject)?.rev === 0
          : own.has(subject) && !added.has(subject);
      if (!(expectation.what === 'rev' && read.has(subject)) && !isKnown) expected.push(expectation);
    }
  }

  async get<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    if (this.#after !== null) return this.#after.get(kind, id);
    this.mustRun();
    const subject = `${kind}/${id}`;
    const { own, read } = this.#gather();
    if (own.has(subject)) return own.get(subject) as Records[K] | undefined;
    const record = await this.engine.store.get(kind, id);
    if (!read.has(subject)) read.set(subject, record?.rev ?? 0);
    return record;
  }

  async peek<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    if (this.#after !== null) return this.#after.peek(kind, id);
    this.mustRun();
    const subject = `${kind}/${id}`;
    const own = this.#gathered?.own;
    if (own?.has(subject)) return own.get(subject) as Records[K] | undefined;
    return this.engine.store.get(kind, id);
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    if (this.#after !== null) return this.#after.list(kind, prefix);
    this.mustRun();
    const records = new Map(
      (await this.engine.store.list(kind, prefix)).map((record) => [record.id, record]),
    );
    for (const [subject, record] of this.#gathered?.own ?? none) {
      if (!subject.startsWith(`${kind}/${prefix}`)) continue;
      const id = subject.slice(kind.length + 1);
      if (record === undefined) records.delete(id);
      else records.set(id, record as Records[K]);
    }
    return [...records.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  async hasCallbacks(job: string): Promise<boolean> {
    for (const record of this.#gathered?.own.values() ?? none) {
      const parent = record !== undefined && 'parent' in record ? record.parent : null;
      if (parent !== null && 'job' in parent && parent.job === job) return true;
    }
    return this.engine.direct.hasCallbacks(job);
  }

  #gather(): Gathered {
    this.#gathered ??= {
      made: [],
      expect: [],
      own: new Map(),
      read: new Map(),
      limited: new Set(),
      following: [],
      undone: [],
    };
    return this.#gathered;
  }

  /** @throws SignalboxError `TRANSACTION_ENDED`. */
  mustRun(): void {
    if (this.#ended) throw new SignalboxError('TRANSACTION_ENDED', { call: this.#call });
  }
}

/** A record with one change made. A job that the store has not seen begins with everything that a job has. */
function overlaid(change: Made, before: Records[Kind] | undefined): Records[Kind] {
  const state = change.to === null ? {} : { state: change.to };
  const blank =
    change.kind === 'job'
      ? newJobRecord(change.id, { name: '' })
      : { id: change.id, v: recordVersion, rev: 0, lastSeq: 0 };
  return { ...blank, ...before, ...change.patch, ...state } as unknown as Records[Kind];
}
