import { SignalboxError } from '../../../errors.ts';
import type { Line } from '../../entry.ts';
import type { Log, Revive, State, StoreFiles } from '../../log.ts';
import type { History } from '../journal/history.ts';
import {
  createJournal,
  LeftoverJournalError,
  type PreparedHeader,
  prepareHeader,
} from '../journal/journal-file.ts';
import type { JournalWriter } from '../journal/journal-writer.ts';
import { errnoOf, explained, ioFailure } from '../ports/failures.ts';
import { nodeFilePort } from '../ports/file-port.ts';
import type { HeldLock } from '../ports/lock.ts';
import { type Backup, backUp } from '../recovery/backup.ts';
import { type BaseFile, listBases, readBase } from '../snapshot/bases.ts';
import { type CleanMark, writeCleanMark } from '../snapshot/clean-marker.ts';
import { dropOldGenerations, type HistoryLimits, recoveryFloor } from '../snapshot/generations.ts';
import type { SnapshotContainer, SnapshotPorts } from '../snapshot/snapshot.ts';

/** The parts of an open log. */
export interface LogDeps extends SnapshotPorts {
  readonly store: string;
  readonly writer: JournalWriter;
  readonly history: History;
  readonly snapshots: SnapshotContainer;
  readonly lock: HeldLock;
  readonly limits: HistoryLimits;
  readonly checkpointMinBytes: number;
  readonly now: () => number;
  readonly report: (message: string) => void;
}

/** The sizes of the store on disk when the log began. */
export interface LogStart {
  /** Size of `snapshot.json`. */
  readonly snapshotBytes: number;
  /** Bytes of the journals between that snapshot and the newest journal. */
  readonly journalBytes: number;
}

/** Factor of the last snapshot's size that must be free to begin another. */
const roomFactor = 1.2;

/** The log of an open json store. */
export class JsonLog implements Log {
  onWritable: () => void = () => {};
  readonly files: (() => StoreFiles) | null;
  readonly #parts: LogDeps;
  #snapshotBytes: number;
  #closedBytes: number;
  /** After a failed checkpoint: the size of the journals at which the next one is tried. */
  #retryAtBytes = 0;
  #checkpointing: Promise<void> | null = null;
  readonly #backups = new Set<Promise<Backup>>();
  #closing: Promise<void> | null = null;

  constructor(parts: LogDeps, start: LogStart) {
    this.#parts = parts;
    // Another thread reads the disk, and nothing else.
    this.files = parts.files === nodeFilePort ? () => this.#syncedFiles() : null;
    this.#snapshotBytes = start.snapshotBytes;
    this.#closedBytes = start.journalBytes;
  }

  append(line: Line): void {
    this.#refuseWhenClosed('append');
    this.#parts.writer.append(line);
  }

  write(): boolean {
    this.#refuseWhenClosed('write');
    return this.#parts.writer.write();
  }

  async sync(): Promise<void> {
    this.#refuseWhenClosed('sync');
    return this.#parts.writer.sync();
  }

