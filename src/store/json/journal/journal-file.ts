import { join } from 'node:path';
import { journalName } from '../ports/directory.ts';
import { errnoOf } from '../ports/failures.ts';
import { type FilePort, writeFully } from '../ports/file-port.ts';
import type { SyncPort } from '../ports/sync-port.ts';
import { encodeFrame, readFrames, toHex } from './frame.ts';
import { decodeHeader, encodeHeader, type JournalHeader } from './line.ts';

/** A journal that is open for appending and contains only its header. */
export interface NewJournal {
  readonly fd: number;
  readonly bytes: number;
  /** Checksum of the header, which the first line names. */
  readonly crc: number;
  /** The inode of the file: another file may have its name later. */
  readonly inode: number;
}

/** The header of a journal, ready to be written. Lines may be chained to it before that. */
export interface PreparedHeader {
  readonly header: JournalHeader;
  readonly bytes: Uint8Array;
  readonly crc: number;
}

/** Encodes the header of the generation after a position. */
export function prepareHeader(
  store: string,
  generation: number,
  base: number,
  previousCrc: number,
  at: number,
): PreparedHeader {
  const header = { store, generation, base, previous: toHex(previousCrc), at: Math.round(at) };
  return { header, ...encodeFrame(encodeHeader(header)) };
}

/**
 * Creates the journal of a generation and makes its name and its header durable. After a failure nothing of it is left,
 * or the error says that the removal failed as well.
 * @throws the operating system's error; EEXIST when another writer was first.
 */
export async function createJournal(
  files: FilePort,
  syncs: SyncPort,
  dir: string,
  { header, bytes, crc }: PreparedHeader,
): Promise<NewJournal> {
  const path = join(dir, journalName(header.generation));
  const fd = files.open(path, 'create');
  try {
    writeFully(files, fd, bytes, 0);
    await syncs.datasync(fd);
    files.syncDirectory(dir);
    return { fd, bytes: bytes.length, crc, inode: files.fstat(fd).inode };
  } catch (error) {
    files.close(fd);
    removeUnborn(files, dir, path, error);
    throw error;
  }
}

/** Thrown when an unfinished journal could not be removed: to continue without it would break the chain. */
export class LeftoverJournalError extends Error {
  override readonly name = 'LeftoverJournalError';
}

function removeUnborn(files: FilePort, dir: string, path: string, cause: unknown): void {
  try {
    files.unlink(path);
    files.syncDirectory(dir);
  } catch (error) {
    throw new LeftoverJournalError(`${path} could not be removed (${errnoOf(error)})`, { cause });
  }
}

/** Reads only the header of a journal. Returns its fault as text. */
export function readHeader(
  files: FilePort,
  path: string,
): { readonly header: JournalHeader; readonly next: number } | string {
  const fd = files.open(path, 'read');
  try {
    const { size } = files.fstat(fd);
    const [first] = readFrames(files, fd, 0, Math.min(size, 4096));
    if (first === undefined) return 'an empty file';
    if (!first.ok) return first.reason;
    const header = decodeHeader(first.text);
    if (typeof header === 'string') return header;
    return 'newer' in header ? `version ${header.newer}` : { header, next: first.next };
  } finally {
    files.close(fd);
  }
}

/** A kept generation: its journal, and the snapshot that it began from if one was written. */
export interface Generation {
  readonly number: number;
  /** Seq of the last entry before it. */
  readonly base: number;
  /** Instant at which it began. */
  readonly beganAt: number;
  /** Where its first line begins. */
  readonly start: number;
}
