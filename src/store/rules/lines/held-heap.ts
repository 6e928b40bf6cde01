import type { JobRecord } from '../../../model/records/records.ts';
import { type Belongs, type FindJob, isAt, mostLooked, type Tally } from './line.ts';

/** When a job becomes due; ties are broken by id. */
export interface DueAt {
  readonly id: string;
  readonly beginAfter: number;
}

interface HeldPlace extends DueAt {
  readonly key: number;
}

/** Held jobs: a binary heap by (beginAfter, id). */
export class HeldHeap {
  readonly #belongs: Belongs;
  #places: HeldPlace[] = [];
  /** How many jobs are at a place here now. */
  size = 0;

  constructor(belongs: Belongs) {
    this.#belongs = belongs;
  }

  add(job: JobRecord): void {
    this.size += 1;
    const places = this.#places;
    let at = places.length;
    const place = { id: job.id, key: job.position, beginAfter: instantOf(job) };
    places.push(place);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = places[up] as HeldPlace;
      if (!isEarlier(place, parent)) break;
      places[at] = parent;
      at = up;
    }
    places[at] = place;
  }

  /** Returns the earliest job that is still here. */
  peek(find: FindJob): JobRecord | undefined {
    for (;;) {
      const first = this.#places[0];
      if (first === undefined) return undefined;
      const job = find(first.id);
      if (this.#isHere(job, first)) return job;
      this.#dropFirst();
    }
  }

  /**
   * Yields the jobs that are still here, earliest first. The cost is that of the jobs taken, not of those
   * that follow.
   */
  *jobs(find: FindJob): Generator<JobRecord> {
    const places = this.#places;
    // Places whose parents have been yielded, the earliest last.
    const open: number[] = places.length > 0 ? [0] : [];
    let previous: string | null = null;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const place = places[at] as HeldPlace;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < places.length) this.#insert(open, child);
      const job = find(place.id);
      if (!this.#isHere(job, place) || job.id === previous) continue;
      previous = job.id;
      yield job;
    }
  }

  /** How many jobs become due before an instant, or at it, by id. Costs the jobs that are counted. */
  countBefore(instant: DueAt, find: FindJob): Tally {
    this.peek(find);
    const isWhole = this.#places.length === this.size;
    const ids = new Set<string>();
    let places = 0;
    for (const place of this.#before(instant)) {
      places += 1;
      if (!isWhole && places <= mostLooked && this.#isHere(find(place.id), place)) ids.add(place.id);
    }
    const isExact = isWhole || places <= mostLooked;
    return { n: isWhole || !isExact ? places : ids.size, isExact };
  }

  /** A job whose put is undone and done again has two places, of one key and of two instants. */
  #isHere(job: JobRecord | undefined, place: HeldPlace): job is JobRecord {
    return isAt(job, place.key, this.#belongs) && instantOf(job) === place.beginAfter;
  }

  /** The places before an instant, in no order. */
  *#before(instant: DueAt): Generator<HeldPlace> {
    const open = [0];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const place = this.#places[at];
      if (place === undefined || !isEarlier(place, instant)) continue;
      open.push(2 * at + 1, 2 * at + 2);
      yield place;
    }
  }

  #insert(open: number[], index: number): void {
    const place = this.#places[index] as HeldPlace;
    let low = 0;
    let high = open.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isEarlier(place, this.#places[open[middle] as number] as HeldPlace)) low = middle + 1;
      else high = middle;
    }
    open.splice(low, 0, index);
  }

  #dropFirst(): void {
    const places = this.#places;
    const last = places.pop();
    if (last === undefined || places.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= places.length) break;
      const right = left + 1;
      const least =
        right < places.length && isEarlier(places[right] as HeldPlace, places[left] as HeldPlace)
          ? right
          : left;
      const child = places[least] as HeldPlace;
      if (!isEarlier(child, last)) break;
      places[at] = child;
      at = least;
    }
    places[at] = last;
  }
}

/** Held jobs stand by their instants; those of the other lines, when they are parked, by their keys. */
function instantOf({ line, position, beginAfter }: JobRecord): number {
  return line === 'held' ? (beginAfter ?? 0) : position;
}

/** Compares two held jobs: by the instant at which they become due, then by id. */
export function heldOrder(one: JobRecord, other: JobRecord): number {
  const difference = (one.beginAfter ?? 0) - (other.beginAfter ?? 0);
  if (difference !== 0) return difference;
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}

function isEarlier(one: DueAt, other: DueAt): boolean {
  return one.beginAfter < other.beginAfter || (one.beginAfter === other.beginAfter && one.id < other.id);
}
