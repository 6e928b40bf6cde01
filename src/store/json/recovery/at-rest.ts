import { join, resolve } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import type { Line } from '../../entry.ts';
import type { State } from '../../log.ts';
import { Tables } from '../../rules/tables.ts';
import { listStore, lockName, prepareDirectory } from '../ports/directory.ts';
import { explained } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import type { LockPort } from '../ports/lock.ts';
import {
  type PromotionMark,
  readPromotionMark,
  removePromotionMark,
  writePromotionMark,
} from '../snapshot/promotion-mark.ts';
import { historyAtRest } from './history-at-rest.ts';
import { recover } from './recovery.ts';

/** A whole store that no process has open, under its lock. Reading it changes nothing. */
export interface StoreAtRest {
  /** Absolute. */
  readonly dir: string;
  readonly storeId: string;
  /** Seq of the newest entry. */
  readonly seq: number;
  readonly records: State['records'];
  /** The same records with their indexes. */
  readonly tables: Tables;
  /** The mark of an earlier promotion. */
  readonly mark: PromotionMark | null;
  /** Reads the whole kept journal, oldest line first. */
  lines(): AsyncIterable<Line>;
  /** Writes the mark. It is on disk when this returns. */
  setMark(mark: PromotionMark): void;
  removeMark(): void;
  /** Releases the lock. */
  release(): void;
}

/** The dependencies of reading a store at rest. */
export interface AtRestPorts {
  readonly files: FilePort;
  readonly lock: LockPort;
  readonly now: () => number;
  /** Lets the event loop run. */
  readonly defer: () => Promise<void>;
  readonly report: (message: string) => void;
}

/**
 * Takes the lock of a store and reads it.
 * @throws SignalboxError `STORE_MISSING`, `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_VERSION`, `STORE_NOT_A_STORE`,
 * `STORE_PERMISSION`, `STORE_NO_LOCK`, `STORE_IO`
 */
export async function openAtRest(directory: string, ports: AtRestPorts): Promise<StoreAtRest> {
  const { files, lock, now } = ports;
  const dir = resolve(directory);
  if (!prepareDirectory(files, dir, false) || listStore(files, dir).empty)
    throw new SignalboxError('STORE_MISSING', { path: dir });
  const held = await lock.acquire({ files, dir, path: join(dir, lockName), now: now() });
  try {
    const listing = listStore(files, dir);
    const tables = new Tables();
    const recovery = await recover(files, dir, listing, {
      into: tables,
      revive: tables.revive,
      report: ports.report,
    });
    if (recovery.store === null) throw new SignalboxError('STORE_MISSING', { path: dir });
    return {
      dir,
      storeId: recovery.store,
      seq: recovery.seq,
      records: tables.state(recovery.seq).records,
      tables,
      mark: listing.promoted ? readPromotionMark(files, dir) : null,
      lines: () => historyAtRest(dir, ports, listing, recovery).read(1),
      setMark: (mark) => writePromotionMark(files, dir, mark),
      removeMark: () => removePromotionMark(files, dir),
      release: () => held.release(),
    };
  } catch (error) {
    held.release();
    throw explained('read', dir, error);
  }
}
