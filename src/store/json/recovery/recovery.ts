/*
 * Room: recovery.
 *
 * Owns: From files to a state: recovery after a crash, the cut of a torn end, verification, backups, and
 *   reading a store that no process has open.
 *
 * Invariant: Each step can be repeated after a crash in it. What is damaged is named by file and byte and
 *   never repaired by a guess.
 *
 * May import: ports, journal, snapshot.
 */
import { join } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import type { Recipient, Revive } from '../../log.ts';
import { type ChainEnd, type Leniency, type ScannedJournal, scanJournal } from '../journal/scan.ts';
import {
  historySnapshotName,
  journalName,
  type Listing,
  previousSnapshotName,
  snapshotName,
} from '../ports/directory.ts';
import { corrupt, explained } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import { checkCleanMark } from '../snapshot/clean-marker.ts';
import { loadSnapshot } from '../snapshot/snapshot.ts';
import { type ReadSnapshot, readSnapshotHeader, type SnapshotHeader } from '../snapshot/snapshot-format.ts';

/** The checked content of a directory. Nothing was changed yet. */
export interface Recovery {
  /** Null for a new store. */
  readonly store: string | null;
  readonly snapshot: ReadSnapshot | null;
  /** False when `snapshot.json` is missing or damaged and the one before it was used. */
  readonly currentIsGood: boolean;
  /** Journals from the snapshot's generation on. */
  readonly journals: readonly ScannedJournal[];
  /** A last journal whose header was never written: it must be removed. */
  readonly unborn: number | null;
  readonly clean: boolean;
  /** The end of the last line. */
  readonly generation: number;
  readonly seq: number;
  readonly crc: number;
}

/** The receivers of a recovery. */
export interface RecoveryPorts {
  readonly into: Recipient;
  readonly revive: Revive;
  /** Called with messages for people. */
  readonly report: (message: string) => void;
}

/**
 * Finds the newest state that can be proved: a valid snapshot and every line after it. Refuses all damage that
 * a crash does not explain; the caller must then discard what the receivers got.
 * @throws SignalboxError `STORE_CORRUPT`, `STORE_VERSION`, `STORE_PERMISSION`, `STORE_IO`
 */
export async function recover(
  files: FilePort,
  dir: string,
  listing: Listing,
  ports: RecoveryPorts,
): Promise<Recovery> {
  if (isNew(listing)) {
    return {
      ...nothing,
      store: null,
      snapshot: null,
      journals: [],
      currentIsGood: true,
      unborn: null,
      clean: true,
    };
  }
  const { into, revive, report } = ports;
  const current = await loadOrDamage(files, dir, snapshotName, revive);
  if (!(current instanceof SignalboxError) && current !== null)
    return replay(files, dir, listing, current, true, into);

  const damage = current ?? missing(snapshotName, 0);
  const previous = await loadOrDamage(files, dir, previousSnapshotName, revive);
  try {
    if (previous instanceof SignalboxError) throw previous;
    const recovery = replay(files, dir, listing, previous, false, into);
    refuseEarlierEnd(files, dir, listing, recovery);
    // The very first opening may have ended before its snapshot was written: nothing was lost or damaged.
    if (recovery.generation <= 1 && recovery.seq === 0) return recovery;
    const from =
      previous === null ? 'the journals alone' : `${previousSnapshotName} and the journals after it`;
    report(
      `${snapshotName} is not as it was written (${damage.details.what}). Everything was recovered from ${from}.`,
    );
    return recovery;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new SignalboxError('STORE_CORRUPT', damage.details, { cause: error });
  }
}

const nothing = { generation: 0, seq: 0, crc: 0 };

function isNew(listing: Listing): boolean {
  return listing.empty && !listing.clean && listing.historySnapshots.length === 0;
}

/** Makes the error for a missing file. */
export function missing(file: string, lastGood: number): SignalboxError<'STORE_CORRUPT'> {
  return corrupt({ file, byte: 0, line: 0, what: 'no such file', lastGood });
}

