import type { JobRecord } from '../../model/records/records.ts';

/** Looks a job up by id. */
export type FindJob = (id: string) => JobRecord | undefined;

/**
 * Whether a job still belongs to the lane in which it has a place: its settings may have changed since it
 * entered.
 */
type Belongs = (job: JobRecord) => boolean;

/**
 * Waiting jobs of one queue that a claim need not tell apart: same definition, same quota names, all with or
 * all without a deadline, and all with or all without quota slots (a job that was put back or handed back
 * keeps its own). Places are given up lazily: a place counts only while its job is still at it.
 */
export class Lane {
  readonly name: string;
  readonly quotaNames: readonly string[];
  readonly hasDeadlines: boolean;
  readonly holdsSlots: boolean;
  readonly putBack: Fifo;
  readonly now: Fifo;
  readonly held: HeldHeap;
  /** How many jobs wait here now. */
  size = 0;

  /** Makes the lane of this job and of all like it. */
  constructor(job: JobRecord) {
    this.name = job.name;
    this.quotaNames = job.quotaNames;
    this.hasDeadlines = job.beginBy !== null;
    this.holdsSlots = job.quotas.length > 0;
    const belongs = (other: JobRecord): boolean =>
      (other.beginBy !== null) === this.hasDeadlines &&
      other.quotas.length > 0 === this.holdsSlots &&
      other.name === this.name &&
      sameNames(other.quotaNames, this.quotaNames);
    this.putBack = new Fifo(belongs);
    this.now = new Fifo(belongs);
    this.held = new HeldHeap(belongs);
  }

  add(job: JobRecord): void {
    this.size += 1;
    const [line, key] = job.order ?? ['now', 0];
    if (line === 'held') this.held.add(job.id, key, job.beginAfter ?? 0);
    else if (line === 'putBack') this.putBack.add(job.id, key, job.beginAfter ?? 0);
    else this.now.add(job.id, key, job.beginAfter ?? 0);
  }

  remove(): void {
    this.size -= 1;
  }
}

/** Returns the key of the lane that a job belongs to. */
export function laneKey(job: JobRecord): string {
  const deadline = job.beginBy === null ? '' : '!';
  const slots = job.quotas.length === 0 ? '' : '+';
  return job.quotaNames.length === 0 && slots === ''
    ? job.name + deadline
    : `${job.name}${deadline}${slots} ${job.quotaNames.join(' ')}`;
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((name, at) => name === others[at]));
}

/** Whether the job still waits in a queue, at the place with this key. */
function isAt(job: JobRecord | undefined, key: number, belongs: Belongs): job is JobRecord {
  return job?.order?.[1] === key && job.order[0] !== 'claimed' && job.order[0] !== 'callback' && belongs(job);
}

/**
 * Places in order of key. Taking from the front is O(1); an earlier key returns only when a write was undone.
 */
export class Fifo {
  readonly #belongs: Belongs;
  #ids: string[] = [];
  #keys: number[] = [];
  /** The latest `beginAfter` of each place and all before it: it only grows. */
  #latest: number[] = [];
  #head = 0;

  constructor(belongs: Belongs) {
    this.#belongs = belongs;
  }

  add(id: string, key: number, beginAfter: number): void {
    const last = this.#keys.at(-1);
    let at = this.#keys.length;
    if (last === undefined || last < key) {
      this.#ids.push(id);
      this.#keys.push(key);
      this.#latest.push(Math.max(this.#latest.at(-1) ?? 0, beginAfter));
      return;
    }
    while (at > this.#head && (this.#keys[at - 1] ?? 0) > key) at -= 1;
    this.#ids.splice(at, 0, id);
    this.#keys.splice(at, 0, key);
    this.#latest.splice(at, 0, this.#latest[at - 1] ?? 0);
    for (; at < this.#latest.length && (this.#latest[at] ?? 0) < beginAfter; at += 1)
      this.#latest[at] = beginAfter;
  }

  /**
   * Whether a job before the place with this key has a `beginAfter` of at least this. As a rule the last one
   * before it decides; only pre-dated jobs behind given-up places make the search continue further back.
   */
  reaches(key: number, beginAfter: number, find: FindJob): boolean {
    let low = this.#head;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    for (let at = low - 1; at >= this.#head && (this.#latest[at] ?? 0) >= beginAfter; at -= 1) {
      const job = find(this.#ids[at] ?? '');
      if (isAt(job, this.#keys[at] ?? 0, this.#belongs) && (job.beginAfter ?? 0) >= beginAfter) return true;
    }
    return false;
  }

  /** Returns the index of the first place at or after `from` whose job is still at it, or -1. */
  next(from: number, find: FindJob): number {
    for (let at = Math.max(from, this.#head); at < this.#ids.length; at += 1) {
      const key = this.#keys[at] ?? 0;
      if (this.#repeats(at)) continue;
      if (isAt(find(this.#ids[at] ?? ''), key, this.#belongs)) {
        if (from <= this.#head) this.#forgetBefore(at);
        return from <= this.#head ? this.#head : at;
      }
    }
    if (from <= this.#head) this.#forgetBefore(this.#ids.length);
    return -1;
  }

  /**
   * Whether the same job has an earlier place with the same key: it left and came back. Another job, whose
   * write was undone, may have had that key as well; it is no longer here.
   */
  #repeats(at: number): boolean {
    for (let before = at - 1; before >= this.#head && this.#keys[before] === this.#keys[at]; before -= 1)
      if (this.#ids[before] === this.#ids[at]) return true;
    return false;
  }

  id(at: number): string {
    return this.#ids[at] ?? '';
  }

  key(at: number): number {
    return this.#keys[at] ?? 0;
  }

  /** Gives up the places before this one. Their memory is freed in large pieces, so each costs O(1). */
  #forgetBefore(at: number): void {
    this.#head = at;
    if (at < 1024 || at * 2 < this.#ids.length) return;
    this.#ids = this.#ids.slice(at);
    this.#keys = this.#keys.slice(at);
    this.#latest = this.#latest.slice(at);
    this.#head = 0;
  }

  /** Yields the jobs in order, without the given-up places. */
  *jobs(find: FindJob): Generator<JobRecord> {
    for (let at = this.#head; at < this.#ids.length; at += 1) {
      const key = this.#keys[at] ?? 0;
      const job = find(this.#ids[at] ?? '');
      if (isAt(job, key, this.#belongs) && !this.#repeats(at)) yield job;
    }
  }
}

interface HeldPlace {
  readonly id: string;
  readonly key: number;
  readonly beginAfter: number;
}

/** Held jobs: a binary heap by (beginAfter, id). */
export class HeldHeap {
  readonly #belongs: Belongs;
  #places: HeldPlace[] = [];

  constructor(belongs: Belongs) {
    this.#belongs = belongs;
  }

  add(id: string, key: number, beginAfter: number): void {
    const places = this.#places;
    let at = places.length;
    const place = { id, key, beginAfter };
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
      if (isAt(job, first.key, this.#belongs)) return job;
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
      if (!isAt(job, place.key, this.#belongs) || job.id === previous) continue;
      previous = job.id;
      yield job;
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

/** Compares two held jobs: by the instant at which they become due, then by id. */
export function heldOrder(one: JobRecord, other: JobRecord): number {
  const difference = (one.beginAfter ?? 0) - (other.beginAfter ?? 0);
  if (difference !== 0) return difference;
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}

function isEarlier(one: HeldPlace, other: HeldPlace): boolean {
  return one.beginAfter < other.beginAfter || (one.beginAfter === other.beginAfter && one.id < other.id);
}
