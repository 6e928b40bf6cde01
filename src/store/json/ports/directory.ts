import { dirname, join } from 'node:path';
import { SignalboxError, shown } from '../../../errors.ts';
import { errnoOf, explained } from './failures.ts';
import type { FileFacts, FilePort } from './file-port.ts';

/** The newest state. */
export const snapshotName = 'snapshot.json';
/** The state before the newest one, for the case that the newest is damaged. */
export const previousSnapshotName = 'snapshot.prev.json';
/** Written by a clean close. */
export const cleanName = 'clean.json';
/** The mark of a store that was promoted to a database: it is not opened any more. */
export const promotedName = 'promoted.json';
/** The file with the kernel lock. */
export const lockName = 'lock';

const identityName = 'instance.uuid';
const journalPattern = /^journal-(\d{8,15})\.jsonl$/;
const historyPattern = /^snapshot-(\d{8,15})\.json$/;
const temporaryPattern = /^(?:snapshot|snapshot\.prev|clean|promoted)\.json\..+\.tmp$/;

/** Returns the name of a generation's journal. */
export function journalName(generation: number): string {
  return `journal-${String(generation).padStart(8, '0')}.jsonl`;
}

/** Returns the name of the snapshot that a generation began from, kept for history. */
export function historySnapshotName(generation: number): string {
  return `snapshot-${String(generation).padStart(8, '0')}.json`;
}

/** Returns a name for a file under construction. The next opening removes what a crash left. */
export function temporaryName(name: string, id: string): string {
  return `${name}.${id}.tmp`;
}

/** The files of a store in a directory. */
export interface Listing {
  /** Generations that have a journal, oldest first. */
  readonly journals: readonly number[];
  /** Generations that have a snapshot kept for history. */
  readonly historySnapshots: readonly number[];
  readonly snapshot: boolean;
  readonly previousSnapshot: boolean;
  readonly clean: boolean;
  readonly promoted: boolean;
  readonly temporary: readonly string[];
  /** True when there is no snapshot and no journal. */
  readonly empty: boolean;
}

/**
 * Lists a store's files. Ignores files of an application beside them.
 * @throws SignalboxError `STORE_NOT_A_STORE` when there are files, but no file of a store.
 * @throws SignalboxError `STORE_PERMISSION` when one of the store's names is not a regular file.
 */
export function listStore(files: FilePort, dir: string): Listing {
  const names = files.list(dir);
  const journals = generationsOf(names, journalPattern);
  const historySnapshots = generationsOf(names, historyPattern);
  const temporary = names.filter((name) => temporaryPattern.test(name));
  const fixed = [snapshotName, previousSnapshotName, cleanName, promotedName, lockName].filter((name) =>
    names.includes(name),
  );
  const isEmpty =
    journals.length === 0 && !names.includes(snapshotName) && !names.includes(previousSnapshotName);
  const ours = new Set([
    ...fixed,
    ...temporary,
    ...historySnapshots.map(historySnapshotName),
    ...journals.map(journalName),
  ]);
  const strange = names.find((name) => name !== identityName && !ours.has(name));
  if (isEmpty && strange !== undefined) {
    throw new SignalboxError('STORE_NOT_A_STORE', {
      path: dir,
      found: `${strange} and no snapshot or journal`,
    });
  }
  for (const name of [...ours, identityName]) refuseOtherThanFile(files, join(dir, name));
  return {
    journals,
    historySnapshots,
    snapshot: names.includes(snapshotName),
    previousSnapshot: names.includes(previousSnapshotName),
    clean: names.includes(cleanName),
    promoted: names.includes(promotedName),
    temporary,
    empty: isEmpty,
  };
}

function generationsOf(names: readonly string[], pattern: RegExp): readonly number[] {
  return names
    .map((name) => pattern.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

function refuseOtherThanFile(files: FilePort, path: string): void {
  const facts = files.lstat(path);
  if (facts === null) return;
  refuseForeign(facts, path);
  const { kind } = facts;
  if (kind === 'file') return;
  const found = kind === 'link' ? 'a symbolic link' : kind === 'directory' ? 'a directory' : 'a special file';
  throw new SignalboxError('STORE_PERMISSION', { path, found, wanted: 'a regular file' });
}

/** Refuses a file of another user: its owner can change it, whatever its mode is now. */
function refuseForeign({ foreignOwner }: FileFacts, path: string): void {
  if (foreignOwner === undefined) return;
  const wanted = 'owned by the user that this process acts for';
  throw new SignalboxError('STORE_PERMISSION', { path, found: `user ${foreignOwner} as its owner`, wanted });
}

/**
 * Makes the directory when it is missing, and checks that only its owner can write in it.
 * @returns false when it is missing and may not be made.
 */
export function prepareDirectory(files: FilePort, dir: string, create: boolean): boolean {
  const facts = files.stat(dir);
  if (facts === null) {
    if (!create) return false;
    makeDirectories(files, dir);
    return true;
  }
  if (facts.kind !== 'directory') {
    throw new SignalboxError('STORE_NOT_A_STORE', { path: dir, found: 'a file that is not a directory' });
  }
  refuseForeign(facts, dir);
  if ((facts.mode & 0o022) !== 0) {
    throw new SignalboxError('STORE_PERMISSION', {
      path: dir,
      found: `mode ${facts.mode.toString(8).padStart(4, '0')}`,
      wanted: 'a directory that only its owner can write in',
    });
  }
  return true;
}

/** Makes a directory and its missing parents. `syncAncestors` makes them durable. */
export function makeDirectories(files: FilePort, dir: string): void {
  const parent = dirname(dir);
  if (parent !== dir && files.stat(parent) === null) makeDirectories(files, parent);
  try {
    files.makeDirectory(dir);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw explained('mkdir', dir, error);
  }
}

/**
 * Makes the names of a directory and of all its parents durable: otherwise a power cut could remove the
 * directory with all its content. Also for a directory that existed, since the process that made it may have
 * been killed before this.
 */
export function syncAncestors(files: FilePort, dir: string, report: (message: string) => void): void {
  for (let path = dir; dirname(path) !== path; path = dirname(path)) {
    try {
      files.syncDirectory(dirname(path));
    } catch (error) {
      // A directory that this user may not read was hardly made by this user.
      if (!['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error)))
        throw explained('sync', dirname(path), error);
      report(
        `${dirname(path)} could not be synced (${errnoOf(error)}). If ${path} is new, a power cut may remove it.`,
      );
    }
  }
}

/** Refuses what is not a path. Empty text would mean the working directory of the process. */
export function checkDirectory(dir: unknown): string {
  if (typeof dir === 'string' && dir !== '') return dir;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'dir',
    expected: 'the path of a directory',
    actual: shown(dir),
    repair: "Write text, such as 'data/jobs'; of a URL make it with fileURLToPath.",
  });
}
