import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { type Adapter, Low } from 'lowdb';
import type { Json } from '../../../machines/json.ts';
import type { State, StoredRecord } from '../log.ts';
import { historySnapshotName, previousSnapshotName, snapshotName, temporaryName } from './directory.ts';
import { errnoOf } from './failures.ts';
import type { FilePort } from './file-port.ts';
import { writeFully } from './frame.ts';
import { JsonWriter } from './json-writer.ts';
import { kinds } from './line.ts';
import {
  asStored,
  dataPrefix,
  dataSuffix,
  encodeSnapshotHeader,
  type Revive,
  readSnapshot,
  type Snapshot,
  separatorBefore,
} from './snapshot-format.ts';
import type { SyncPort } from './sync-port.ts';

// About 1 ms of work each (measured), so commits never wait long for a slice, and no clock is asked.
const sliceLength = 128 * 1024;
// Syncing as it grows keeps each sync short: commits share the sync thread.
const syncEveryBytes = 8 * 1024 * 1024;

/** What a snapshot file needs to be written. */
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
   * Replaces `snapshot.json` by this state in slices between which the event loop runs.
   * @param keepPrevious - false when the present snapshot is damaged and must not become the second chance.
   * @returns the size of the file.
   */
  write(snapshot: Snapshot, keepPrevious: boolean): Promise<number>;
}

/** The snapshot at a path, read through lowdb; null when there is none. */
export async function loadSnapshot(
  files: FilePort,
  dir: string,
  name: string,
  revive: Revive,
): Promise<Snapshot | null> {
  const low = new Low<Snapshot | null>(reader(files, dir, name, revive), null);
  await low.read();
  return low.data;
}

function reader(files: FilePort, dir: string, name: string, revive: Revive): Adapter<Snapshot | null> {
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
  let keepsPrevious = true;
  let size = 0;
  const adapter: Adapter<Snapshot | null> = {
    ...reader(ports.files, ports.dir, snapshotName, asStored),
    async write(snapshot) {
      if (snapshot !== null) size = await replaceSnapshot(ports, snapshot, keepsPrevious);
    },
  };
  const low = new Low<Snapshot | null>(adapter, null);
  return {
    async write(snapshot, keepPrevious) {
      keepsPrevious = keepPrevious;
      low.data = snapshot;
      try {
        await low.write();
      } finally {
        low.data = null;
      }
      return size;
    },
  };
}

/** The order is the safety: at every instant a valid snapshot stands at one of the two names. */
async function replaceSnapshot(
  ports: SnapshotPorts,
  snapshot: Snapshot,
  keepPrevious: boolean,
): Promise<number> {
  const { files, dir } = ports;
  const temporary = join(dir, temporaryName(snapshotName, ports.newId()));
  const target = join(dir, snapshotName);
  const size = await writeFile(ports, snapshot, temporary);
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

/** Gives the present snapshot a second name, under which it stays as long as the journal that began from it. */
export function keepForHistory(files: FilePort, dir: string, generation: number): void {
  try {
    files.link(join(dir, snapshotName), join(dir, historySnapshotName(generation)));
  } catch (error) {
    // Linked before, by an opening that a crash ended.
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Removes a file that was never finished. One that cannot be removed now goes at the next open. */
export function discard(files: FilePort, path: string): void {
  try {
    files.unlink(path);
  } catch (error) {
    if (errnoOf(error) === '') throw error;
  }
}

async function writeFile(ports: SnapshotPorts, snapshot: Snapshot, path: string): Promise<number> {
  const { files, syncs } = ports;
  const fd = files.open(path, 'create');
  try {
    const blank = { store: snapshot.store, generation: snapshot.generation, seq: snapshot.state.seq };
    const start = Buffer.byteLength(encodeSnapshotHeader({ ...blank, bytes: 0, sha256: '0'.repeat(64) }));
    const { bytes, sha256 } = await writeData(ports, snapshot.state, fd, start + dataPrefix.length);
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
  }
}

async function writeData(
  { files, syncs, defer }: SnapshotPorts,
  state: State,
  fd: number,
  start: number,
): Promise<{ bytes: number; sha256: string }> {
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  let syncedAt = 0;
  for (const data of slices(state)) {
    hash.update(data);
    writeFully(files, fd, data, start + bytes);
    bytes += data.length;
    if (bytes - syncedAt >= syncEveryBytes) {
      await syncs.datasync(fd);
      syncedAt = bytes;
    }
    await defer();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A record without what is null or empty: that is what a record has that says nothing. */
function writeRecord(json: JsonWriter, record: StoredRecord): void {
  json.ascii('{');
  let isFirst = true;
  for (const key in record) {
    const value = record[key];
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    if (!isFirst) json.ascii(',');
    isFirst = false;
    json.string(key);
    json.ascii(':');
    json.value(value as Json);
  }
  json.ascii('}');
}

/** The data in slices; each is valid until the next. */
function* slices(state: State): Generator<Uint8Array> {
  const json = new JsonWriter();
  for (const [index, kind] of kinds.entries()) {
    json.ascii(`${separatorBefore(index)}\n`);
    const records = state.records[kind];
    for (let at = 0; at < records.length; at += 1) {
      writeRecord(json, records[at] as StoredRecord);
      json.ascii(at + 1 < records.length ? ',\n' : '\n');
      if (json.size < sliceLength) continue;
      yield json.bytes();
      json.clear();
    }
  }
  json.ascii(separatorBefore(kinds.length));
  yield json.bytes();
}
