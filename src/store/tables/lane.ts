import type { JobRecord } from '../../model/records.ts';

/** Looks a job up by id. */
export type FindJob = (id: string) => JobRecord | undefined;

/**
 * Waiting jobs of one queue that a claim need not tell apart: same definition, same quota names, and all with or
 * all without a deadline. Places are given up lazily: a place counts only while its job still stands there.
 */
export class Lane {
  readonly name: string;
  readonly quotaNames: readonly string[];
  readonly hasDeadlines: boolean;
  readonly putBack = new Fifo();
  readonly now = new Fifo();
  readonly held = new HeldHeap();
  /** Jobs that stand here now. */
  size = 0;

  constructor(name: string, quotaNames: readonly string[], hasDeadlines: boolean) {
    this.name = name;
    this.quotaNames = quotaNames;
    this.hasDeadlines = hasDeadlines;
  }

  add(job: JobRecord): void {
    this.size += 1;
    const [line, key] = job.order ?? ['now', 0];
    if (line === 'held') this.held.add(job.id, key, job.beginAfter ?? 0);
    else if (line === 'putBack') this.putBack.add(job.id, key);
    else this.now.add(job.id, key);
  }

  remove(): void {
    this.size -= 1;
  }
}

/** The lane a job belongs to. */
export function laneKey(job: JobRecord): string {
  const deadline = job.beginBy === null ? '' : '!';
  return job.quotaNames.length === 0
    ? job.name + deadline
    : `${job.name}${deadline} ${job.quotaNames.join(' ')}`;
}

/** Whether the job still stands in a queue at the place with this key. */
function stands(job: JobRecord | undefined, key: number): job is JobRecord {
  return job?.order?.[1] === key && job.order[0] !== 'claimed' && job.order[0] !== 'callback';
}

/** Places in order of key. Taking from the front is O(1); an earlier key comes back only when a write was undone. */
export class Fifo {
  #ids: string[] = [];
  #keys: number[] = [];
  #head = 0;

  add(id: string, key: number): void {
    const last = this.#keys.at(-1);
    if (last === undefined || last < key) {
      this.#ids.push(id);
      this.#keys.push(key);
      return;
    }
    let at = this.#keys.length;
    while (at > this.#head && (this.#keys[at - 1] ?? 0) > key) at -= 1;
    this.#ids.splice(at, 0, id);
    this.#keys.splice(at, 0, key);
  }

  /** Index of the first place at or after `from` whose job still stands there, or -1. */
  next(from: number, find: FindJob): number {
    for (let at = Math.max(from, this.#head); at < this.#ids.length; at += 1) {
      const key = this.#keys[at] ?? 0;
      if (at > this.#head && this.#keys[at - 1] === key) continue;
      if (stands(find(this.#ids[at] ?? ''), key)) {
        if (from <= this.#head) this.#forgetBefore(at);
        return from <= this.#head ? this.#head : at;
      }
    }
    if (from <= this.#head) this.#forgetBefore(this.#ids.length);
    return -1;
  }

  id(at: number): string {
    return this.#ids[at] ?? '';
  }

  key(at: number): number {
    return this.#keys[at] ?? 0;
  }

  /** Dead places at the front cost nothing; their memory is given back in large pieces, so each costs O(1). */
  #forgetBefore(at: number): void {
    this.#head = at;
    if (at < 1024 || at * 2 < this.#ids.length) return;
    this.#ids = this.#ids.slice(at);
    this.#keys = this.#keys.slice(at);
    this.#head = 0;
  }

  /** Ids in order, without the given-up places. */
  *jobs(find: FindJob): Generator<JobRecord> {
    for (let at = this.#head; at < this.#ids.length; at += 1) {
      const key = this.#keys[at] ?? 0;
      const job = find(this.#ids[at] ?? '');
      if (stands(job, key) && (at === this.#head || this.#keys[at - 1] !== key)) yield job;
    }
  }
}

interface HeldPlace {
  readonly id: string;
  readonly key: number;
  readonly beginAfter: number;
}

/** Held jobs as a binary heap by (beginAfter, id). */
export class HeldHeap {
  #places: HeldPlace[] = [];

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

  /** The earliest job that still stands here. */
  peek(find: FindJob): JobRecord | undefined {
    for (;;) {
      const first = this.#places[0];
      if (first === undefined) return undefined;
      const job = find(first.id);
      if (stands(job, first.key)) return job;
      this.#dropFirst();
    }
  }

  /** All that still stand here, earliest first. O(n log n): only for listings and for claims that skip. */
  jobs(find: FindJob): JobRecord[] {
    const standing: JobRecord[] = [];
    for (const place of this.#places) {
      const job = find(place.id);
      if (stands(job, place.key)) standing.push(job);
    }
    return standing
      .sort((one, other) => heldOrder(one, other))
      .filter((job, at, all) => job.id !== all[at - 1]?.id);
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

/** Held jobs are ordered by the instant they become due, then by id. */
export function heldOrder(one: JobRecord, other: JobRecord): number {
  const difference = (one.beginAfter ?? 0) - (other.beginAfter ?? 0);
  if (difference !== 0) return difference;
  return one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
}

function isEarlier(one: HeldPlace, other: HeldPlace): boolean {
  return one.beginAfter < other.beginAfter || (one.beginAfter === other.beginAfter && one.id < other.id);
}
