import { SignalboxError } from '../../errors.ts';
import { machineVersion } from '../../model/jobs/machine-version.ts';
import { TableStore } from '../in-memory/table-store.ts';
import type { Past } from '../reader.ts';
import { Tables } from '../rules/tables.ts';
import type { Store, StorePorts } from '../store.ts';
import { checkedOptions, type JsonStoreOptions } from './json-store-options.ts';
import type { JsonLog } from './log/json-log.ts';
import { openJsonLog } from './log/open-json-log.ts';
import { checkDirectory } from './ports/directory.ts';
import { type FilePort, nodeFilePort } from './ports/file-port.ts';
import type { LockPort } from './ports/lock.ts';
import { createWorkerSyncPort, type SyncPort } from './ports/sync-port.ts';
import type { Backup } from './recovery/backup.ts';

/** A store in a directory. */
export interface JsonStore extends Store {
  /**
   * Copies the store, which this process has open, to a new directory: everything that was acknowledged by now, with
   * its history. Commits continue meanwhile. The directory gets its name when all of it is on disk, so a directory of
   * that name is a whole backup; a crash leaves at most a directory whose name ends in `.tmp`, which may be removed. To
   * restore, copy the backup to the place of the store. To check that a backup can be read, use `verifyStore`.
   *
   * @param dir - the new directory; its parents are made. It must not exist yet.
   * @throws SignalboxError `INVALID_OPTION` when the directory exists, `STORE_CLOSED` when the store is not open,
   * `STORE_FULL`, `STORE_PERMISSION`, `STORE_IO`; then nothing of the backup is left.
   *
   * @example
   * ```ts
   * import { createSignalbox } from 'signalbox';
   * import { jsonStore } from 'signalbox/json';
   *
   * const store = jsonStore('data/invoices');
   * const box = await createSignalbox({ store, jobs: [] });
   * const { seq } = await store.backup('backups/invoices-1');
   * console.log(seq > 0); // => true
   * await box.stop();
   * ```
   */
  backup(dir: string): Promise<Backup>;
}

/**
 * A store in a directory: one process, nothing to install, files that a person can read.
 *
 * A put that resolved survives a power cut. A second process on the same directory is refused.
 *
 * @example
 * ```ts
 * import { createSignalbox } from 'signalbox';
 * import { jsonStore } from 'signalbox/json';
 *
 * const box = await createSignalbox({ store: jsonStore('data/jobs'), jobs: [] });
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`. Opening throws `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_VERSION`, `STORE_NOT_A_STORE`, `STORE_MISSING`,
 * `STORE_PERMISSION`, `STORE_NO_LOCK`, `STORE_FULL` or `STORE_IO`; nothing is changed then.
 */
export function jsonStore(dir: string, options: JsonStoreOptions = {}): JsonStore {
  checkDirectory(dir);
  const { name, poolSize, retention, ofLog } = checkedOptions(options);
  let current: JsonLog | null = null;
  return {
    name,
    async backup(target) {
      if (current === null) throw new SignalboxError('STORE_CLOSED', { call: 'backup' });
      return current.backup(checkDirectory(target));
    },
    async open(ports) {
      const tables = new Tables();
      const { recovered, start } = await openJsonLog({
        dir,
        into: tables,
        files: options.files ?? nodeFilePort,
        syncs: (options.syncs ?? createWorkerSyncPort)(),
        defer: () => new Promise((resolve) => ports.defer(resolve)),
        now: ports.now,
        newId: ports.newId,
        revive: tables.revive,
        onReport: ports.report,
        ...ofLog,
      });
      const { seq } = recovered;
      if (tables.jobs.quarantined.size > 0) {
        ports.report(
          `${tables.jobs.quarantined.size} jobs are in a state or have values that this version does not know; they are not changed`,
        );
      }
      const epoch = (tables.get('store', 'store')?.epoch ?? 0) + 1;
      const log = await start(tables.state(seq));
      const store = new TableStore({
        name,
        epoch,
        directory: dir,
        poolSize,
        tables,
        log,
        seq,
        machineVersion,
        ports,
        retention,
      });
      try {
        await beginEpoch(store, epoch);
      } catch (error) {
        // The caller does not get this store, so only this code can release the lock.
        await store.close().catch(() => {});
        throw error;
      }
      current = log;
      return store;
    },
  };
}

/** Raises the epoch, and resolves when it is on disk: nothing may be written under it before. */
async function beginEpoch(store: TableStore, epoch: number): Promise<void> {
  const opened = {
    kind: 'store' as const,
    id: 'store',
    event: 'store.opened',
    from: null,
    to: null,
    patch: { epoch },
  };
  await store.commit({ by: 'store', changes: [opened], expect: [] }).synced;
}

export type { RecordCounts } from '../rules/record-counts.ts';
export { type ReadOptions, readStore } from './recovery/read-store.ts';
export { type Verification, type VerifyOptions, verifyStore } from './recovery/verify.ts';
export type { Backup, FilePort, JsonStoreOptions, LockPort, Past, StorePorts, SyncPort };
