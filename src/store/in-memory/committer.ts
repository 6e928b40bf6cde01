import { SignalboxError } from '../../errors.ts';
import { versionFor } from '../../model/jobs/machine-version.ts';
import type { Line } from '../entry.ts';
import type { Log } from '../log.ts';
import { applyChanges, undoChanges } from '../rules/changes/apply-changes.ts';
import type { Tables } from '../rules/tables.ts';
import type { Change, StorePorts, Ticket } from '../store.ts';
import { Batch } from './batch.ts';

/** What a committer works with. */
export interface CommitterDeps {
  readonly epoch: number;
  readonly tables: Tables;
  readonly log: Log;
  /** Seq of the newest entry in `tables`. Everything up to it is synced. */
  readonly seq: number;
  /** Version of the machines, written with every line. */
  readonly machineVersion: string;
  readonly ports: StorePorts;
}

/** While every tick commits something, a sync begins so long after the one before it. */
const syncEveryMs = 4;

/**
 * Takes changes from memory to the disk. They are applied at once, in the order of calls, so the next call of
 * the same tick builds on them. They become *written* together with everything else of the tick, and *synced*
 * with everything written before a sync began. No caller learns of a commit before it is written, so one
 * whose write fails is undone without a trace.
 */
export class Committer {
  /** Called after each sync, when all listeners have received its lines. */
  afterSync: () => void = () => {};
  readonly #deps: CommitterDeps;
  readonly #tables: Tables;
  readonly #log: Log;
  readonly #listeners = new Set<(lines: readonly Line[]) => void>();
  readonly #failureListeners: ((error: Error) => void)[] = [];
  readonly #authors = new Map<string, string>();
  #nextSeq: number;
  #writtenSeq: number;
  #syncedSeq: number;
  #batch = new Batch();
  #scheduled = false;
  #unsynced: Batch[] = [];
  #lastWritten = this.#batch;
  #syncing = false;
  /** When the last sync began. */
  #syncBeganAt = 0;
  /** Every tick since the last sync ended has committed something. */
  #isFollowing = false;
  #failure: Error | null = null;
  #fullUntil = 0;
  #closing: Promise<void> | null = null;

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
    this.#tables = deps.tables;
    this.#log = deps.log;
    this.#nextSeq = deps.seq + 1;
    this.#writtenSeq = deps.seq;
    this.#syncedSeq = deps.seq;
    this.#log.onWritable = () => this.#schedule();
  }

  /** Seq of the newest entry that is on disk. */
  get syncedSeq(): number {
    return this.#syncedSeq;
  }

  /** Until when calls that can wait do not try a full disk again. */
  get fullUntil(): number {
    return this.#fullUntil;
  }

  get isClosed(): boolean {
    return this.#closing !== null;
  }

  /** Whether it accepts commits: it has neither failed nor been closed. */
  get isOpen(): boolean {
    return this.#failure === null && this.#closing === null;
  }

  /**
   * Refuses a call when nothing can be written.
   * @throws what the store failed with, SignalboxError `STORE_CLOSED`.
   */
  mustWrite(): void {
    if (this.#failure !== null) throw this.#failure;
    // A new commit, while the last ones are synced, would be neither written nor refused.
    if (this.#closing !== null) throw new SignalboxError('STORE_CLOSED', { call: 'a call' });
  }

  /**
   * Applies changes and adds them to the commits of this tick.
   * @throws ConflictError when a record is not in the state that a change leaves, and what the log refuses.
   */
  stage(by: string, changes: readonly Change[]): Ticket {
    const { machineVersion, ports } = this.#deps;
    const s = this.#nextSeq;
    const { entries, before } = applyChanges(this.#tables, changes, s);
    const line: Line = {
      s,
      at: ports.now(),
      by: this.#authorOf(by),
      mv: versionFor(entries, machineVersion),
      entries,
    };
    try {
      this.#log.append(line);
    } catch (error) {
      // The log refuses a value that is no JSON, and everything once it has failed by itself: nothing may be
      // left applied.
      undoChanges(this.#tables, { entries, before });
      if (error instanceof SignalboxError && /^STORE_(IO|FENCED)$/.test(error.code)) this.#fail(error);
      throw error;
    }
    this.#nextSeq = s + changes.length;
    this.#batch.add({ line, before });
    this.#schedule();
    return this.#batch;
  }

  /** Keeps one text for all lines of an author: otherwise each line would build its own. */
  #authorOf(by: string): string {
    let author = this.#authors.get(by);
    if (author === undefined) {
      author = `${by}#${this.#deps.epoch}`;
      this.#authors.set(by, author);
    }
    return author;
  }

  /** Writes a commit that is alone in its tick at once: it is a claim, whose jobs wait for it. */
  writeAlone(): void {
    if (this.#batch.staged.length === 1) queueMicrotask(() => this.#flush());
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#deps.ports.defer(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Writes everything staged in the tick, in one synchronous call. */
  #flush(): void {
    if (this.#batch.isEmpty || this.#failure !== null) return;
    try {
      if (!this.#log.write()) {
        this.#startSync();
        return;
      }
    } catch (error) {
      this.#undo(error as Error);
      // What earlier ticks have written stays.
      this.#startSync();
      return;
    }
    this.#fullUntil = 0;
    const batch = this.#batch;
    this.#batch = new Batch();
    this.#writtenSeq = this.#nextSeq - 1;
    batch.lastSeq = this.#writtenSeq;
    this.#unsynced.push(batch);
    this.#lastWritten = batch;
    batch.resolveWritten();
    if (this.#log.wantsCheckpoint()) {
      this.#log
        .checkpoint(this.#tables.state(this.#writtenSeq))
        .catch((error: Error) => this.#deps.ports.report(error.message));
    }
    if (this.#isFollowing) this.#syncSoon();
    else this.#startSync();
  }

  /**
   * Begins the next sync when a tick passes without a commit, or some milliseconds after the last one began. So
   * commits that follow a sync, as a claim follows its put and an outcome its claim, share the next one; a
   * commit that comes alone is synced at once.
   */
  #syncSoon(): void {
    // A clock that was set back makes no commit wait.
    if (Math.abs(this.#deps.ports.now() - this.#syncBeganAt) >= syncEveryMs) this.#startSync();
    else {
      this.#deps.ports.defer(() => {
        if (!this.#batch.isEmpty || this.#syncing) return;
        this.#isFollowing = false;
        this.#startSync();
      });
    }
  }

  #startSync(): void {
    if (this.#syncing || this.#unsynced.length === 0 || this.#failure !== null) return;
    this.#syncing = true;
    this.#syncBeganAt = this.#deps.ports.now();
    const covered = this.#unsynced;
    this.#unsynced = [];
    this.#log.sync().then(
      () => {
        this.#syncing = false;
        this.#syncedSeq = covered.at(-1)?.lastSeq ?? this.#syncedSeq;
        for (const batch of covered) batch.resolveSynced();
        const lines = covered.flatMap((batch) => batch.lines);
        for (const listener of this.#listeners) this.#notify(listener, lines);
        this.afterSync();
        this.#isFollowing = true;
        this.#syncSoon();
      },
      (error: Error) => {
        for (const batch of covered) batch.reject(error);
        this.#fail(error);
      },
    );
  }

  /** Calls a listener. One that throws must not stop the others, or the next sync. */
  #notify(listener: (lines: readonly Line[]) => void, lines: readonly Line[]): void {
    try {
      listener(lines);
    } catch (error) {
      this.#deps.ports.report(`a listener of the journal failed: ${String(error)}`);
    }
  }

  /** Undoes a batch whose write failed: restores the records in reverse order, and rejects the tickets. */
  #undo(error: Error): void {
    const batch = this.#batch;
    this.#batch = new Batch();
    for (const { line, before } of batch.staged.toReversed())
      undoChanges(this.#tables, { entries: line.entries, before });
    this.#nextSeq = this.#writtenSeq + 1;
    batch.reject(error);
    if (error instanceof SignalboxError && error.code === 'STORE_FULL')
      this.#fullUntil = this.#deps.ports.now() + 1000;
    else this.#fail(error);
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const batch of [...this.#unsynced, this.#batch]) batch.reject(error);
    for (const listener of this.#failureListeners) listener(error);
  }

  /** Calls the listener with lines as they become synced. */
  follow(listener: (lines: readonly Line[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onFailure(listener: (error: Error) => void): void {
    this.#failureListeners.push(listener);
  }

  /** Resolves when everything staged so far is synced. */
  settled(): Promise<void> {
    const failure = this.#failure;
    // Rejects only when the files are released: a reactor whose time is moved by hand waits for that, too.
    if (failure !== null) {
      const closed = this.#closing?.catch(() => {}) ?? Promise.resolve();
      return closed.then(() => Promise.reject(failure));
    }
    if (this.#nextSeq - 1 <= this.#syncedSeq) return Promise.resolve();
    return (this.#batch.isEmpty ? this.#lastWritten : this.#batch).synced;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Callers know already what a full disk has refused: it does not reject the close.
    const known = this.#failure;
    if (known === null) await this.settled().catch(() => {});
    const failure = this.#failure;
    this.#failure ??= new SignalboxError('STORE_CLOSED', { call: 'a call' });
    await this.#log.close();
    // No caller may be left waiting for the last commits, and the caller of close must not believe that they
    // are on disk.
    if (failure !== known) throw failure;
  }
}
