/*
 * Room: snapshot.
 *
 * Owns: Snapshots and what belongs to a generation: the state at one moment, the marks of a clean end and of
 *   a promotion, and which generations are kept.
 *
 * Invariant: At every instant a valid snapshot is at one of its two names.
 *
 * May import: ports, journal.
 */
import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { type Adapter, Low } from 'lowdb';
import type { Revive } from '../../log.ts';
import {
  historySnapshotName,
  previousSnapshotName,
  snapshotName,
  temporaryName,
} from '../ports/directory.ts';
import { errnoOf } from '../ports/failures.ts';
import { type FilePort, readFully, writeFully } from '../ports/file-port.ts';
import type { SyncPort } from '../ports/sync-port.ts';
import { type Source, slices } from './snapshot-data.ts';
import {
  asStored,
  dataPrefix,
  dataSuffix,
  encodeSnapshotHeader,
  type ReadSnapshot,
  readSnapshot,
  type Snapshot,
} from './snapshot-format.ts';

// Syncing as it grows keeps each sync short: commits share the sync thread.
const syncEveryBytes = 8 * 1024 * 1024;

/** The dependencies of a snapshot file that is written. */
export interface SnapshotPorts {
  readonly dir: string;
  readonly files: FilePort;
  readonly syncs: SyncPort;
  readonly defer: () => Promise<void>;
  readonly newId: () => string;
}

/** lowdb's container for the state on disk. It holds the state only while it is being written. */
export interface SnapshotContainer {
  /**
   * Replaces `snapshot.json` by this state, in slices between which the event loop runs.
   * @returns the size of the file.
   */
  write(snapshot: Snapshot, replacing: Replacing): Promise<number>;
}

/** The snapshot that is replaced. */
export interface Replacing {
  /** False when the present snapshot is damaged and must not become `snapshot.prev.json`. */
  readonly keepPrevious: boolean;
  /** The snapshot that was read: unchanged records are copied from its file. */
  readonly before: ReadSnapshot | null;
}

/** Reads the snapshot at a path through lowdb; null when there is no file. */
export async function loadSnapshot(
  files: FilePort,
  dir: string,
  name: string,
  revive: Revive,
): Promise<ReadSnapshot | null> {
  const low = new Low<ReadSnapshot | null>(reader(files, dir, name, revive), null);
  await low.read();
  return low.data;
}

function reader(files: FilePort, dir: string, name: string, revive: Revive): Adapter<ReadSnapshot | null> {
  return {
    async read() {
      const path = join(dir, name);
      if (files.lstat(path) === null) return null;
      const fd = files.open(path, 'read');
      try {
        return readSnapshot(files, fd, name, revive);
      } finally {
        files.close(fd);
      }
    },
    async write() {
      throw new Error('this snapshot is opened for reading');
    },
  };
}

/** Writes snapshots through lowdb. */
export function createSnapshotContainer(ports: SnapshotPorts): SnapshotContainer {
  let how: Replacing = { keepPrevious: true, before: null };
  let size = 0;
  const adapter: Adapter<Snapshot | null> = {
    ...reader(ports.files, ports.dir, snapshotName, asStored),
    async write(snapshot) {
      if (snapshot !== null) size = await replaceSnapshot(ports, snapshot, how);
    },
  };
  const low = new Low<Snapshot | null>(adapter, null);
  return {
    async write(snapshot, replacing) {
      how = replacing;
      low.data = snapshot;
      try {
        await low.write();
      } finally {
        low.data = null;
        how = { ...how, before: null };
      }
      return size;
    },
  };
}

