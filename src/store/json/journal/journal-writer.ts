/*
 * Room: journal.
 *
 * Owns: The journal: its lines and their frames, writing, syncing, reading back, and where a torn end begins.
 *
 * Invariant: A line is on disk before its commit is acknowledged as synced, and no line is ever changed.
 *
 * May import: ports.
 */
import { join } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import type { Line } from '../../entry.ts';
import { journalName } from '../ports/directory.ts';
import { ioFailure, isFull } from '../ports/failures.ts';
import { type FilePort, writeFully } from '../ports/file-port.ts';
import type { SyncPort } from '../ports/sync-port.ts';
import { FrameBuffer } from './frame.ts';
import type { NewJournal, PreparedHeader } from './journal-file.ts';
import { beginLine, endLine, extendLine } from './line.ts';
import { type Mark, markBytes } from './marks.ts';

/** A position in the newest journal, at the end of a line. */
export interface Place {
  readonly at: number;
  readonly seq: number;
  /** Checksum of the line that ends here. */
  readonly crc: number;
}

/** The dependencies of a journal writer. */
export interface WriterPorts {
  readonly dir: string;
  readonly files: FilePort;
  readonly syncs: SyncPort;
  /** Called with a mark about every 64 KiB, once its line is written. */
  readonly onMark: (generation: number, mark: Mark) => void;
}

/** A line that holds so many entries takes no further commit: a line is read and parsed as a whole. */
const mostShared = 200;

/** A line that is staged and has not ended. */
interface OpenLine {
  readonly first: Line;
  /** Entries before each commit but the first. */
  readonly later: number[];
}

/**
 * Writes to the end of the newest journal. A line is first *staged* in a buffer, then *written* to the
 * operating system, then *synced* to disk. The first failure with an unknown outcome ends the writer: every
 * later call fails.
 */
export class JournalWriter {
  readonly #ports: WriterPorts;
  readonly #buffer = new FrameBuffer();
  #fd: number;
  #inode: number;
  #generation: number;
  readonly #staged: { seq: number; crc: number };
  #open: OpenLine | null = null;
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

  /** True when no line waits to be written. */
  get isDrained(): boolean {
    return this.#buffer.size === 0;
  }

  /** The error that ended the writer, or null. */
  get failure(): SignalboxError | null {
    return this.#failure;
  }

  append(line: Line): void {
    this.#refuseWhenFailed();
    if (line.s !== this.#staged.seq + 1 || line.entries.length === 0) {
      const actual = `${line.s} with ${line.entries.length} entries`;
      throw new SignalboxError('INVALID_OPTION', {
        option: 'line.s',
        expected: String(this.#staged.seq + 1),
        actual,
      });
    }
    const open = this.#open;
    if (open !== null && shares(line, open.first)) {
      this.#buffer.extend((json) => extendLine(json, line));
      open.later.push(line.s - open.first.s);
    } else this.#begin(line);
    this.#staged.seq = line.s + line.entries.length - 1;
    this.#held?.push(line);
  }

  #begin(line: Line): void {
    this.#endLine();
    const start = this.#buffer.size;
    this.#buffer.begin((json) => beginLine(json, line, this.#synced.seq, this.#staged.crc));
    this.#open = { first: line, later: [] };
    if (this.#held === null) this.#markMaybe(line, this.#written.at + start);
  }

  #endLine(): void {
    if (this.#open === null) return;
    const { later } = this.#open;
    this.#open = null;
    this.#staged.crc = this.#buffer.end((json) => endLine(json, later));
  }

  /** Forgets what is staged: the next line follows this one. */
  #continueAfter({ seq, crc }: { readonly seq: number; readonly crc: number }): void {
    this.#buffer.clear();
    this.#open = null;
    Object.assign(this.#staged, { seq, crc });
  }

  write(): boolean {
    this.#refuseWhenFailed();
    if (this.isDrained) return true;
    if (this.#held !== null) return false;
    this.#endLine();
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

  /** Syncs. One sync runs at a time; callers that arrive meanwhile share the next one. */
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

  /** Begins a switch: lines are staged for the next generation, and no line is written until `release`. */
  hold(next: PreparedHeader): void {
    this.#held = [];
    this.#continueAfter({ seq: this.#written.seq, crc: next.crc });
  }

  /** Ends a hold: continues in the new journal, or in the present one when there is no new journal. */
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
    // Without the new journal the chain is wrong: the staged lines name its header as the line before them.
    this.#continueAfter(this.#written);
    for (const line of held) this.append(line);
  }

  /** Ends the writer: every later call fails with this error. */
  fail(failure: SignalboxError): SignalboxError {
    this.#failure ??= failure;
    this.#continueAfter(this.#written);
    this.#held = null;
    return this.#failure;
  }

  /** Closes the file; no call may follow. */
  async end(): Promise<void> {
    // Waits for a running sync: the file descriptor could belong to another file as soon as it is closed.
    await this.#syncing?.catch(() => {});
    this.#ports.files.close(this.#fd);
  }

  #refuseWhenFailed(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #markMaybe(line: Line, at: number): void {
    if (at < this.#markedAt + markBytes) return;
    this.#markedAt = at;
    this.#marks.push({ seq: line.s, at, instant: line.at });
  }

  /** Cuts the file to the last written batch, on disk as well: a refused commit must never reappear. */
  #giveUpBatch(cause: unknown, needed: number): SignalboxError {
    const file = journalName(this.#generation);
    if (!isFull(cause)) return this.fail(ioFailure('write', file, cause, 'unknown'));
    this.#continueAfter(this.#written);
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
    // Checked while the disk works, and before anything is acknowledged.
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

  /** Detects a lock that failed (on a network file system), and a directory that was removed. */
  #signOfAnother(): SignalboxError | null {
    const { dir, files } = this.#ports;
    const own = journalName(this.#generation);
    const next = journalName(this.#generation + 1);
    const fenced = (evidence: string) => new SignalboxError('STORE_FENCED', { path: dir, evidence });
    try {
      if (files.lstat(join(dir, next)) !== null) return fenced(`${next}, which another process began`);
      return files.lstat(join(dir, own))?.inode === this.#inode ? null : fenced(`${own} removed or replaced`);
    } catch (error) {
      return ioFailure('lstat', own, error, 'unknown');
    }
  }
}

/** Whether a commit may share the line of another: what a line says of all its entries holds for both. */
function shares({ s, at, by, mv }: Line, first: Line): boolean {
  return at === first.at && by === first.by && mv === first.mv && s - first.s < mostShared;
}
