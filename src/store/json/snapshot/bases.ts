import { join } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import { emptyState, type Revive, type State } from '../../log.ts';
import type { Generation } from '../journal/journal-file.ts';
import { historySnapshotName, previousSnapshotName, snapshotName } from '../ports/directory.ts';
import { corrupt, errnoOf, explained } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import { type ReadSnapshot, readSnapshotHeader, snapshotInPieces } from './snapshot-format.ts';

/** Where the whole state of a moment is kept. */
export interface BaseFile {
  readonly seq: number;
  /** Null: the empty state before the first entry, of which no file is needed. */
  readonly file: string | null;
}

/**
 * Lists the states from which the history can be replayed, oldest first: at most one for each generation, since each begins from a
 * state. A generation without its own snapshot may have begun from one of the two that recovery needs.
 */
export function listBases(
  files: FilePort,
  dir: string,
  generations: readonly Generation[],
): readonly BaseFile[] {
  const found = new Map<number, string | null>();
  for (const { base } of generations) if (base === 0) found.set(0, null);
  for (const name of [snapshotName, previousSnapshotName]) {
    const seq = seqOf(files, dir, name);
    if (generations.some(({ base }) => base === seq)) found.set(seq as number, name);
  }
  for (const { number, base } of generations) {
    const name = historySnapshotName(number);
    if (files.lstat(join(dir, name)) !== null) found.set(base, name);
  }
  return [...found].map(([seq, file]) => ({ seq, file })).sort((one, other) => one.seq - other.seq);
}

/** The seq that a snapshot names; null when it is missing or damaged, which only recovery has to mind. */
function seqOf(files: FilePort, dir: string, name: string): number | null {
  let fd: number | null = null;
  try {
    fd = files.open(join(dir, name), 'read');
    return readSnapshotHeader(files, fd, name).header.seq;
  } catch {
    return null;
  } finally {
    if (fd !== null) files.close(fd);
  }
}

/** The dependencies of reading a kept state. */
export interface BasePorts {
  readonly dir: string;
  readonly files: FilePort;
  readonly defer: () => Promise<void>;
}

/**
 * Reads one of the states, in pieces between which the event loop runs.
 * @throws SignalboxError `HISTORY_CUT` when it was dropped meanwhile, `STORE_CORRUPT`, `STORE_VERSION`, `STORE_PERMISSION`,
 * `STORE_IO`
 */
export async function readBase(
  { dir, files, defer }: BasePorts,
  { seq, file }: BaseFile,
  revive: Revive,
): Promise<State> {
  if (file === null) return emptyState;
  const path = join(dir, file);
  try {
    const fd = files.open(path, 'read');
    try {
      const { state } = await inPieces(snapshotInPieces(files, fd, file, revive), defer);
      if (state.seq === seq) return state;
      const what = `the state of seq ${state.seq} where that of ${seq} is wanted`;
      throw corrupt({ file, byte: 0, line: 1, what, lastGood: 0 });
    } finally {
      files.close(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new SignalboxError('HISTORY_CUT', { seq }, { cause: error });
    throw explained('read', path, error);
  }
}

async function inPieces(
  pieces: Generator<void, ReadSnapshot>,
  defer: () => Promise<void>,
): Promise<ReadSnapshot> {
  for (let piece = pieces.next(); ; piece = pieces.next()) {
    if (piece.done === true) return piece.value;
    await defer();
  }
}