/** Renames the files in an order that makes it safe: at every instant one of the two names has a valid snapshot. */
async function replaceSnapshot(
  ports: SnapshotPorts,
  snapshot: Snapshot,
  { keepPrevious, before }: Replacing,
): Promise<number> {
  const { files, dir } = ports;
  const temporary = join(dir, temporaryName(snapshotName, ports.newId()));
  const target = join(dir, snapshotName);
  const size = await writeFile(ports, snapshot, before, temporary);
  try {
    if (keepPrevious && files.lstat(target) !== null) {
      const previous = join(dir, temporaryName(previousSnapshotName, ports.newId()));
      files.link(target, previous);
      files.rename(previous, join(dir, previousSnapshotName));
    }
    files.rename(temporary, target);
  } catch (error) {
    discard(files, temporary);
    throw error;
  }
  keepForHistory(files, dir, snapshot.generation);
  files.syncDirectory(dir);
  return size;
}

/** Gives the present snapshot a second name, under which it is kept as long as the journal that began from it. */
export function keepForHistory(files: FilePort, dir: string, generation: number): void {
  try {
    files.link(join(dir, snapshotName), join(dir, historySnapshotName(generation)));
  } catch (error) {
    // Linked already, by an opening that a crash ended.
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Removes an unfinished file. If that fails, the next opening removes it. */
export function discard(files: FilePort, path: string): void {
  try {
    files.unlink(path);
  } catch (error) {
    if (errnoOf(error) === '') throw error;
  }
}

async function writeFile(
  ports: SnapshotPorts,
  snapshot: Snapshot,
  before: ReadSnapshot | null,
  path: string,
): Promise<number> {
  const { files, syncs, dir } = ports;
  const fd = files.open(path, 'create');
  let source: OpenSource | null = null;
  try {
    source = before === null ? null : openSource(files, dir, before);
    const blank = { store: snapshot.store, generation: snapshot.generation, seq: snapshot.state.seq };
    const start = Buffer.byteLength(encodeSnapshotHeader({ ...blank, bytes: 0, sha256: '0'.repeat(64) }));
    const { bytes, sha256 } = await writeData(
      ports,
      slices(snapshot.state, source),
      fd,
      start + dataPrefix.length,
    );
    writeFully(files, fd, Buffer.from(dataSuffix), start + dataPrefix.length + bytes);
    writeFully(files, fd, Buffer.from(encodeSnapshotHeader({ ...blank, bytes, sha256 }) + dataPrefix), 0);
    await syncs.datasync(fd);
    const size = start + dataPrefix.length + bytes + dataSuffix.length;
    const actual = files.fstat(fd).size;
    if (actual !== size) throw new Error(`the snapshot has ${actual} bytes where ${size} were written`);
    return size;
  } catch (error) {
    discard(files, path);
    throw error;
  } finally {
    files.close(fd);
    source?.close();
  }
}

interface OpenSource extends Source {
  close(): void;
}

function openSource(files: FilePort, dir: string, snapshot: ReadSnapshot): OpenSource {
  const fd = files.open(join(dir, snapshot.file), 'read');
  return {
    snapshot,
    copy(into, position) {
      const count = readFully(files, fd, into, 0, into.length, position);
      if (count < into.length) throw new Error(`${snapshot.file} is shorter than it was`);
    },
    close: () => files.close(fd),
  };
}

async function writeData(
  { files, syncs, defer }: SnapshotPorts,
  data: Iterable<Uint8Array>,
  fd: number,
  start: number,
): Promise<{ bytes: number; sha256: string }> {
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  let syncedAt = 0;
  let syncing: Promise<void> = Promise.resolve();
  try {
    for (const slice of data) {
      hash.update(slice);
      writeFully(files, fd, slice, start + bytes);
      bytes += slice.length;
      if (bytes - syncedAt >= syncEveryBytes) {
        await syncing;
        syncing = syncs.datasync(fd);
        // Awaited before the next sync and at the end. Until then a rejection must not count as unhandled.
        syncing.catch(() => {});
        syncedAt = bytes;
      }
      await defer();
    }
  } finally {
    // Waits for the sync: the file descriptor could belong to another file as soon as it is closed.
    await syncing;
  }
  return { bytes, sha256: hash.digest('hex') };
}
