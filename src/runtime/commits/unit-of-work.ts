import type { Kind, Records } from '../../store/entry.ts';
import type { Precondition } from '../../store/store.ts';
import type { Committer, StagedChange } from './committer.ts';
import type { RuntimeContext } from './runtime-context.ts';

/**
 * Where changes go: to the store, each call its own commit; or into a buffer that is committed as a whole, for a
 * transaction or an attempt of a job. Queues and jobs write through one, so one call is right everywhere.
 */
export interface UnitOfWork {
  readonly context: RuntimeContext;
  readonly committer: Committer;
  /** What jobs, queues and other handles that outlive this unit write through. */
  readonly handles: UnitOfWork;
  /** Whether its changes become part of a larger commit: what follows from them at once is in that commit, too. */
  readonly isPartial: boolean;
  /** Adds changes. Resolves when they are synced; when they are buffered, at once. */
  submit(changes: readonly StagedChange[], expect: readonly Precondition[]): Promise<void>;
  /** A record as this unit sees it, without a precondition: for settings that may change until the commit. */
  read<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined>;
  /** Like `read`, and a buffered commit is refused when the record has changed by then. */
  readChecked<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined>;
  list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]>;
  /** Whether a job has callbacks, including those that this unit adds. */
  hasCallbacks(job: string): Promise<boolean>;
  /** Does something once the commit is made: at once and awaited, or later and not awaited when it is buffered. */
  whenCommitted(work: () => Promise<void>): Promise<void>;
  /** Present where the commit may still be rolled back: remembers how to make a handle the draft that it was. */
  onRollback?(undo: () => void): void;
  /** Makes the drafts that were put through it drafts again. */
  rollBack?(): void;
}

/** Each call is its own commit. */
export class AutocommitUnit implements UnitOfWork {
  readonly context: RuntimeContext;
  readonly committer: Committer;

  constructor(committer: Committer) {
    this.context = committer.context;
    this.committer = committer;
  }

  get handles(): UnitOfWork {
    return this;
  }

  get isPartial(): boolean {
    return false;
  }

  submit(changes: readonly StagedChange[], expect: readonly Precondition[]): Promise<void> {
    return this.committer.commit('client', changes, expect).synced;
  }

  read<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.context.store.get(kind, id);
  }

  /** A read of a program is synced: it can rely on it after a power cut. */
  async readChecked<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    const record = await this.context.store.get(kind, id);
    await this.context.store.settled();
    return record;
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    const records = await this.context.store.list(kind, prefix);
    await this.context.store.settled();
    return records;
  }

  async hasCallbacks(job: string): Promise<boolean> {
    return (await this.context.store.callbacks(job)).length > 0;
  }

  whenCommitted(work: () => Promise<void>): Promise<void> {
    return work();
  }
}

/**
 * Each call becomes part of an open transaction of the program, on the program's own connection. Reads see what is
 * committed, and the jobs of the transaction.
 */
export class ExternalTransactionUnit extends AutocommitUnit {
  readonly #client: unknown;
  readonly #handles: HandleUnit;

  constructor(direct: UnitOfWork, client: unknown) {
    super(direct.committer);
    this.#client = client;
    this.#handles = new HandleUnit(() => direct, { mayRollBack: true });
  }

  /** A handle outlives the transaction, whose connection is used for something else then. */
  override get handles(): UnitOfWork {
    return this.#handles;
  }

  override get isPartial(): boolean {
    return true;
  }

  override submit(changes: readonly StagedChange[], expect: readonly Precondition[]): Promise<void> {
    return this.committer.commit('client', changes, expect, this.#client).synced;
  }

  override async read<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return (await this.#within(kind, id)) ?? super.read(kind, id);
  }

  override async readChecked<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return (await this.#within(kind, id)) ?? super.readChecked(kind, id);
  }

  /** A job may have been put in the same transaction, and have taken a unique name. */
  async #within<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return kind === 'job' || kind === 'unique' ? this.context.store.get(kind, id, this.#client) : undefined;
  }
}

/**
 * What handles write through that were made in a larger commit: into that commit as long as it is open, and directly once
 * it is made. The store does not report the end of a program's own transaction, so there a rollback stays possible.
 */
export class HandleUnit implements UnitOfWork {
  readonly #target: () => UnitOfWork;
  readonly #undo: (() => void)[] = [];
  #mayRollBack: boolean;

  constructor(target: () => UnitOfWork, { mayRollBack }: { readonly mayRollBack: boolean }) {
    this.#target = target;
    this.#mayRollBack = mayRollBack;
  }

  get context(): RuntimeContext {
    return this.#target().context;
  }

  get committer(): Committer {
    return this.#target().committer;
  }

  /** Once its commit is made, what is put through it is a commit of its own, which no rollback of the first concerns. */
  get handles(): UnitOfWork {
    const target = this.#target();
    return target.isPartial ? this : target.handles;
  }

  get isPartial(): boolean {
    return this.#target().isPartial;
  }

  submit(changes: readonly StagedChange[], expect: readonly Precondition[]): Promise<void> {
    return this.#target().submit(changes, expect);
  }

  read<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.#target().read(kind, id);
  }

  readChecked<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.#target().readChecked(kind, id);
  }

  list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    return this.#target().list(kind, prefix);
  }

  hasCallbacks(job: string): Promise<boolean> {
    return this.#target().hasCallbacks(job);
  }

  whenCommitted(work: () => Promise<void>): Promise<void> {
    return this.#target().whenCommitted(work);
  }

  onRollback(undo: () => void): void {
    if (this.#mayRollBack) this.#undo.push(undo);
  }

  rollBack(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  /** The commit is made: it cannot be rolled back any more. */
  committed(): void {
    this.#mayRollBack = false;
    this.#undo.length = 0;
  }
}
