/*
 * Room: log.
 *
 * Owns: The log of an open json store: opening, checkpoints, history, closing.
 *
 * Invariant: One process holds a directory. A checkpoint changes nothing that recovery needs before the new
 *   snapshot is on disk.
 *
 * May import: ports, journal, snapshot, recovery.
 */
import { join, resolve } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import { recordKinds } from '../../kinds.ts';
import type { Recipient, Recovered, Revive, State } from '../../log.ts';
import { createHistory } from '../journal/history.ts';
import { createJournal, prepareHeader } from '../journal/journal-file.ts';
import { JournalWriter } from '../journal/journal-writer.ts';
import {
  type Listing,
  listStore,
  lockName,
  prepareDirectory,
  snapshotName,
  syncAncestors,
} from '../ports/directory.ts';
import { explained } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import { createKernelLock, type HeldLock, type LockPort, pidFileLock } from '../ports/lock.ts';
import { networkWarning } from '../ports/network-file-system.ts';
import type { SyncPort } from '../ports/sync-port.ts';
import { cutTornEnd } from '../recovery/cut-torn-end.ts';
import { type Recovery, recover } from '../recovery/recovery.ts';
import { listGenerations, recoveryFloor, removeOrphans } from '../snapshot/generations.ts';
import { promotedError, readPromotionMark } from '../snapshot/promotion-mark.ts';
import { createSnapshotContainer, keepForHistory } from '../snapshot/snapshot.ts';
import { asStored } from '../snapshot/snapshot-format.ts';
import { JsonLog, type LogDeps } from './json-log.ts';

/** The default sizes: bytes of closed journals that are kept, and journal bytes below which no checkpoint is made. */
export const defaultSizes = { historyMaxBytes: 64 * 1024 * 1024, checkpointMinBytes: 16 * 1024 * 1024 };

/** The options of a json log. */
export interface JsonLogOptions {
  /** The directory of the store. */
  readonly dir: string;
  /**
   * Whether a new store may be made where no store exists.
   * @defaultValue true
   */
  readonly create?: boolean;
  /** Receives the state while it is read and checked. Discard what it received when the opening is refused. */
  readonly into: Recipient;
  readonly files: FilePort;
  /** The port that syncs files. The log owns and closes it. */
  readonly syncs: SyncPort;
  /** Lets the event loop run: resolves in a later macrotask. */
  readonly defer: () => Promise<void>;
  /**
   * Closed generations older than this are dropped.
   * @defaultValue 7 days
   */
  readonly historyMaxAgeMs?: number;
  /**
   * Above this the oldest closed generations are dropped.
   * @defaultValue 64 MiB
   */
  readonly historyMaxBytes?: number;
  /**
   * Journal bytes below which no checkpoint is wanted.
   * @defaultValue 16 MiB
   */
  readonly checkpointMinBytes?: number;
  /**
   * The lock against a second writer: a kernel lock, on request a file with a process number, or a port of your own.
   * @defaultValue 'kernel'
   */
  readonly lock?: 'kernel' | 'pidfile-unsafe' | LockPort;
  /** Returns epoch milliseconds by the store's clock. */
  readonly now: () => number;
  /** Returns a new unique id: for the store, and for files under construction. */
  readonly newId: () => string;
  /**
   * Completes a record of the snapshot as it is read.
   * @defaultValue Records stay as they are in the file.
   */
  readonly revive?: Revive;
  /** Called with messages for people: a torn write that was cut, a damaged snapshot, a checkpoint that was left out. */
  readonly onReport?: (message: string) => void;
}

/** A log that was read and not yet started. Nothing in the directory was changed. */
export interface OpenedLog {
  readonly recovered: Recovered;
  /** Begins a new generation from the recovered state. */
  start(state: State): Promise<JsonLog>;
  /** Releases the lock instead of starting the log. */
  release(): void;
}

// Openings that change nothing may use one snapshot again and again; after so many empty journals a new one is written.
const longestChain = 16;
const dayMs = 24 * 60 * 60 * 1000;

/**
 * Opens the log in a directory: takes the lock, reads and checks everything.
 * @throws SignalboxError `STORE_LOCKED`, `STORE_NO_LOCK`, `STORE_MISSING`, `STORE_NOT_A_STORE`, `STORE_CORRUPT`,
 * `STORE_VERSION`, `STORE_PERMISSION`, `STORE_FULL`, `STORE_IO`
 */
export async function openJsonLog(options: JsonLogOptions): Promise<OpenedLog> {
  const { files, syncs, now, create = true, onReport: report = () => {} } = options;
  const dir = resolve(options.dir);
  let lock: HeldLock | null = null;
  try {
    // Checked before the lock makes its file: a directory that is not a store must stay unchanged.
    const isThere = prepareDirectory(files, dir, create);
    const isNew = !isThere || listStore(files, dir).empty;
    if (isNew && !create) throw new SignalboxError('STORE_MISSING', { path: dir });
    if (isNew) syncAncestors(files, dir, report);
    const warning = networkWarning(dir, files.fileSystemType(dir));
    if (warning !== null) report(warning);
    lock = await lockOf(options).acquire({ files, dir, path: join(dir, lockName), now: now() });
    return await readStore({ ...options, dir }, lock);
  } catch (error) {
    lock?.release();
    syncs.close();
    throw explained('open', dir, error);
  }
}

function lockOf({ lock = 'kernel' }: JsonLogOptions): LockPort {
  if (lock === 'kernel') return createKernelLock();
  return lock === 'pidfile-unsafe' ? pidFileLock : lock;
}

