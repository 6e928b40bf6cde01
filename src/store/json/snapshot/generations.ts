import { join } from 'node:path';
import { type Generation, readHeader } from '../journal/journal-file.ts';
import {
  historySnapshotName,
  journalName,
  type Listing,
  previousSnapshotName,
  snapshotName,
} from '../ports/directory.ts';
import { explained } from '../ports/failures.ts';
import type { FilePort } from '../ports/file-port.ts';
import { readSnapshotHeader } from './snapshot-format.ts';

/** The limits of the history. */
export interface HistoryLimits {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

// A file takes whole blocks: thousands of almost empty generations count with the space that they take.
const blockBytes = 4096;

/**
 * Reads the headers of all journals. Returns the generations of the history, oldest first, without a gap up to
 * the newest.
 */
export function listGenerations(
  files: FilePort,
  dir: string,
  listing: Listing,
  report: (message: string) => void,
): Generation[] {
  const generations: Generation[] = [];
  for (const number of listing.journals.toReversed()) {
    const newer = generations[0];
    if (newer !== undefined && number !== newer.number - 1) break;
    const found = readHeader(files, join(dir, journalName(number)));
    if (typeof found === 'string') {
      report(
        `${journalName(number)} begins with ${found}: history starts after it. The state is not affected.`,
      );
      break;
    }
    const { base, at } = found.header;
    generations.unshift({ number, base, beganAt: at, start: found.next });
  }
  return generations;
}

/**
 * Returns the oldest generation that recovery may need: that of `snapshot.prev.json`, which replaces a damaged
 * `snapshot.json`.
 */
export function recoveryFloor(files: FilePort, dir: string): number {
  const floors = [snapshotName, previousSnapshotName]
    .filter((name) => files.lstat(join(dir, name)) !== null)
    .map((name) => generationOf(files, dir, name));
  return Math.min(...floors);
}

// A damaged snapshot may need every journal: then nothing is dropped.
function generationOf(files: FilePort, dir: string, name: string): number {
  const fd = files.open(join(dir, name), 'read');
  try {
    return readSnapshotHeader(files, fd, name).header.generation;
  } catch {
    return 0;
  } finally {
    files.close(fd);
  }
}

/**
 * Drops whole generations, oldest first: those that are too old, and those above the total size. Keeps every generation
 * that recovery or a reader needs.
 * @returns the kept generations.
 */
export function dropOldGenerations(
  files: FilePort,
  dir: string,
  generations: readonly Generation[],
  keepFrom: number,
  limits: HistoryLimits,
  now: number,
): Generation[] {
  const remaining = [...generations];
  const sizes = new Map(generations.slice(0, -1).map((each) => [each.number, sizeOf(files, dir, each)]));
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  while (remaining.length > 1) {
    const [oldest, next] = remaining as [Generation, Generation];
    const isOld = next.beganAt < now - limits.maxAgeMs;
    if (oldest.number >= keepFrom || !(isOld || total > limits.maxBytes)) break;
    removeGeneration(files, dir, oldest.number);
    total -= sizes.get(oldest.number) ?? 0;
    remaining.shift();
  }
  if (remaining.length < generations.length) files.syncDirectory(dir);
  return remaining;
}

/** Removes files that are older than the history: a crash during a removal may have left them. */
export function removeOrphans(
  files: FilePort,
  dir: string,
  listing: Listing,
  oldest: number,
  floor: number,
): void {
  const first = Math.min(oldest, floor);
  const orphans = new Set(
    [...listing.journals, ...listing.historySnapshots].filter((number) => number < first),
  );
  for (const number of orphans) removeGeneration(files, dir, number);
}

function sizeOf(files: FilePort, dir: string, { number }: Generation): number {
  const lengths = [journalName(number), historySnapshotName(number)].map(
    (name) => files.lstat(join(dir, name))?.size ?? 0,
  );
  return lengths.reduce((sum, length) => sum + Math.ceil(length / blockBytes) * blockBytes, 0);
}

function removeGeneration(files: FilePort, dir: string, number: number): void {
  for (const name of [journalName(number), historySnapshotName(number)]) {
    const path = join(dir, name);
    try {
      if (files.lstat(path) !== null) files.unlink(path);
    } catch (error) {
      throw explained('unlink', path, error);
    }
  }
}
