import type { JobRecord } from '../../model/records/records.ts';

/** How many records are worked on before the event loop may run: less than a millisecond. */
export const pieceRecords = 512;

/** Compares two jobs by when they came to their present place. */
export function comparePlaces(one: JobRecord, other: JobRecord): number {
  return placeKey(one) - placeKey(other);
}

function placeKey(job: JobRecord): number {
  return job.state === 'completed' || job.line === null ? job.lastSeq : job.position;
}

/**
 * Sorts jobs by when they came to their present place, so that every index lists them in that order: sorted runs, which are merged
 * until one is left. Yields between pieces.
 */
export function* byPlace(jobs: readonly JobRecord[]): Generator<void, readonly JobRecord[]> {
  let runs: JobRecord[][] = [];
  for (let at = 0; at < jobs.length; at += pieceRecords) {
    runs.push(jobs.slice(at, at + pieceRecords).sort(comparePlaces));
    yield;
  }
  while (runs.length > 1) {
    const merged: JobRecord[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* joined(runs[at] as JobRecord[], runs[at + 1] ?? []));
      yield;
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

/** Merges two sorted runs. Most snapshots are in order already: then one follows the other. */
function* joined(one: JobRecord[], other: JobRecord[]): Generator<void, JobRecord[]> {
  const [last, first] = [one.at(-1), other[0]];
  if (last === undefined || first === undefined || comparePlaces(last, first) <= 0) return one.concat(other);
  const all: JobRecord[] = [];
  let [left, right] = [0, 0];
  for (let a = one[0], b: JobRecord | undefined = first; a !== undefined || b !== undefined; ) {
    if (b === undefined || (a !== undefined && comparePlaces(a, b) <= 0)) {
      all.push(a as JobRecord);
      a = one[++left];
    } else {
      all.push(b);
      b = other[++right];
    }
    if (all.length % (8 * pieceRecords) === 0) yield;
  }
  return all;
}
