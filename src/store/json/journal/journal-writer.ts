import { join } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import type { Line } from '../../entry.ts';
import { journalName } from '../ports/directory.ts';
import { ioFailure, isFull } from '../ports/failures.ts';
import { type FilePort, writeFully } from '../ports/file-port.ts';
import type { SyncPort } from '../ports/sync-port.ts';
import { FrameBuffer } from './frame.ts';
import { type Mark, markBytes } from './history.ts';
import type { NewJournal, PreparedHeader } from './journal-file.ts';
import { writeLine } from './line.ts';

/** A place in the newest journal, at the end of a line. */
export interface Place {
  readonly at: number;
  readonly seq: number;
  /** Checksum of the line that ends here. */
  readonly crc: number;
}

/** What a journal writer needs. */
export interface WriterPorts {
  readonly dir: string;
  readonly files: FilePort;
  readonly syncs: SyncPort;
  /** Told of a place in the journal about every 64 KiB, once it is written. */
  readonly onMark: (generation: number, mark: Mark) => void;
}

/**
 * The end of the newest journal. Lines go through three places: *staged* in a buffer, *written* to the operating
 * system, *synced* to disk. The first failure that leaves one of them in doubt ends the writer for good.
 */
export class JournalWriter {
  readonly #ports: WriterPorts;
  readonly #buffer = new FrameBuffer();
  #fd: number;
  #inode: number;
  #generation: number;
  #staged: { seq: number; crc: number };
  #written: Place;
  #synced: Place;
  /** Lines staged for the next generation; null when no switch is under way. */
  #held: Line[] | null = null;
  #marks: Mark[] = [];
  #markedAt = Number.NEGATIVE_INFINITY;
  #failure: SignalboxError | null = null;
  #syncing: Promise<void> | null = null;
  #following: Promise<void> | null = null;

  constructor(ports: WriterPorts, generation: number, journal: NewJournal, base: number) {
    this.#ports = ports;
    this.#fd = journal.fd;
    this.#inode = journal.inode;
    this.#generation = generation;
    this.#written = { at: journal.bytes, seq: base, crc: journal.crc };
    this.#synced = this.#written;
    this.#staged = { seq: base, crc: journal.crc };
  }

  get generation(): number {
    return this.#generation;
  }

  get written(): Place {
    return this.#written;
  }

  get synced(): Place {
    return this.#synced;
  }

  /** True when nothing waits to be written. */
  get isDrained(): boolean {
    return this.#buffer.size === 0;
  }

  /** What ended the writer, or null. */
  get failure(): SignalboxError | null {
    return this.#failure;
  }