async function readStore(options: JsonLogOptions, lock: HeldLock): Promise<OpenedLog> {
  const { dir, files, syncs, newId, onReport: report = () => {} } = options;
  const listing = listStore(files, dir);
  if (listing.promoted) throw promotedError(dir, readPromotionMark(files, dir));
  const { into, revive = asStored } = options;
  const recovery = await recover(files, dir, listing, { into, revive, report });
  const store = recovery.store ?? newId();
  const { snapshot, seq, clean } = recovery;
  const release = () => {
    syncs.close();
    lock.release();
  };
  return {
    recovered: {
      storeId: store,
      snapshot: snapshot?.state ?? null,
      seq,
      clean,
    },
    async start(state) {
      try {
        return await startLog(options, { store, listing, recovery, lock, report }, state);
      } catch (error) {
        release();
        throw explained('start', dir, error);
      }
    },
    release,
  };
}

interface Opening {
  readonly store: string;
  readonly listing: Listing;
  readonly recovery: Recovery;
  readonly lock: HeldLock;
  readonly report: (message: string) => void;
}

async function startLog(options: JsonLogOptions, opening: Opening, state: State): Promise<JsonLog> {
  const { dir, files, syncs, now } = options;
  const { store, listing, recovery, lock, report } = opening;
  // Taken out here: a closure over the recovery would keep its records in memory as long as the log lives.
  const { unborn } = recovery;
  if (state.seq !== recovery.seq) {
    const expected = `the recovered seq ${recovery.seq}`;
    throw new SignalboxError('INVALID_OPTION', { option: 'state.seq', expected, actual: String(state.seq) });
  }
  cutTornEnd(files, dir, listing, recovery, report);

  const number = recovery.generation + 1;
  const header = prepareHeader(store, number, recovery.seq, recovery.crc, now());
  const journal = await createJournal(files, syncs, dir, header);
  const snapshots = createSnapshotContainer(options);
  try {
    const journals = listing.journals.filter((each) => each !== unborn);
    const closedBytes = await beginFrom(options, opening, snapshots, state, number);
    const older = listGenerations(files, dir, { ...listing, journals }, report);
    const generations = [
      ...older,
      { number, base: recovery.seq, beganAt: header.header.at, start: journal.bytes },
    ];
    removeOrphans(files, dir, listing, older[0]?.number ?? number, recoveryFloor(files, dir));

    const history = createHistory(
      { ...options, synced: () => ({ ...writer.synced, generation: writer.generation }) },
      generations,
    );
    const onMark = history.mark;
    const writer: JournalWriter = new JournalWriter(
      { dir, files, syncs, onMark },
      number,
      journal,
      recovery.seq,
    );
    // Passed one by one: the recovered records must not stay in memory as long as the log.
    const ports = { dir, files, syncs, now, defer: options.defer, newId: options.newId };
    const parts: LogDeps = {
      ...ports,
      ...settings(options),
      store,
      lock,
      report,
      writer,
      history,
      snapshots,
    };
    const log = new JsonLog(parts, {
      snapshotBytes: files.lstat(join(dir, snapshotName))?.size ?? 0,
      journalBytes: closedBytes,
    });
    log.dropOldHistory();
    return log;
  } catch (error) {
    files.close(journal.fd);
    throw error;
  }
}

function settings(options: JsonLogOptions): Pick<LogDeps, 'limits' | 'checkpointMinBytes'> {
  const {
    historyMaxAgeMs = 7 * dayMs,
    historyMaxBytes = defaultSizes.historyMaxBytes,
    checkpointMinBytes = defaultSizes.checkpointMinBytes,
  } = options;
  return { limits: { maxAgeMs: historyMaxAgeMs, maxBytes: historyMaxBytes }, checkpointMinBytes };
}

/**
 * Gives the new generation its snapshot: the present one if nothing has changed since, else a new one.
 * @returns the bytes of the journals since that snapshot.
 */
async function beginFrom(
  { dir, files }: JsonLogOptions,
  { store, recovery, report }: Opening,
  snapshots: ReturnType<typeof createSnapshotContainer>,
  state: State,
  generation: number,
): Promise<number> {
  const journalBytes = recovery.journals.reduce((sum, journal) => sum + journal.end, 0);
  if (isStillTheSnapshot(recovery, state)) {
    keepForHistory(files, dir, generation);
    files.syncDirectory(dir);
    return journalBytes;
  }
  try {
    const { currentIsGood: keepPrevious, snapshot: before } = recovery;
    await snapshots.write({ store, generation, state }, { keepPrevious, before });
    return 0;
  } catch (error) {
    // After a crash only the new snapshot makes the state safe; after a clean close the old one still does, unless it
    // is damaged.
    if (!recovery.clean || !recovery.currentIsGood || recovery.snapshot === null)
      throw explained('write the snapshot', dir, error);
    report(
      `No snapshot was written at the opening (${explained('write', dir, error).message}). The previous one stays in use.`,
    );
    return journalBytes;
  }
}

/**
 * Whether a state still has all records of a snapshot. Compares by identity: a changed or upcast record is a
 * new object.
 */
function isStillTheSnapshot({ clean, snapshot, currentIsGood, journals }: Recovery, state: State): boolean {
  if (!clean || !currentIsGood || snapshot === null || journals.length >= longestChain) return false;
  if (snapshot.state.seq !== state.seq) return false;
  return recordKinds.every((kind) => {
    const records = snapshot.state.records[kind];
    const given = state.records[kind];
    return records.length === given.length && records.every((record, index) => record === given[index]);
  });
}
