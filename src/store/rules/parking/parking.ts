import { latestStart } from '../../../model/jobs/deadline.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { Instants } from '../lines/instants.ts';
import type { FindJob } from '../lines/line.ts';
import { Aside, Bucket, type Spot } from './aside.ts';

/** How many slots of a limit are free, how many jobs may begin under it by its rate, and when one may. */
export type RoomOf = (limit: string) => {
  readonly slots: number;
  readonly tokens: number;
  readonly opensAt: number;
};

/** The part of a lane that parked jobs are kept in. */
export interface ParkedLane {
  readonly holdsSlots: boolean;
  aside: Aside | null;
  remove(job: JobRecord): void;
}

/** How many keys are looked at, and jobs of one key let out, between two looks of a claim. */
const page = 1000;
/** How many keys a poll looks at. */
const pollKeys = 200;

/**
 * The jobs of one queue that are parked, by key. Where a job is parked is no part of its record: it is a place in the index, which a
 * claim finds anew after an opening.
 *
 * As long as a key has room, and parked jobs, as many of each lane are let out as there is room for. It is brought about before a
 * claim looks (`ready`) and after it (`settle`), for the keys that something happened to since (`touch`).
 */
export class Parking {
  readonly #find: FindJob;
  readonly #keys = new Map<string, Map<Aside, Bucket>>();
  readonly #touched = new Set<string>();
  readonly #openings = new Instants();
  readonly #opensAt = new Map<string, number>();
  /** Parked jobs by the instant at which they are too late. */
  readonly #tooLate = new Instants();
  /** Quotas that were changed: their keys are looked at in pages. */
  readonly #changed = new Map<string, Iterator<string, void>>();
  #turn: Iterator<string, void> | null = null;

  constructor(find: FindJob) {
    this.#find = find;
  }