  append(line: Line): number {
    this.#refuseWhenFailed();
    if (line.s !== this.#staged.seq + 1 || line.entries.length === 0) {
      const actual = `${line.s} with ${line.entries.length} entries`;
      throw new SignalboxError('INVALID_OPTION', {
        option: 'line.s',
        expected: String(this.#staged.seq + 1),
        actual,
      });
    }
    const start = this.#buffer.size;
    const crc = this.#buffer.add((json) => writeLine(json, line, this.#synced.seq, this.#staged.crc));
    this.#staged = { seq: line.s + line.entries.length - 1, crc };
    if (this.#held !== null) this.#held.push(line);
    else this.#markMaybe(line.s, this.#written.at + start);
    return this.#buffer.size - start;
  }

  write(): boolean {
    this.#refuseWhenFailed();
    if (this.isDrained) return true;
    if (this.#held !== null) return false;
    const bytes = this.#buffer.bytes();
    try {
      writeFully(this.#ports.files, this.#fd, bytes, this.#written.at);
    } catch (error) {
      throw this.#giveUpBatch(error, bytes.length);
    }
    this.#written = { at: this.#written.at + bytes.length, ...this.#staged };
    this.#buffer.clear();
    for (const mark of this.#marks) this.#ports.onMark(this.#generation, mark);
    this.#marks = [];
    return true;
  }

  /** One sync at a time; callers that come while one runs share the next. */
  sync(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#synced.at === this.#written.at) return Promise.resolve();
    if (this.#syncing === null) return this.#beginSync();
    this.#following ??= this.#syncing.then(() => {
      this.#following = null;
      return this.sync();
    });
    return this.#following;
  }

  /** From here on lines are staged for the next generation, and none is written until `release`. */
  hold(next: PreparedHeader): void {
    this.#held = [];
    this.#staged = { seq: this.#written.seq, crc: next.crc };
  }

  /** Ends a hold: goes on in the new journal, or without one in the present. */
  release(journal: NewJournal | null): void {
    const held = this.#held ?? [];
    this.#held = null;
    this.#markedAt = Number.NEGATIVE_INFINITY;
    if (journal !== null) {
      this.#ports.files.close(this.#fd);
      this.#fd = journal.fd;
      this.#inode = journal.inode;
      this.#generation += 1;
      this.#written = { at: journal.bytes, seq: this.#written.seq, crc: journal.crc };
      this.#synced = this.#written;
      return;
    }
    // The lines name the header that did not come to be as the line before them.
    this.#buffer.clear();
    this.#staged = { seq: this.#written.seq, crc: this.#written.crc };
    for (const line of held) this.append(line);
  }

  /** Ends the writer: from now on every call fails with this. */
  fail(failure: SignalboxError): SignalboxError {
    this.#failure ??= failure;
    this.#buffer.clear();
    this.#held = null;
    return this.#failure;
  }

  /** Frees the file; no call may follow. */
  async end(): Promise<void> {
    // A file number that is closed under a running sync could by then be another file.
    await this.#syncing?.catch(() => {});
    this.#ports.files.close(this.#fd);
  }

  #refuseWhenFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #markMaybe(seq: number, at: number): void {
    if (at < this.#markedAt + markBytes) return;
    this.#markedAt = at;
    this.#marks.push({ seq, at });
  }

  /** The file must end at the last written batch again, on disk too: a refused commit may never come back. */
  #giveUpBatch(cause: unknown, needed: number): SignalboxError {
    const file = journalName(this.#generation);
    if (!isFull(cause)) return this.fail(ioFailure('write', file, cause, 'unknown'));
    this.#buffer.clear();
    this.#staged = { seq: this.#written.seq, crc: this.#written.crc };
    this.#marks = [];
    this.#markedAt = Number.NEGATIVE_INFINITY;
    const { files } = this.#ports;
    try {
      if (files.fstat(this.#fd).size !== this.#written.at) {
        files.truncate(this.#fd, this.#written.at);
        files.datasync(this.#fd);
      }
    } catch (error) {
      return this.fail(ioFailure('truncate', file, error, 'unknown'));
    }
    return new SignalboxError('STORE_FULL', { path: this.#ports.dir, needed }, { cause });
  }

  #beginSync(): Promise<void> {
    const upTo = this.#written;
    const syncing = this.#ports.syncs.datasync(this.#fd);
    // Looked for while the disk works: nothing is acknowledged before.
    const refusal = this.#signOfAnother();
    if (refusal !== null) this.fail(refusal);
    this.#syncing = syncing.then(
      () => {
        this.#syncing = null;
        if (refusal !== null) throw refusal;
        this.#synced = upTo;
      },
      (error: unknown) => {
        this.#syncing = null;
        throw this.fail(ioFailure('fdatasync', journalName(this.#generation), error, 'unknown'));
      },
    );
    return this.#syncing;
  }

  /** A lock that failed (a network file system), or a directory that was removed under us, shows here. */
  #signOfAnother(): SignalboxError | null {
    const { dir, files } = this.#ports;
    const own = journalName(this.#generation);
    const next = journalName(this.#generation + 1);
    const fenced = (evidence: string) => new SignalboxError('STORE_FENCED', { path: dir, evidence });
    try {
      if (files.lstat(join(dir, next)) !== null) return fenced(`${next}, which another began`);
      return files.lstat(join(dir, own))?.inode === this.#inode ? null : fenced(`${own} removed or replaced`);
    } catch (error) {
      return ioFailure('lstat', own, error, 'unknown');
    }
  }
}
