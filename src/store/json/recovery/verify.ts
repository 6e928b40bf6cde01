import { join, resolve } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import { countRecords, type RecordCounts } from '../../rules/record-counts.ts';
import { Tables } from '../../rules/tables.ts';
import { toHex } from '../journal/frame.ts';
import { readHeader } from '../journal/journal-file.ts';
import type { JournalHeader } from '../journal/line.ts';
import { type ChainEnd, type ScannedJournal, scanJournal } from '../journal/scan.ts';
import {
  checkDirectory,
  cleanName,
  historySnapshotName,
  journalName,
  type Listing,
  listStore,
  lockName,
  prepareDirectory,
  previousSnapshotName,
  snapshotName,
} from '../ports/directory.ts';
import { corrupt, explained } from '../ports/failures.ts';
import { type FilePort, nodeFilePort } from '../ports/file-port.ts';
import { createKernelLock, type LockPort, readersLock } from '../ports/lock.ts';
import { asStored, readSnapshot } from '../snapshot/snapshot-format.ts';
import { missing, type Recovery, recover } from './recovery.ts';

/** The result of a verification of a json store. */
export interface Verification {
  /** Id of the store; null in an empty directory. */
  readonly storeId: string | null;
  /** Seq of the newest entry that an opening would recover. */
  readonly seq: number;
  /** True when the store was closed, or is a backup: then no byte may be missing. */
  readonly clean: boolean;
  /** The records that an opening would find. */
  readonly counts: RecordCounts;
  /** Names of the files that were read without damage, oldest first. */
  readonly good: readonly string[];
  /**
   * Damage that an opening would survive, as `STORE_CORRUPT` with file and byte: in a closed journal of the
   * history, or in a snapshot that other files replace.
   */
  readonly damage: readonly SignalboxError[];
  /** The reports of an opening: a torn write that would be cut, a damaged snapshot that other files replace. */
  readonly reports: readonly string[];
}

/** The options of a verification. */
export interface VerifyOptions {
  /** File operations, for fault tests. */
  readonly files?: FilePort;
  /** The lock against a writer, for fault tests. Default: a kernel lock, where the store has a lock file. */
  readonly lock?: LockPort;
}

/**
 * Reads all files of a json store, checks every checksum and every chain, and changes nothing. For backups, and
 * for a store that no process has open. Trust a backup only after this has read it.
 *
 * It reads synchronously (about 100 MB a second), so call it in a process that has nothing else to do.
 *
 * @throws SignalboxError `STORE_CORRUPT`, with file and byte, when an opening would be refused for damage
 * @throws SignalboxError `STORE_MISSING`, `STORE_LOCKED`, `STORE_VERSION`, `STORE_NOT_A_STORE`, `STORE_PERMISSION`, `STORE_IO`
 *
 * @example
 * ```ts
 * import { createSignalbox } from 'signalbox';
 * import { jsonStore, verifyStore } from 'signalbox/json';
 *
 * const store = jsonStore('data/orders');
 * const box = await createSignalbox({ store, jobs: [] });
 * await store.backup('data/orders-monday');
 * await box.stop();
 * const { clean, damage } = await verifyStore('data/orders-monday');
 * console.log(clean, damage.length); // => true 0
 * ```
 */
export async function verifyStore(
  dir: string,
  { files = nodeFilePort, lock = createKernelLock() }: VerifyOptions = {},
): Promise<Verification> {
  const path = resolve(checkDirectory(dir));
  if (!prepareDirectory(files, path, false)) throw new SignalboxError('STORE_MISSING', { path });
  const lockPath = join(path, lockName);
  const held = await readersLock(lock).acquire({ files, dir: path, path: lockPath, now: 0 });
  try {
    return await verify(files, path);
  } catch (error) {
    throw explained('read', path, error);
  } finally {
    held.release();
  }
}

