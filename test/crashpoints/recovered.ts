import { createHash } from 'node:crypto';
import { openJsonLog } from '../../src/store/json/log/open-json-log.ts';
import type { FilePort } from '../../src/store/json/ports/file-port.ts';
import type { LockPort } from '../../src/store/json/ports/lock.ts';
import { createInlineSyncPort } from '../../src/store/json/ports/sync-port.ts';
import { Tables } from '../../src/store/rules/tables.ts';

/** What was found in a directory, in few words. */
export interface Found {
  readonly seq: number;
  /** Equal for equal states. */
  readonly digest: string;
  readonly clean: boolean;
}

/** The content of a directory, as the recovery of the json store reads it. */
export interface Recovered extends Found {
  readonly tables: Tables;
}

/** The path of the store in every file system of the enumeration. */
export const storeDir = '/data/store';

/** A crash frees a kernel lock, so none is in the way of an image. */
export const noLock: LockPort = { acquire: async () => ({ release: () => {} }) };

/** The instant of every opening. */
export const openedAt = 1_700_000_000_000;

/**
 * Reads a store as every opening does, and goes no further: nothing is changed.
 * @throws SignalboxError when the store is refused.
 */
export async function readStore(files: FilePort, dir: string): Promise<Recovered> {
  const tables = new Tables();
  const { recovered, release } = await openJsonLog({
    dir,
    into: tables,
    files,
    syncs: createInlineSyncPort(files),
    defer: () => Promise.resolve(),
    now: () => openedAt,
    newId: () => 'never-written',
    revive: tables.revive,
    lock: noLock,
  });
  release();
  const { seq } = recovered;
  return { tables, seq, digest: digestOf(tables, seq), clean: recovered.clean };
}

/** A name for a whole state. Records count with what they say: null and empty lists are as good as absent. */
export function digestOf(tables: Tables, seq: number): string {
  const { records } = tables.state(seq);
  const texts = Object.entries(records).flatMap(([kind, each]) =>
    each.map((record) => `${kind} ${recordText(record)}`),
  );
  return createHash('sha1').update(texts.sort().join('\n')).digest('base64url');
}

function recordText(record: Readonly<Record<string, unknown>>): string {
  return Object.keys(record)
    .sort()
    .filter((key) => record[key] !== null && !(Array.isArray(record[key]) && record[key].length === 0))
    .map((key) => `${key}=${JSON.stringify(record[key])}`)
    .join(' ');
}
