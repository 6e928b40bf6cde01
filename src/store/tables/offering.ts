import { isExpired } from '../../model/deadline.ts';
import type { JobRecord } from '../../model/records.ts';
import { type FindJob, heldOrder, type Lane } from './lane.ts';

/** One lane as a walk sees it: which of its jobs comes next, and what was passed over. */
class Cursor {
  readonly lane: Lane;
  readonly #find: FindJob;
  /** Its quota is full: only jobs that hold a slot already, or that are too late, can be taken. */
  blocked = false;
  #putBackAt = 0;
  #nowAt = 0;
  #heldAt = 0;
  #heldList: readonly JobRecord[] | null = null;

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
    if (this.#heldList === null) return this.lane.held.peek(this.#find);
    return this.#heldList[this.#heldAt];
  }

  pass(job: JobRecord): void {
    const line = job.order?.[0];
    if (line === 'putBack') this.#putBackAt += 1;
    else if (line === 'now') this.#nowAt += 1;
    else {
      this.#heldList ??= this.lane.held.jobs(this.#find);
      this.#heldAt += 1;
    }
  }
}

/** One job as it is offered. */
export interface Offer {
  readonly job: JobRecord;
  /** Passes it over: the walk goes on behind it. */
  pass(): void;
  /** Its quota is full: the walk leaves its lane but for those that the quota does not concern. */
  block(): void;
}

/**
 * Walks the waiting jobs of a queue in the order in which they are offered: first those put back, in their order;
 * then the immediate ones in order of arrival, merged with the held ones by comparing the `beginAfter` of the two
 * heads, the held one first on a tie. It ends at the first job that is not due.
 *
 * A lane that is blocked costs one look, however many jobs stand in it; only a lane with deadlines is walked on,
 * for its expired jobs.
 */
export function* offering(
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
    if (cursor.blocked && job.quotas.length === 0 && !isExpired(job, now)) {
      cursor.pass(job);
      continue;
    }
    yield {
      job,
      pass: () => cursor.pass(job),
      block: () => {
        cursor.pass(job);
        if (cursor.lane.hasDeadlines || job.order?.[0] === 'putBack') cursor.blocked = true;
        else leave(open, left, cursor);
      },
    };
  }
}

function leave(open: Cursor[], left: Lane[], cursor: Cursor): void {
  if (cursor.putBack() !== undefined) {
    cursor.blocked = true;
    return;
  }
  open.splice(open.indexOf(cursor), 1);
  left.push(cursor.lane);
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
  return (held.job.beginAfter ?? 0) <= headBeginAfter(now.job, left, find) ? held : now;
}

/**
 * The latest `beginAfter` among the immediate job and those that stand before it in lanes the walk has left: what
 * the head of the line compared with the held jobs by the time the walk came here. Put order is clock order but
 * for pre-dated jobs, so the last one before it tells.
 */
function headBeginAfter(job: JobRecord, left: readonly Lane[], find: FindJob): number {
  let latest = job.beginAfter ?? 0;
  for (const lane of left) {
    const head = lane.now.next(0, find);
    if (head < 0 || lane.now.key(head) > key(job)) continue;
    const standing = find(lane.now.id(head));
    if (standing !== undefined && (standing.beginAfter ?? 0) > latest) latest = standing.beginAfter ?? 0;
  }
  return latest;
}

function key(job: JobRecord): number {
  return job.order?.[1] ?? 0;
}
