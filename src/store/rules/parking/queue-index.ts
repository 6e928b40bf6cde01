import { limitId, queueOfLimit } from '../../../model/records/keys.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { type Lane, laneKey, laneOf } from '../lanes.ts';
import type { FindJob } from '../lines/line.ts';
import type { Aside } from './aside.ts';
import { Parking } from './parking.ts';

/** The jobs that wait, by queue: in lanes, or parked beside them. */
export class QueueIndex {
  readonly #findJob: FindJob;
  readonly #lanes = new Map<string, Map<string, Lane>>();
  readonly #parking = new Map<string, Parking>();
  /** The lane of the newest job that came or left, and its queue: most jobs are like the one before, and the text of a key costs more. */
  #newest: Lane | null = null;
  #newestQueue = '';

  constructor(findJob: FindJob) {
    this.#findJob = findJob;
  }

  lanes(queue: string): Iterable<Lane> {
    return this.#lanes.get(queue)?.values() ?? [];
  }

  /** Parks a waiting job under one of its keys, which has no room. Returns whether it passes on the room of another one. */
  park(queue: string, lane: Lane, job: JobRecord, limit: string): boolean {
    let parking = this.#parking.get(queue);
    if (parking === undefined) {
      parking = new Parking(this.#findJob);
      this.#parking.set(queue, parking);
    }
    return parking.park(lane, job, limit);
  }

  /** The parked jobs of a queue; undefined: no job of it was ever parked. */
  parking(queue: string): Parking | undefined {
    return this.#parking.get(queue);
  }

  /** Where the jobs of the same lane as this one are parked. */
  asideOf(queue: string, job: JobRecord): Aside | null {
    return this.#find(queue, job)?.aside ?? null;
  }

  waitingCount(queue: string, name?: string): number {
    let count = 0;
    for (const lane of this.lanes(queue)) if (name === undefined || lane.name === name) count += lane.size;
    return count;
  }

  enter(queue: string, job: JobRecord): void {
    (this.#find(queue, job) ?? this.#made(queue, job)).add(job);
  }

  /** Something has changed that may have given a key room. */
  touch(limit: string): void {
    if (this.#parking.size > 0) this.#parking.get(queueOfLimit(limit))?.touch(limit);
  }

  /**
   * The earliest instant later than `since` at which a waiting job becomes due, or is too late, or a limit opens that waiting jobs
   * have; null: there is none. `opening`: from when on a limit without keys is open.
   */
  due(since: number, opening: (limit: string) => number): number | null {
    let earliest: number | null = null;
    const consider = (at: number | null): void => {
      if (at !== null && at > since && (earliest === null || at < earliest)) earliest = at;
    };
    for (const parking of this.#parking.values()) consider(parking.due(since));
    for (const [queue, lanes] of this.#lanes) {
      for (const lane of lanes.values()) {
        const first = lane.held.peek(this.#findJob)?.beginAfter ?? null;
        if (first !== null) consider(first > since ? first : this.#nextAfter(lane, since));
        if (lane.hasDeadlines) consider(lane.tooLateAfter(since));
        for (const name of lane.quotaNames) consider(opening(limitId(queue, name)));
      }
    }
    return earliest;
  }

  #nextAfter(lane: Lane, now: number): number | null {
    for (const job of lane.held.jobs(this.#findJob)) if ((job.beginAfter ?? 0) > now) return job.beginAfter;
    return null;
  }

  #find(queue: string, job: JobRecord): Lane | undefined {
    const newest = this.#newest;
    if (newest !== null && this.#newestQueue === queue && job.keys === null && newest.isOf(job))
      return newest;
    const lane = this.#lanes.get(queue)?.get(laneKey(job));
    if (lane !== undefined) this.#keep(queue, lane);
    return lane;
  }

  #keep(queue: string, lane: Lane | null): void {
    this.#newest = lane;
    this.#newestQueue = queue;
  }

  #made(queue: string, job: JobRecord): Lane {
    const lane = laneOf(job);
    const lanes = this.#lanes.get(queue);
    if (lanes === undefined) this.#lanes.set(queue, new Map([[laneKey(job), lane]]));
    else lanes.set(laneKey(job), lane);
    return lane;
  }

  leave(queue: string, job: JobRecord): void {
    const lane = this.#find(queue, job);
    if (lane === undefined) return;
    const spot = lane.aside?.leave(job.id);
    if (spot === undefined) lane.remove(job);
    else this.#parking.get(queue)?.left(spot);
    if (lane.size > 0) return;
    this.#lanes.get(queue)?.delete(laneKey(job));
    this.#keep(queue, null);
  }
}