async function loadOrDamage(
  files: FilePort,
  dir: string,
  name: string,
  revive: Revive,
): Promise<ReadSnapshot | SignalboxError<'STORE_CORRUPT'> | null> {
  try {
    return await loadSnapshot(files, dir, name, revive);
  } catch (error) {
    const failure = explained('read', join(dir, name), error);
    if (isCorrupt(failure)) return failure;
    throw failure;
  }
}

function isCorrupt(error: unknown): error is SignalboxError<'STORE_CORRUPT'> {
  return error instanceof SignalboxError && error.code === 'STORE_CORRUPT';
}

function replay(
  files: FilePort,
  dir: string,
  listing: Listing,
  snapshot: ReadSnapshot | null,
  currentIsGood: boolean,
  into: Recipient,
): Recovery {
  if (snapshot !== null) into.load(snapshot.state);
  const first = snapshot?.generation ?? 1;
  const last = listing.journals.at(-1) ?? 0;
  const journals: ScannedJournal[] = [];
  let end: ChainEnd = {
    store: snapshot?.store ?? null,
    seq: snapshot?.state.seq ?? 0,
    crc: snapshot === null ? 0 : null,
  };
  let unborn: number | null = null;
  if (last < first) throw missing(journalName(first), end.seq);
  for (let generation = first; generation <= last; generation += 1) {
    if (!listing.journals.includes(generation)) throw missing(journalName(generation), end.seq);
    const isLast = generation === last && !listing.clean;
    // A snapshot is renamed only after the header of its journal is on disk, so that journal must exist.
    const mayBeUnborn = isLast && generation !== snapshot?.generation;
    const journal = scan(files, dir, generation, end, { torn: isLast, unborn: mayBeUnborn }, into);
    if (journal === null) {
      unborn = generation;
    } else {
      journals.push(journal);
      end = { store: journal.header.store, seq: journal.seq, crc: journal.crc };
    }
  }
  refuseMissingJournal(listing, last, end.seq);
  const position = positionOf(journals);
  if (listing.clean) checkClean(files, dir, journals);
  return { store: end.store, snapshot, currentIsGood, journals, unborn, clean: listing.clean, ...position };
}

function scan(
  files: FilePort,
  dir: string,
  generation: number,
  before: ChainEnd,
  leniency: Leniency,
  into: Recipient,
): ScannedJournal | null {
  try {
    return scanJournal(files, dir, generation, before, leniency, (line) => into.replay(line));
  } catch (error) {
    throw explained('read', join(dir, journalName(generation)), error);
  }
}

function positionOf(journals: readonly ScannedJournal[]): Pick<Recovery, 'generation' | 'seq' | 'crc'> {
  const last = journals.at(-1);
  return last === undefined ? nothing : { generation: last.header.generation, seq: last.seq, crc: last.crc };
}

/** Checks that no journal is missing: a generation with a snapshot for history had a journal. */
function refuseMissingJournal(listing: Listing, last: number, lastGood: number): void {
  const newest = listing.historySnapshots.at(-1) ?? 0;
  if (newest > last) throw missing(`${journalName(newest)} beside ${historySnapshotName(newest)}`, lastGood);
}

function checkClean(files: FilePort, dir: string, journals: readonly ScannedJournal[]): void {
  const last = journals.at(-1) as ScannedJournal;
  const { store, generation } = last.header;
  checkCleanMark(files, dir, { store, generation, bytes: last.size, seq: last.seq, crc: last.crc });
}

/**
 * Refuses an end before the generation that the header of a damaged snapshot names, if the header can still be
 * read.
 */
function refuseEarlierEnd(files: FilePort, dir: string, listing: Listing, recovery: Recovery): void {
  const header = listing.snapshot ? headerOrNull(files, dir) : null;
  if (header !== null && header.generation > recovery.generation) {
    throw missing(journalName(header.generation), recovery.seq);
  }
}

function headerOrNull(files: FilePort, dir: string): SnapshotHeader | null {
  const fd = files.open(join(dir, snapshotName), 'read');
  try {
    return readSnapshotHeader(files, fd, snapshotName).header;
  } catch {
    // The snapshot is known to be damaged: its error is reported already.
    return null;
  } finally {
    files.close(fd);
  }
}
