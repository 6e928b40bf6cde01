import type { JobRecord } from '../../../model/records/records.ts';
import { type Belongs, type FindJob, isAt, mostLooked, type Tally } from './line.ts';

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
  /** The index of the place that `next` has found. */
  foundAt = 0;
  /** How many jobs are at a place here now. */
  size = 0;

  constructor(belongs: Belongs) {
    this.#belongs = belongs;
  }

  add(id: string, key: number, beginAfter: number): void {
    this.size += 1;
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
    const end = this.#placesBefore(key);
    for (let at = end - 1; at >= this.#head && (this.#latest[at] ?? 0) >= beginAfter; at -= 1) {
      const job = find(this.#ids[at] ?? '');
      if (isAt(job, this.#keys[at] ?? 0, this.#belongs) && (job.beginAfter ?? 0) >= beginAfter) return true;
    }
    return false;
  }

  /** Returns the job of the first place at or after `from` that is still at it. */
  next(from: number, find: FindJob): JobRecord | undefined {
    if (this.size === 0) {
      this.#forgetBefore(this.#ids.length);
      return undefined;
    }
    for (let at = Math.max(from, this.#head); at < this.#ids.length; at += 1) {
      const key = this.#keys[at] ?? 0;
      if (this.#repeats(at)) continue;
      const job = find(this.#ids[at] ?? '');
      if (isAt(job, key, this.#belongs)) {
        if (from <= this.#head) this.#forgetBefore(at);
        this.foundAt = from <= this.#head ? this.#head : at;
        return job;
      }
    }
    if (from <= this.#head) this.#forgetBefore(this.#ids.length);
    return undefined;
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

  /** Gives up the places before this one. Their memory is freed in large pieces, so each costs O(1). */
  #forgetBefore(at: number): void {
    this.#head = at;
    if (at < 1024 || at * 2 < this.#ids.length) return;
    this.#ids = this.#ids.slice(at);
    this.#keys = this.#keys.slice(at);
    this.#latest = this.#latest.slice(at);
    this.#head = 0;
  }

  /** How many jobs have a place before this key. */
  countBefore(key: number, find: FindJob): Tally {
    if (key === Number.POSITIVE_INFINITY) return { n: this.size, isExact: true };
    this.next(this.#head, find);
    const end = this.#placesBefore(key);
    const places = end - this.#head;
    if (this.#ids.length - this.#head === this.size) return { n: places, isExact: true };
    if (places > mostLooked) return { n: places, isExact: false };
    let n = 0;
    for (let at = this.#head; at < end; at += 1) if (this.#jobAt(at, find) !== undefined) n += 1;
    return { n, isExact: true };
  }

  /** The latest `beginAfter` of the job at this key and of those before it. */
  latestUpTo(key: number, find: FindJob): number {
    let latest = 0;
    let at = this.#placesBefore(key + 1) - 1;
    for (; at >= this.#head && (this.#latest[at] ?? 0) > latest; at -= 1) {
      latest = Math.max(latest, this.#jobAt(at, find)?.beginAfter ?? 0);
    }
    return latest;
  }

  /** The key of the first job with a `beginAfter` of at least this; infinite when there is none. */
  firstReaching(beginAfter: number, find: FindJob): number {
    let at = this.#first((place) => (this.#latest[place] ?? 0) >= beginAfter);
    for (; at < this.#ids.length; at += 1) {
      const job = this.#jobAt(at, find);
      if (job !== undefined && (job.beginAfter ?? 0) >= beginAfter) return this.#keys[at] ?? 0;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The index of the first place with this key or a later one. */
  #placesBefore(key: number): number {
    return this.#first((at) => (this.#keys[at] ?? 0) >= key);
  }

  /** The index of the first place that is so; all behind it are so, too. */
  #first(isSo: (at: number) => boolean): number {
    let low = this.#head;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isSo(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The job that is still at a place. */
  #jobAt(at: number, find: FindJob): JobRecord | undefined {
    const job = find(this.#ids[at] ?? '');
    return isAt(job, this.#keys[at] ?? 0, this.#belongs) && !this.#repeats(at) ? job : undefined;
  }
}
