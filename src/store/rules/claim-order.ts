import { isTooLate } from '../../model/jobs/deadline.ts';
import type { LevelOrder } from '../../model/jobs/priority.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Lane } from './lanes.ts';
import { heldOrder } from './lines/held-heap.ts';
import { Levels, type Walk } from './lines/levels.ts';
import type { FindJob } from './lines/line.ts';
import { type Beside, lineOf } from './parking/aside.ts';

/** A position in one lane: which of its jobs comes next, after those that were passed over. */
class Cursor {
  readonly lane: Lane;
  readonly #find: FindJob;
  /** Its quota is full: only jobs that are too late can be taken. */
  blocked = false;
  #putBackAt = 0;
  #nowAt = 0;
  #heldWalk: Iterator<JobRecord, void> | null = null;
  #heldHead: JobRecord | undefined;
  /** Jobs that are offered beside the lines of the lane; null: there are none. */
  readonly #beside: Beside | null;

  constructor(lane: Lane, find: FindJob, beside: Beside | null) {
    this.lane = lane;
    this.#find = find;
    this.#beside = beside;
  }

  putBack(): JobRecord | undefined {
    const { putBack } = this.lane;
    const job = putBack.next(this.#putBackAt, this.#find);
    if (job !== undefined) this.#putBackAt = putBack.foundAt;
    return this.#beside === null ? job : sooner(job, this.#beside.first('putBack'));
  }

  now(): JobRecord | undefined {
    const { now } = this.lane;
    const job = now.next(this.#nowAt, this.#find);
    if (job !== undefined) this.#nowAt = now.foundAt;
    return this.#beside === null ? job : sooner(job, this.#beside.first('now'));
  }

  held(): JobRecord | undefined {
    const job = this.#heldWalk === null ? this.lane.held.peek(this.#find) : this.#heldHead;
    return this.#beside === null ? job : soonerHeld(job, this.#beside.first('held'));
  }

  pass(job: JobRecord): void {
    if (this.#beside?.has(job) === true) {
      this.#beside.pass(lineOf(job));
      return;
    }
    const { line } = job;
    if (line === 'putBack') this.#putBackAt += 1;
    else if (line === 'now') this.#nowAt += 1;
    else {
      if (this.#heldWalk === null) {
        this.#heldWalk = this.lane.held.jobs(this.#find);
        this.#heldWalk.next();
      }
      this.#heldHead = this.#heldWalk.next().value ?? undefined;
    }
  }
}

/**
 * The waiting jobs of one level of a queue in the order in which they are offered: first those put back, in their
 * order; then the immediate ones in order of arrival, merged with the held ones by comparing the `beginAfter` of the
 * two heads, the held one first on a tie. They end at the first job that is not due. Each is passed or blocked
 * before the next one is asked for.
 *
 * A lane that is blocked costs one read, however many jobs wait in it. The walk continues in two kinds of
 * blocked lane: one with deadlines, for its expired jobs, and one whose jobs hold quota slots, which is never
 * longer than the quotas are large.
 */
class Offers implements Walk {
  readonly level: number;
  readonly #find: FindJob;
  readonly #now: number;
  readonly #open: Cursor[] = [];
  readonly #left: Lane[] = [];
  /** The job that is offered, and where it is. */
  #job: JobRecord | undefined;
  #cursor: Cursor | undefined;
  readonly #beside: (lane: Lane) => Beside | null;

  /** `beside`: what is offered beside the lines of a lane. */
  constructor(level: number, find: FindJob, now: number, beside: (lane: Lane) => Beside | null) {
    this.level = level;
    this.#find = find;
    this.#now = now;
    this.#beside = beside;
  }

  add(lane: Lane, isAccepted: boolean): void {
    if (isAccepted) this.#open.push(new Cursor(lane, this.#find, this.#beside(lane)));
    else this.#left.push(lane);
  }

  get lane(): Lane | undefined {
    return this.#cursor?.lane;
  }

  /** The next job that is offered; undefined at the end. */
  next(): JobRecord | undefined {
    for (;;) {
      this.#seek();
      const job = this.#job;
      if (job === undefined || (job.beginAfter ?? 0) > this.#now) return undefined;
      if (this.#cursor?.blocked !== true || isTooLate(job, this.#now)) return job;
      this.pass();
    }
  }

  /** Passes the job over: the walk continues with the one after it. */
  pass(): void {
    if (this.#job !== undefined) this.#cursor?.pass(this.#job);
  }

  /** Its quota is full: the walk leaves the lane, except for jobs that the quota does not concern. */
  block(): void {
    const cursor = this.#cursor;
    this.pass();
    // Each may hold other slots, so the next one may still be taken.
    if (cursor === undefined || cursor.lane.holdsSlots) return;
    cursor.blocked = true;
    if (cursor.lane.hasDeadlines) return;
    this.#open.splice(this.#open.indexOf(cursor), 1);
    this.#left.push(cursor.lane);
  }

  #seek(): void {
    this.#job = undefined;
    for (const cursor of this.#open) {
      const job = cursor.putBack();
      if (job !== undefined && (this.#job === undefined || key(job) < key(this.#job))) this.#at(cursor, job);
    }
    if (this.#job !== undefined) return;
    let held: JobRecord | undefined;
    let heldIn: Cursor | undefined;
    for (const cursor of this.#open) {
      const now = cursor.now();
      if (now !== undefined && (this.#job === undefined || key(now) < key(this.#job))) this.#at(cursor, now);
      const due = cursor.held();
      if (due === undefined || (held !== undefined && heldOrder(due, held) >= 0)) continue;
      held = due;
      heldIn = cursor;
    }
    if (held === undefined) return;
    if (this.#job === undefined || precedes(held, this.#job, this.#left, this.#find)) this.#at(heldIn, held);
  }

  #at(cursor: Cursor | undefined, job: JobRecord): void {
    this.#cursor = cursor;
    this.#job = job;
  }
}

/** How the lanes of a queue are walked through. */
export interface Route {
  readonly find: FindJob;
  /** The walk ends at what is due later. */
  readonly until: number;
  /** Asked when several levels are in use. */
  readonly order: () => LevelOrder;
  readonly accepts: (lane: Lane) => boolean;
  /** What is offered beside the lines of a lane. By default what a claim may look at again. */
  readonly beside?: (lane: Lane) => Beside | null;
}

/** The waiting jobs of a queue in the order in which they are offered: of one level, or of several. */
export function offersOf(lanes: Iterable<Lane>, route: Route): Walk {
  const { find, until, order, accepts, beside = (lane) => lane.aside?.out(find) ?? null } = route;
  const levels: Offers[] = [];
  for (const lane of lanes) {
    // There are 19 levels at most: to look at each costs less than a map.
    let offers = levels.find(({ level }) => level === lane.level);
    if (offers === undefined) {
      offers = new Offers(lane.level, find, until, beside);
      levels.push(offers);
    }
    offers.add(lane, accepts(lane));
  }
  return levels.length === 1 ? (levels[0] as Offers) : new Levels(levels, order());
}

/** All jobs that wait in a queue, in the order in which they are offered. */
export function* waitingInOrder(
  lanes: Iterable<Lane>,
  find: FindJob,
  order: () => LevelOrder,
): Generator<JobRecord, void> {
  const beside = (lane: Lane): Beside | null => lane.aside?.all(find) ?? null;
  const until = Number.POSITIVE_INFINITY;
  const offers = offersOf(lanes, { find, until, order, accepts: () => true, beside });
  for (let job = offers.next(); job !== undefined; job = offers.next()) {
    yield job;
    offers.pass();
  }
}

/**
 * Whether a held job is offered before an immediate one: when the head of the whole immediate line has a
 * later `beginAfter`. So jobs count that come before the immediate one in lanes the walk has left. Put order
 * is clock order, except for pre-dated jobs and those handed back, so as a rule the immediate one itself
 * decides.
 */
function precedes(held: JobRecord, now: JobRecord, left: readonly Lane[], find: FindJob): boolean {
  const due = held.beginAfter ?? 0;
  return due <= (now.beginAfter ?? 0) || left.some((lane) => lane.now.reaches(key(now), due, find));
}

function sooner(one: JobRecord | undefined, other: JobRecord | undefined): JobRecord | undefined {
  return one === undefined || (other !== undefined && key(other) < key(one)) ? other : one;
}

function soonerHeld(one: JobRecord | undefined, other: JobRecord | undefined): JobRecord | undefined {
  return one === undefined || (other !== undefined && heldOrder(other, one) < 0) ? other : one;
}

function key(job: JobRecord): number {
  return job.position;
}