/** Throws the error of an opening that would be refused; reports everything else. */
async function verify(files: FilePort, dir: string): Promise<Verification> {
  const listing = listStore(files, dir);
  const reports: string[] = [];
  const tables = new Tables();
  const report = (message: string) => void reports.push(message);
  const recovery = await recover(files, dir, listing, { into: tables, revive: tables.revive, report });
  const { store, seq, clean, journals, currentIsGood } = recovery;
  const good = journals.map(({ header }) => journalName(header.generation));
  if (listing.clean) good.push(cleanName);
  const torn = journals.reduce((sum, { size, end }) => sum + size - end, 0);
  if (torn > 0)
    reports.push(`The last journal ends in a torn write of ${torn} bytes, which an opening would cut.`);
  const damage: SignalboxError[] = [];
  if (!currentIsGood && !listing.snapshot && seq > 0) damage.push(missing(snapshotName, 0));
  for (const { name, read } of [
    ...historyOf(files, dir, listing, recovery),
    ...snapshotsOf(files, dir, listing, store),
  ]) {
    try {
      read();
      good.push(name);
    } catch (error) {
      damage.push(explained('read', name, error));
    }
  }
  const counts = countRecords(tables.state(seq).records);
  return { storeId: store, seq, clean, counts, good: good.sort(), damage, reports };
}

const strict = { torn: false, unborn: false };

interface FurtherFile {
  readonly name: string;
  /** @throws when it is not as it was written. */
  read(): void;
}

/** Verifies the closed journals before the recovered ones, each chained to the one before it. */
function historyOf(
  files: FilePort,
  dir: string,
  listing: Listing,
  { store, journals }: Recovery,
): readonly FurtherFile[] {
  const first = journals[0]?.header;
  let before: (ChainEnd & { readonly generation: number }) | null = null;
  return listing.journals
    .filter((number) => first !== undefined && number < first.generation)
    .map((number) => ({
      name: journalName(number),
      read() {
        const known = before?.generation === number - 1 ? before : null;
        before = null;
        const header = known === null ? readHeader(files, join(dir, journalName(number))) : null;
        // The scan reports the fault of a header with its position.
        const seq = known?.seq ?? (header === null || typeof header === 'string' ? 0 : header.header.base);
        const start = known ?? { store, seq, crc: null };
        const end = scanJournal(files, dir, number, start, strict, () => {}) as ScannedJournal;
        if (number + 1 === first?.generation) refuseOtherEnd(end, first);
        before = { generation: number, store, seq: end.seq, crc: end.crc };
      },
    }));
}

/** Checks that the first recovered journal follows the last line of the history. */
function refuseOtherEnd({ header, end, seq, crc }: ScannedJournal, next: JournalHeader): void {
  if (seq === next.base && toHex(crc) === next.previous) return;
  const what = `an end at seq ${seq} (${toHex(crc)}) where ${next.base} (${next.previous}) is followed`;
  throw corrupt({ file: journalName(header.generation), byte: end, line: 0, what, lastGood: header.base });
}

/** Verifies every snapshot once, also when it has several names. */
function snapshotsOf(
  files: FilePort,
  dir: string,
  listing: Listing,
  store: string | null,
): readonly FurtherFile[] {
  const names = [
    ...(listing.snapshot ? [snapshotName] : []),
    ...(listing.previousSnapshot ? [previousSnapshotName] : []),
    ...listing.historySnapshots.map(historySnapshotName),
  ];
  const byInode = new Map(names.toReversed().map((name) => [files.lstat(join(dir, name))?.inode, name]));
  return [...byInode.values()].map((name) => ({
    name,
    read() {
      const fd = files.open(join(dir, name), 'read');
      try {
        const found = readSnapshot(files, fd, name, asStored).store;
        const what = `the snapshot of another store, ${found}`;
        if (found !== store) throw corrupt({ file: name, byte: 0, line: 1, what, lastGood: 0 });
      } finally {
        files.close(fd);
      }
    },
  }));
}