  /** How many jobs are parked under a key. */
  parked(limit: string): number {
    let parked = 0;
    for (const bucket of this.#keys.get(limit)?.values() ?? []) parked += bucket.parked;
    return parked;
  }

  /**
   * Parks a job of a lane, which was offered. Returns whether it passes room on: it was let out for another key, whose room is now
   * there for the next one.
   */
  park(lane: ParkedLane, job: JobRecord, limit: string): boolean {
    lane.aside ??= new Aside(lane.holdsSlots);
    const spot = lane.aside.at(job.id);
    if (spot === undefined) lane.remove(job);
    else this.#forget(spot);
    lane.aside.park(job, this.#bucket(limit, lane.aside));
    const last = latestStart(job);
    // One that was let out as too late was not, if the clock was set back since.
    if (last !== null && (spot === undefined || spot.bucket === null)) this.#tooLate.add(job.id, last);
    // Its room may have been made by the same claim, and taken back.
    this.#touched.add(limit);
    return spot !== undefined && spot.bucket !== null && spot.bucket.limit !== limit;
  }

  /** A job that had left its line leaves the lane, too. */
  left(spot: Spot): void {
    this.#forget(spot);
  }

  /** Something has changed that may have given a key room. */
  touch(limit: string): void {
    if (this.#keys.has(limit)) this.#touched.add(limit);
  }

  /** A quota has changed, and all its keys with it. */
  touchAll(quota: string): void {
    if (this.#keys.size > 0) this.#changed.set(quota, this.#keys.keys());
  }

  /** Lets out what may be offered to a claim. `isPoll`: also what nothing has let out. Returns whether there is more to look at. */
  ready(now: number, roomOf: RoomOf, asideOf: (job: JobRecord) => Aside | null, isPoll: boolean): boolean {
    for (const { id } of this.#tooLate.takeUntil(now - 1)) this.#letOutLate(id, asideOf);
    for (const { id, at } of this.#openings.takeUntil(now)) {
      if (this.#opensAt.get(id) !== at) continue;
      this.#opensAt.delete(id);
      this.touch(id);
    }
    const isMore = this.#touchChanged();
    this.settle(now, roomOf);
    if (isPoll) this.#letOutOneMore(roomOf);
    return isMore;
  }

  /** Lets out as many as there is room for. Returns whether it has let any out. */
  settle(now: number, roomOf: RoomOf): boolean {
    if (this.#touched.size === 0) return false;
    let isAny = false;
    for (const limit of this.#touched) {
      const buckets = this.#keys.get(limit);
      if (buckets === undefined) continue;
      const room = roomOf(limit);
      const { opensAt } = room;
      for (const bucket of buckets.values()) {
        const free = Math.min(roomFor(bucket, room), page);
        while (free > 0 && this.#letOut(bucket, free)) isAny = true;
      }
      if (opensAt > now && this.#keys.has(limit)) this.#openLater(limit, opensAt);
    }
    this.#touched.clear();
    return isAny;
  }

  /** The earliest instant later than another one at which a key opens, or a parked job is too late. */
  due(since: number): number | null {
    const [opening, last] = [this.#openings.after(since), this.#tooLate.after(since - 1)];
    return last === null ? opening : Math.min(last + 1, opening ?? last + 1);
  }

  #bucket(limit: string, aside: Aside): Bucket {
    let buckets = this.#keys.get(limit);
    if (buckets === undefined) {
      buckets = new Map();
      this.#keys.set(limit, buckets);
    }
    let bucket = buckets.get(aside);
    if (bucket === undefined) {
      bucket = new Bucket(limit, aside);
      buckets.set(aside, bucket);
    }
    return bucket;
  }

  /** Lets the first one out, unless enough are out and none of them comes after it. */
  #letOut(bucket: Bucket, enough: number): boolean {
    const job = bucket.parked > 0 ? bucket.first(this.#find) : undefined;
    if (job === undefined || (bucket.out >= enough && !bucket.isOvertaken(job))) return false;
    bucket.letOut(job);
    bucket.aside.letOut(job, bucket);
    return true;
  }

  #letOutLate(id: string, asideOf: (job: JobRecord) => Aside | null): void {
    const job = this.#find(id);
    const aside = job === undefined ? null : asideOf(job);
    const spot = aside?.at(id);
    if (job === undefined || aside == null || spot === undefined || spot.isOut) return;
    this.#forget(spot);
    aside.letOut(job, null);
  }

  /** Where a job was is given up: the room that it was let out for is there for the next one. */
  #forget({ bucket, isOut }: Spot): void {
    if (bucket === null) return;
    if (isOut) {
      bucket.out -= 1;
      this.#touched.add(bucket.limit);
    } else bucket.parked -= 1;
    if (bucket.parked > 0 || bucket.out > 0) return;
    const buckets = this.#keys.get(bucket.limit);
    buckets?.delete(bucket.aside);
    if (buckets?.size === 0) this.#keys.delete(bucket.limit);
  }

  #openLater(limit: string, at: number): void {
    const known = this.#opensAt.get(limit);
    if (known === at) return;
    this.#opensAt.set(limit, at);
    this.#openings.add(limit, at);
  }

  #touchChanged(): boolean {
    let left = page;
    for (const [quota, keys] of this.#changed) {
      for (; left > 0; left -= 1) {
        const { value } = keys.next();
        if (value === undefined) {
          this.#changed.delete(quota);
          break;
        }
        if (value.startsWith(`${quota}/`)) this.#touched.add(value);
      }
    }
    return this.#changed.size > 0;
  }

  /** What no agent takes must not hold up others of its key for longer than a poll each. */
  #letOutOneMore(roomOf: RoomOf): void {
    for (let looked = 0; looked < pollKeys; looked += 1) {
      this.#turn ??= this.#keys.keys();
      const { value } = this.#turn.next();
      if (value === undefined) {
        this.#turn = null;
        return;
      }
      const room = roomOf(value);
      for (const bucket of this.#keys.get(value)?.values() ?? [])
        if (roomFor(bucket, room) > 0) this.#letOut(bucket, Number.POSITIVE_INFINITY);
    }
  }
}

/** A job that was put back has its slot already, so only the rate concerns it. */
function roomFor({ aside }: Bucket, { slots, tokens }: ReturnType<RoomOf>): number {
  return aside.holdsSlots ? tokens : Math.min(slots, tokens);
}
