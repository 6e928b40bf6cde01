import { join, resolve } from 'node:path';
import type { Line } from '../../entry.ts';
import { readFrames } from '../journal/frame.ts';
import { readHeader } from '../journal/journal-file.ts';
import { decodeLine } from '../journal/line.ts';
import { journalName, listStore } from '../ports/directory.ts';
import { errnoOf, explained } from '../ports/failures.ts';
import { type FilePort, nodeFilePort } from '../ports/file-port.ts';
import { readingFiles } from '../ports/reading-files.ts';

/**
 * The lines that a process at work adds to a directory, read without a lock and without changing a byte. A line that is not whole
 * yet is read when it is.
 */
export class JournalTail {
  readonly #dir: string;
  readonly #files: FilePort;
  /** Seq of the newest entry that was read. */
  #seq: number;
  #generation = 0;
  #at = 0;

  /** `after`: seq of the newest entry that is known. */
  constructor(dir: string, after: number, files: FilePort = nodeFilePort) {
    this.#dir = resolve(dir);
    this.#files = readingFiles(files);
    this.#seq = after;
  }

  /** The lines since the last call. @throws SignalboxError `STORE_IO` and its kin when the directory cannot be read. */
  read(): readonly Line[] {
    const lines: Line[] = [];
    try {
      // Listed first: a journal that has a successor by then grows no more.
      const { journals } = listStore(this.#files, this.#dir);
      if (this.#generation === 0) this.#generation = this.#holderIn(journals);
      for (const generation of journals) {
        if (generation < this.#generation) continue;
        if (this.#at === 0 && !this.#begin(generation)) break;
        if (generation > this.#generation && !this.#begin(generation)) break;
        this.#readOn(lines);
      }
    } catch (error) {
      // Retention has removed a journal: the next call goes on with those that are there.
      if (errnoOf(error) !== 'ENOENT' || this.#files.stat(this.#dir) === null)
        throw explained('read', this.#dir, error);
    }
    return lines;
  }

  /** The journal that holds the entry after the newest one that is known. */
  #holderIn(journals: readonly number[]): number {
    const holds = (generation: number): boolean => {
      const header = readHeader(this.#files, join(this.#dir, journalName(generation)));
      return typeof header !== 'string' && header.header.base <= this.#seq;
    };
    return journals.findLast(holds) ?? journals[0] ?? 0;
  }

  /** Whether its header is whole: it is written before the journal counts. */
  #begin(generation: number): boolean {
    const header = readHeader(this.#files, join(this.#dir, journalName(generation)));
    if (typeof header === 'string') return false;
    this.#generation = generation;
    this.#at = header.next;
    return true;
  }

  #readOn(into: Line[]): void {
    const fd = this.#files.open(join(this.#dir, journalName(this.#generation)), 'read');
    try {
      for (const frame of readFrames(this.#files, fd, this.#at, this.#files.fstat(fd).size)) {
        const stored = frame.ok ? decodeLine(frame.text) : null;
        if (!frame.ok || stored === null || typeof stored === 'string') return;
        this.#at = frame.next;
        for (const commit of stored.commits) {
          const last = commit.s + commit.entries.length - 1;
          if (last <= this.#seq) continue;
          this.#seq = last;
          into.push(commit);
        }
      }
    } finally {
      this.#files.close(fd);
    }
  }
}
