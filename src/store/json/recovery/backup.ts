import { basename, dirname, join, resolve } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import { journalName, makeDirectories, snapshotName, syncAncestors } from '../ports/directory.ts';
import { errnoOf, explained } from '../ports/failures.ts';
import { type FilePort, readFully, writeFully } from '../ports/file-port.ts';
import { type CleanMark, writeCleanMark } from '../snapshot/clean-marker.ts';
import type { SnapshotPorts } from '../snapshot/snapshot.ts';

/** A finished backup. */
export interface Backup {
  /** The directory, as an absolute path. */
  readonly dir: string;
  /** Seq of its newest entry: the backup has everything that was acknowledged before the call. */
  readonly seq: number;
  /** Bytes of all files. */
  readonly bytes: number;
}

/** The files to copy: all of them whole, except that of the newest journal only the synced part is copied. */
export interface BackupSource {
  /** Journals that are kept, oldest first; the last is the one being written. */
  readonly generations: readonly number[];
  /** The clean marker of the store if it were closed at its synced end. */
  readonly end: CleanMark;
  readonly report: (message: string) => void;
}

interface OpenSource {
  readonly name: string;
  readonly fd: number;
  readonly size: number;
}

const sliceBytes = 1024 * 1024;
// As for a snapshot: commits share the sync thread, so every sync must be short.
const syncEveryBytes = 8 * 1024 * 1024;

/**
 * Copies a store to a new directory while the store is being written. The copy is made under another name and
 * renamed when it is on disk, so a directory of the wanted name is a whole backup.
 * @throws SignalboxError `INVALID_OPTION` when the directory exists, `STORE_FULL`, `STORE_PERMISSION`, `STORE_IO`
 */
export async function backUp(ports: SnapshotPorts, source: BackupSource, target: string): Promise<Backup> {
  const { files } = ports;
  const { end, report } = source;
  const dir = resolve(target);
  if (files.lstat(dir) !== null) {
    const expected = 'a directory that does not exist yet: each backup gets its own';
    throw new SignalboxError('INVALID_OPTION', { option: 'dir', expected, actual: dir });
  }
  // Opens all files in this tick: after it a checkpoint may rename and remove them.
  const sources = openSources(ports, source);
  const temporary = join(dirname(dir), `${basename(dir)}.${ports.newId()}.tmp`);
  try {
    makeDirectories(files, temporary);
    let bytes = 0;
    for (const each of sources) bytes += await copy(ports, each, temporary);
    bytes += await writeCleanMark({ ...ports, dir: temporary }, end);
    files.rename(temporary, dir);
    syncAncestors(files, dir, report);
    return { dir, seq: end.seq, bytes };
  } catch (error) {
    removeUnfinished(files, temporary);
    throw explained('back up', dir, error);
  } finally {
    for (const { fd } of sources) files.close(fd);
  }
}

function openSources({ files, dir }: SnapshotPorts, { generations, end }: BackupSource): OpenSource[] {
  const sources: OpenSource[] = [];
  try {
    for (const name of [snapshotName, ...generations.map(journalName)]) {
      const fd = files.open(join(dir, name), 'read');
      const size = name === journalName(end.generation) ? end.bytes : files.fstat(fd).size;
      sources.push({ name, fd, size });
    }
    return sources;
  } catch (error) {
    for (const { fd } of sources) files.close(fd);
    throw explained('open', dir, error);
  }
}

async function copy(
  { files, syncs, defer }: SnapshotPorts,
  { name, fd, size }: OpenSource,
  into: string,
): Promise<number> {
  const target = files.open(join(into, name), 'create');
  try {
    const slice = Buffer.allocUnsafe(Math.min(sliceBytes, size));
    for (let at = 0; at < size; ) {
      const count = readFully(files, fd, slice, 0, Math.min(slice.length, size - at), at);
      if (count === 0) throw new Error(`${name} has ${at} bytes where ${size} were written`);
      writeFully(files, target, slice.subarray(0, count), at);
      at += count;
      if (at % syncEveryBytes === 0) await syncs.datasync(target);
      await defer();
    }
    await syncs.datasync(target);
    return size;
  } finally {
    files.close(target);
  }
}

/** Removes an unfinished directory. A file that cannot be removed stays under its temporary name. */
export function removeUnfinished(files: FilePort, directory: string): void {
  try {
    for (const name of files.list(directory)) files.unlink(join(directory, name));
    files.removeDirectory(directory);
  } catch (error) {
    if (errnoOf(error) === '') throw error;
  }
}
