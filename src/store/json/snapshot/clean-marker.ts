import { join } from 'node:path';
import { toHex } from '../journal/frame.ts';
import { isObject } from '../journal/line.ts';
import { cleanName, temporaryName } from '../ports/directory.ts';
import { corrupt, formatVersion, newerVersion } from '../ports/failures.ts';
import { type FilePort, readFully, writeFully } from '../ports/file-port.ts';
import { discard, type SnapshotPorts } from './snapshot.ts';

/** The end of the store at a clean close: with it, a torn end or a missing tail is damage. */
export interface CleanMark {
  readonly store: string;
  readonly generation: number;
  /** Length of the last journal. */
  readonly bytes: number;
  readonly seq: number;
  /** Checksum of the last line. */
  readonly crc: number;
}

function encodeCleanMark({ store, generation, bytes, seq, crc }: CleanMark): string {
  return `${JSON.stringify({ format: 'signalbox-clean', v: formatVersion, store, gen: generation, bytes, seq, crc: toHex(crc) })}\n`;
}

/**
 * Compares the marker on disk with what was recovered, byte by byte.
 * @throws SignalboxError `STORE_CORRUPT` when they differ, `STORE_VERSION`
 */
export function checkCleanMark(files: FilePort, dir: string, recovered: CleanMark): void {
  const found = readText(files, join(dir, cleanName));
  const version = versionOf(found);
  if (version > formatVersion) throw newerVersion(cleanName, version);
  const wanted = encodeCleanMark(recovered);
  if (found === wanted) return;
  const what = `${found.trimEnd()} where the journals end with ${wanted.trimEnd()}`;
  throw corrupt({ file: cleanName, byte: 0, line: 1, what, lastGood: recovered.seq });
}

/**
 * Writes the marker: the last step of a clean close.
 * @returns the size of the file.
 */
export async function writeCleanMark(ports: SnapshotPorts, mark: CleanMark): Promise<number> {
  const { files, dir } = ports;
  const temporary = join(dir, temporaryName(cleanName, ports.newId()));
  const fd = files.open(temporary, 'create');
  try {
    const bytes = Buffer.from(encodeCleanMark(mark));
    writeFully(files, fd, bytes, 0);
    await ports.syncs.datasync(fd);
    files.rename(temporary, join(dir, cleanName));
    files.syncDirectory(dir);
    return bytes.length;
  } catch (error) {
    discard(files, temporary);
    throw error;
  } finally {
    files.close(fd);
  }
}

function versionOf(text: string): number {
  try {
    const found: unknown = JSON.parse(text);
    return isObject(found) && Number.isInteger(found.v) ? (found.v as number) : 0;
  } catch {
    return 0;
  }
}

function readText(files: FilePort, path: string): string {
  const fd = files.open(path, 'read');
  try {
    const bytes = Buffer.alloc(4096);
    return bytes.toString('utf8', 0, readFully(files, fd, bytes, 0, bytes.length, 0));
  } finally {
    files.close(fd);
  }
}