  wantsCheckpoint(): boolean {
    if (this.#checkpointing !== null || this.#closing !== null || this.#parts.writer.failure !== null)
      return false;
    const bytes = this.#journalBytes();
    return (
      bytes > Math.max(this.#parts.checkpointMinBytes, this.#snapshotBytes) && bytes >= this.#retryAtBytes
    );
  }

  /** Makes a checkpoint. One runs at a time: a call during it gets the same result. */
  checkpoint(state: State): Promise<void> {
    if (this.#checkpointing !== null) return this.#checkpointing;
    const refusal = this.#whyNoCheckpoint(state);
    if (refusal !== null) return Promise.reject(refusal);
    if (!this.#hasRoom()) return Promise.resolve();
    const { writer, store, now } = this.#parts;
    const header = prepareHeader(store, writer.generation + 1, state.seq, writer.written.crc, now());
    // In the same tick as the write: every later line belongs to the next generation.
    writer.hold(header);
    this.#checkpointing = this.#beginGeneration(header)
      .then(() => this.#replaceSnapshot(state))
      .catch((error: unknown) => {
        this.#retryAtBytes = this.#journalBytes() + this.#parts.checkpointMinBytes;
        throw error;
      })
      .finally(() => {
        this.#checkpointing = null;
      });
    return this.#checkpointing;
  }

  async find(seq: number): Promise<Line | null> {
    this.#refuseWhenClosed('find');
    return this.#parts.history.find(seq);
  }

  read(seq: number): AsyncIterable<Line> {
    this.#refuseWhenClosed('read');
    return this.#parts.history.read(seq);
  }

  async seqAt(instant: number): Promise<number> {
    this.#refuseWhenClosed('seqAt');
    return this.#parts.history.seqAt(instant);
  }

  bases(): readonly number[] {
    return this.#bases().map(({ seq }) => seq);
  }

  async base(seq: number, revive: Revive): Promise<State> {
    const base = this.#bases().find((each) => each.seq === seq);
    if (base === undefined) throw new SignalboxError('HISTORY_CUT', { seq });
    return readBase(this.#parts, base, revive);
  }

  #bases(): readonly BaseFile[] {
    this.#refuseWhenClosed('a look at the past');
    const { files, dir, history } = this.#parts;
    return listBases(files, dir, history.generations);
  }

  oldestSeq(): number {
    return (this.#parts.history.generations[0]?.base ?? 0) + 1;
  }

  /**
   * Copies everything that is synced by now to a new directory, while work continues.
   * @throws SignalboxError `INVALID_OPTION`, `STORE_CLOSED`, `STORE_FULL`, `STORE_PERMISSION`, `STORE_IO`
   */
  async backup(dir: string): Promise<Backup> {
    this.#refuseWhenClosed('backup');
    const { writer, history, report } = this.#parts;
    if (writer.failure !== null) throw writer.failure;
    const generations = history.generations.map(({ number }) => number);
    const backup = backUp(this.#parts, { generations, end: this.#syncedEnd(), report }, dir);
    this.#backups.add(backup);
    return backup.finally(() => this.#backups.delete(backup));
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  #journalBytes(): number {
    return this.#closedBytes + this.#parts.writer.written.at;
  }

  #refuseWhenClosed(call: string): void {
    if (this.#closing !== null) throw new SignalboxError('STORE_CLOSED', { call });
  }

  #whyNoCheckpoint(state: State): SignalboxError | null {
    const { writer } = this.#parts;
    if (this.#closing !== null) return new SignalboxError('STORE_CLOSED', { call: 'checkpoint' });
    if (writer.failure !== null) return writer.failure;
    if (writer.isDrained && state.seq === writer.written.seq) return null;
    const actual = `${state.seq}${writer.isDrained ? '' : ' while lines wait to be written'}`;
    const expected = `the written seq ${writer.written.seq}`;
    return new SignalboxError('INVALID_OPTION', { option: 'state.seq', expected, actual });
  }

  #hasRoom(): boolean {
    const { dir, report } = this.#parts;
    const needed = Math.ceil(this.#snapshotBytes * roomFactor);
    const free = this.#freeBytes();
    if (free >= needed) return true;
    this.#retryAtBytes = this.#journalBytes() + this.#parts.checkpointMinBytes;
    report(
      `The checkpoint of ${dir} was left out: ${free} bytes are free and ${needed} needed. Commits continue.`,
    );
    return false;
  }

  /**
   * Returns the free bytes; Infinity when they are unknown: then the write of the snapshot fails if there is no
   * room.
   */
  #freeBytes(): number {
    try {
      return this.#parts.files.freeBytes(this.#parts.dir);
    } catch {
      return Number.POSITIVE_INFINITY;
    }
  }

  /** Switches to the next journal. Writes no byte into it before the present one is on disk to its end. */
  async #beginGeneration(header: PreparedHeader): Promise<void> {
    const { writer, files, syncs, dir, history } = this.#parts;
    try {
      await writer.sync();
      const closedBytes = writer.written.at;
      writer.release(await createJournal(files, syncs, dir, header));
      this.#closedBytes += closedBytes;
      const { generation: number, base, at: beganAt } = header.header;
      history.generations = [...history.generations, { number, base, beganAt, start: header.bytes.length }];
    } catch (error) {
      this.#stayInGeneration(error);
      throw explained('create', dir, error);
    } finally {
      // Also after a failure: the repeated write continues in the old journal, or throws the error that ended the log.
      this.onWritable();
    }
  }

  #stayInGeneration(error: unknown): void {
    const { writer, dir } = this.#parts;
    if (writer.failure !== null) return;
    if (errnoOf(error) === 'EEXIST') {
      const evidence = 'a next journal that another process began';
      throw writer.fail(new SignalboxError('STORE_FENCED', { path: dir, evidence }, { cause: error }));
    }
    if (error instanceof LeftoverJournalError) throw writer.fail(ioFailure('unlink', dir, error, 'unknown'));
    writer.release(null);
  }

  async #replaceSnapshot(state: State): Promise<void> {
    const { store, writer, snapshots, dir } = this.#parts;
    const generation = writer.generation;
    const sinceSnapshot = this.#closedBytes;
    try {
      this.#snapshotBytes = await snapshots.write(
        { store, generation, state },
        { keepPrevious: true, before: null },
      );
    } catch (error) {
      throw explained('write the snapshot', dir, error);
    }
    this.#closedBytes -= sinceSnapshot;
    this.#retryAtBytes = 0;
    this.dropOldHistory();
  }

  /** Drops whole generations beyond the limits. Keeps those that recovery or a reader needs. */
  dropOldHistory(): void {
    const { files, dir, history, limits, now } = this.#parts;
    const keepFrom = Math.min(recoveryFloor(files, dir), history.oldestInUse());
    history.generations = dropOldGenerations(files, dir, history.generations, keepFrom, limits, now());
  }

  async #end(): Promise<void> {
    const { writer, lock, syncs } = this.#parts;
    await this.#checkpointing?.catch(() => {});
    await Promise.allSettled(this.#backups);
    try {
      // A failed log has reported its failure; the next opening recovers.
      if (writer.failure === null) await this.#endClean();
    } finally {
      await writer.end();
      syncs.close();
      lock.release();
    }
  }

  async #endClean(): Promise<void> {
    const { writer, report } = this.#parts;
    writer.write();
    await writer.sync();
    try {
      await writeCleanMark(this.#parts, this.#syncedEnd());
    } catch (error) {
      // Everything is on disk: a missing marker only makes the next opening slower.
      report(`The clean marker could not be written (${errnoOf(error)}). Nothing is lost.`);
    }
  }

  #syncedFiles(): StoreFiles {
    const { dir, history } = this.#parts;
    const { generation, at, seq } = history.synced();
    return { dir, generation, at, seq };
  }

  #syncedEnd(): CleanMark {
    const { writer, store } = this.#parts;
    const { at, seq, crc } = writer.synced;
    return { store, generation: writer.generation, bytes: at, seq, crc };
  }
}
