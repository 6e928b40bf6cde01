import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { SignalboxError } from '../../../src/errors.ts';
import type { Entry, Kind, Line, Patch } from '../../../src/store/entry.ts';
import { type JsonLogOptions, openJsonLog } from '../../../src/store/json/log/open-json-log.ts';
import { type FilePort, nodeFilePort } from '../../../src/store/json/ports/file-port.ts';
import { createKernelLock, flockMethod, nativeMethod } from '../../../src/store/json/ports/lock.ts';
import { createInlineSyncPort } from '../../../src/store/json/ports/sync-port.ts';
import { recordKinds } from '../../../src/store/kinds.ts';
import type { Log, Recipient, Recovered, State, StoredRecord } from '../../../src/store/log.ts';

const folders: string[] = [];
const open = new Set<Log>();

afterEach(async () => {
  for (const log of open) await log.close().catch(() => {});
  open.clear();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

/** A path in a new folder that is removed after the test; nothing exists there yet. */
export function newPath(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'signalbox-'));
  folders.push(folder);
  return join(folder, 'store');
}

/** A copy of a directory, as a crash of the process would leave it. */
export function copied(dir: string): string {
  const target = newPath();
  fs.cpSync(dir, target, { recursive: true });
  fs.chmodSync(target, 0o700);
  return target;
}

// Uses one kind of lock, without a child process: some tests open a store ten thousand times.
const lock = createKernelLock([
  async (fd) => {
    const result = await nativeMethod(fd);
    return typeof result === 'string' ? result : flockMethod(fd);
  },
]);

let lastId = 0;

/** The options of a log on real files; single ones may be changed. */
export function logOptions(dir: string, changes: Partial<JsonLogOptions> = {}): JsonLogOptions {
  const files: FilePort = changes.files ?? nodeFilePort;
  return {
    dir,
    files,
    into: { load: () => {}, replay: () => {} },
    syncs: createInlineSyncPort(files),
    defer: () => new Promise((resolve) => setImmediate(resolve)),
    lock,
    now: () => 1_000_000,
    newId: () => {
      lastId += 1;
      return `id${lastId}`;
    },
    ...changes,
  };
}

/** A log with the state that its lines make: the smallest replacement of a store. */
export interface OpenStore {
  readonly log: Log;
  readonly recovered: Recovered;
  readonly records: Map<string, StoredRecord>;
  seq: number;
  readonly reports: string[];
  /** Appends one line of one entry on a job. */
  append(id: string, patch: Patch): Line;
  /** Appends and writes. */
  put(id: string, patch?: Patch): void;
  state(): State;
}

/** Opens a store, applies what was recovered and starts it. */
export async function openStore(dir: string, changes: Partial<JsonLogOptions> = {}): Promise<OpenStore> {
  const reports: string[] = [];
  const records = new Map<string, StoredRecord>();
  const order: readonly Kind[] = recordKinds;
  const into: Recipient = {
    load(snapshot) {
      for (const kind of order) {
        for (const record of snapshot.records[kind]) records.set(`${kind}/${record.id}`, record);
      }
    },
    replay: (line) => void applied(records, line),
  };
  const opened = await openJsonLog(
    logOptions(dir, { into, onReport: (message) => reports.push(message), ...changes }),
  );
  const { seq } = opened.recovered;
  const state = (): State => ({ seq: store.seq, records: stateOf(records) });
  const log = await opened.start({ seq, records: stateOf(records) });
  open.add(log);
  const store: OpenStore = {
    log,
    recovered: opened.recovered,
    records,
    seq,
    reports,
    append(id, patch) {
      const line = lineOf(store.seq + 1, id, patch);
      log.append(line);
      store.seq = applied(records, line);
      return line;
    },
    put(id, patch = { size: 1 }) {
      store.append(id, patch);
      log.write();
    },
    state,
  };
  return store;
}

/** A line of one entry on a job. */
export function lineOf(s: number, id: string, patch: Patch | null): Line {
  return { s, at: 1_000 + s, by: 'client#1', mv: '1', entries: [entryOf(id, patch)] };
}

/** An entry that puts a job. */
export function entryOf(id: string, patch: Patch | null): Entry {
  return { kind: 'job', id, event: 'job.put', from: null, to: 'pending', patch, gone: false, q: 0 };
}

function applied(records: Map<string, StoredRecord>, line: Line): number {
  for (const { kind, id, patch, gone } of line.entries) {
    const key = `${kind}/${id}`;
    if (gone) records.delete(key);
    else records.set(key, { ...records.get(key), ...patch, id });
  }
  return line.s + line.entries.length - 1;
}

function stateOf(records: ReadonlyMap<string, StoredRecord>): State['records'] {
  const lists = new Map<string, StoredRecord[]>(recordKinds.map((kind) => [kind, []]));
  for (const [key, record] of records) lists.get(key.slice(0, key.indexOf('/')))?.push(record);
  return Object.fromEntries(lists) as unknown as State['records'];
}

/** A store with these jobs, closed cleanly. */
export async function closedStore(dir: string, ids: readonly string[]): Promise<void> {
  const store = await openStore(dir);
  for (const id of ids) store.put(id);
  await store.log.close();
}

/** What a promise is rejected with. */
export async function refusal(promise: Promise<unknown>): Promise<SignalboxError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SignalboxError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Replaces bytes of a file. */
export function patchFile(path: string, at: number, bytes: Uint8Array): void {
  const fd = fs.openSync(path, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, at);
  fs.closeSync(fd);
}
