import { isTooLate } from '../../model/jobs/deadline.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { type FindJob, heldOrder, type Lane } from './lanes.ts';

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

  constructor(lane: Lane, find: FindJob) {
    this.lane = lane;
    this.#find = find;
  }

  putBack(): JobRecord | undefined {
    const at = this.lane.putBack.next(this.#putBackAt, this.#find);
    if (at < 0) return undefined;
    this.#putBackAt = at;
    return this.#find(this.lane.putBack.id(at));
  }

  now(): JobRecord | undefined {
    const at = this.lane.now.next(this.#nowAt, this.#find);
    if (at < 0) return undefined;
    this.#nowAt = at;
    return this.#find(this.lane.now.id(at));
  }

  held(): JobRecord | undefined {
    return this.#heldWalk === null ? this.lane.held.peek(this.#find) : this.#heldHead;
  }

  pass(job: JobRecord): void {
    const line = job.order?.[0];
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

/** One job as it is offered. */
export interface Offer {
  readonly job: JobRecord;
  /** Passes it over: the walk continues with the job after it. */
  pass(): void;
  /** Its quota is full: the walk leaves the lane, except for jobs that the quota does not concern. */
  block(): void;
}

/**
 * Yields the waiting jobs of a queue in the order in which they are offered: first those put back, in their
 * order; then the immediate ones in order of arrival, merged with the held ones by comparing the `beginAfter`
 * of the two heads, the held one first on a tie. It ends at the first job that is not due.
 *
 * A lane that is blocked costs one read, however many jobs wait in it. The walk continues in two kinds of
 * blocked lane: one with deadlines, for its expired jobs, and one whose jobs hold quota slots, which is never
 * longer than the quotas are large.
 */
export function* offersInOrder(
  lanes: Iterable<Lane>,
  find: FindJob,
  now: number,
  accepts: (lane: Lane) => boolean,
): Generator<Offer> {
  const open: Cursor[] = [];
  const left: Lane[] = [];
  for (const lane of lanes) {
    if (accepts(lane)) open.push(new Cursor(lane, find));
    else left.push(lane);
  }

  for (;;) {
    const best = next(open, left, find);
    if (best === undefined || (best.job.beginAfter ?? 0) > now) return;
    const { cursor, job } = best;
    if (cursor.blocked && !isTooLate(job, now)) {
      cursor.pass(job);
      continue;
    }
    yield {
      job,
      pass: () => cursor.pass(job),
      block: () => {
        cursor.pass(job);
        // Each may hold other slots, so the next one may still be taken.
        if (cursor.lane.holdsSlots) return;
        cursor.blocked = true;
        if (cursor.lane.hasDeadlines) return;
        open.splice(open.indexOf(cursor), 1);
        left.push(cursor.lane);
      },
    };
  }
}

function next(
  open: readonly Cursor[],
  left: readonly Lane[],
  find: FindJob,
): { cursor: Cursor; job: JobRecord } | undefined {
  let first: { cursor: Cursor; job: JobRecord } | undefined;
  for (const cursor of open) {
    const job = cursor.putBack();
    if (job !== undefined && (first === undefined || key(job) < key(first.job))) first = { cursor, job };
  }
  if (first !== undefined) return first;

  let now: { cursor: Cursor; job: JobRecord } | undefined;
  let held: { cursor: Cursor; job: JobRecord } | undefined;
  for (const cursor of open) {
    const arrived = cursor.now();
    if (arrived !== undefined && (now === undefined || key(arrived) < key(now.job)))
      now = { cursor, job: arrived };
    const due = cursor.held();
    if (due !== undefined && (held === undefined || heldOrder(due, held.job) < 0))
      held = { cursor, job: due };
  }
  if (now === undefined || held === undefined) return now ?? held;
  return precedes(held.job, now.job, left, find) ? held : now;
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

function key(job: JobRecord): number {
  return job.order?.[1] ?? 0;
}
