import type { JobRecord } from '../../../model/records/records.ts';
import { HeldHeap, heldOrder } from '../lines/held-heap.ts';
import type { FindJob } from '../lines/line.ts';

/** The lines of a lane. */
export type LineName = 'putBack' | 'now' | 'held';

/** The line in which a waiting job stands. */
export function lineOf({ line }: JobRecord): LineName {
  return line === 'putBack' || line === 'held' ? line : 'now';
}

/** Where a job of a lane is that has left its line. */
export interface Spot {
  /** Under which key it is parked, or was; null: it is too late, and was let out for that. */
  bucket: Bucket | null;
  /** It is offered again, before everything newer of its lane. */
  isOut: boolean;
}

/** What is in the lines of a lane, of the jobs that have left them. */
export interface AsideSummary {
  readonly putBack: number;
  readonly now: number;
  readonly held: number;
  /** The earliest `beginAfter`. */
  readonly oldestAt: number | null;
}

/** Jobs of a lane that are offered beside its lines. */
export interface Beside {
  has(job: JobRecord): boolean;
  /** The first of a line that was not passed over. */
  first(line: LineName): JobRecord | undefined;
  pass(line: LineName): void;
}

/**
 * The jobs of one lane that a claim has found without room for one of their keys: they have left its lines, and keep their places.
 * Parked, they are not looked at; let out, they are offered again.
 */
export class Aside {
  /** Its jobs hold slots, since they were put back. */
  readonly holdsSlots: boolean;
  readonly #spots = new Map<string, Spot>();
  readonly #out = {
    putBack: new HeldHeap((job) => this.#isOut(job)),
    now: new HeldHeap((job) => this.#isOut(job)),
    held: new HeldHeap((job) => this.#isOut(job)),
  };

  constructor(holdsSlots: boolean) {
    this.holdsSlots = holdsSlots;
  }

  /** How many there are, parked and let out. */
  get size(): number {
    return this.#spots.size;
  }

  has(id: string): boolean {
    return this.#spots.has(id);
  }

  at(id: string): Spot | undefined {
    return this.#spots.get(id);
  }

  /** Parks a job. */
  park(job: JobRecord, bucket: Bucket): void {
    this.#spots.set(job.id, { bucket, isOut: false });
    bucket.add(job);
  }

  /** Lets a parked job out. */
  letOut(job: JobRecord, bucket: Bucket | null): void {
    this.#spots.set(job.id, { bucket, isOut: true });
    this.#out[lineOf(job)].add(job);
  }

  /** A job leaves the lane. Returns where it was; undefined: in a line. */
  leave(id: string): Spot | undefined {
    const spot = this.#spots.get(id);
    if (spot !== undefined) this.#spots.delete(id);
    return spot;
  }

  /** How many are offered before a job, were there room for all. */
  countBefore(job: JobRecord, find: FindJob): number {
    let count = 0;
    for (const other of this.#jobs(find)) if (isBefore(other, job)) count += 1;
    return count;
  }

  summary(find: FindJob): AsideSummary {
    const summary = { putBack: 0, now: 0, held: 0, oldestAt: null as number | null };
    for (const job of this.#jobs(find)) {
      summary[lineOf(job)] += 1;
      const { beginAfter } = job;
      if (beginAfter !== null && beginAfter < (summary.oldestAt ?? Number.POSITIVE_INFINITY))
        summary.oldestAt = beginAfter;
    }
    return summary;
  }

  *#jobs(find: FindJob): Generator<JobRecord> {
    for (const id of this.#spots.keys()) {
      const job = find(id);
      if (job !== undefined) yield job;
    }
  }

  /** Those that are let out, in the order of their places. */
  out(find: FindJob): Beside {
    return new Walk(this, (line) => this.#out[line].jobs(find));
  }

  /** All of them, in the order of their places. */
  all(find: FindJob): Beside {
    return new Walk(this, (line) =>
      [...this.#jobs(find)]
        .filter((job) => lineOf(job) === line)
        .sort(line === 'held' ? heldOrder : byKey)
        .values(),
    );
  }

  #isOut({ id }: JobRecord): boolean {
    return this.#spots.get(id)?.isOut === true;
  }
}

/** The parked jobs of one lane under one key. */
export class Bucket {
  /** Id of the limit: `<queue>/<name>/<key>`. */
  readonly limit: string;
  readonly aside: Aside;
  parked = 0;
  /** How many of those that were let out are neither taken nor parked again. */
  out = 0;
  #lastOut: JobRecord | null = null;
  readonly #lines: { [line in LineName]?: HeldHeap } = {};

  constructor(limit: string, aside: Aside) {
    this.limit = limit;
    this.aside = aside;
  }

  add(job: JobRecord): void {
    this.parked += 1;
    const line = lineOf(job);
    this.#lines[line] ??= new HeldHeap(({ id }) => {
      const spot = this.aside.at(id);
      return spot?.bucket === this && !spot.isOut;
    });
    this.#lines[line].add(job);
  }

  /** A job is let out. */
  letOut(job: JobRecord): void {
    if (this.out === 0 || this.#lastOut === null || isBefore(this.#lastOut, job)) this.#lastOut = job;
    this.parked -= 1;
    this.out += 1;
  }

  /** Whether a job comes before one that was let out: it was let out too, and parked again, when another lane had taken the room. */
  isOvertaken(job: JobRecord): boolean {
    return this.out > 0 && this.#lastOut !== null && isBefore(job, this.#lastOut);
  }

  /** The first of those that are parked, in the order of their places. */
  first(find: FindJob): JobRecord | undefined {
    const { putBack, now, held } = this.#lines;
    const first = putBack?.peek(find);
    if (first !== undefined) return first;
    const [one, other] = [now?.peek(find), held?.peek(find)];
    if (one === undefined || other === undefined) return one ?? other;
    return isBefore(other, one) ? other : one;
  }
}

/** A line that is walked beside the one of the lane. */
class Walk implements Beside {
  readonly #aside: Aside;
  readonly #jobsOf: (line: LineName) => Iterator<JobRecord, void>;
  readonly #lines = new Map<
    LineName,
    { readonly jobs: Iterator<JobRecord, void>; head: JobRecord | undefined }
  >();

  constructor(aside: Aside, jobsOf: (line: LineName) => Iterator<JobRecord, void>) {
    this.#aside = aside;
    this.#jobsOf = jobsOf;
  }

  has({ id }: JobRecord): boolean {
    return this.#aside.has(id);
  }

  first(line: LineName): JobRecord | undefined {
    return this.#line(line).head;
  }

  pass(line: LineName): void {
    const walk = this.#line(line);
    walk.head = walk.jobs.next().value ?? undefined;
  }

  #line(line: LineName): { readonly jobs: Iterator<JobRecord, void>; head: JobRecord | undefined } {
    let walk = this.#lines.get(line);
    if (walk === undefined) {
      const jobs = this.#jobsOf(line);
      walk = { jobs, head: jobs.next().value ?? undefined };
      this.#lines.set(line, walk);
    }
    return walk;
  }
}

/** Whether a waiting job is offered before another one: of an immediate and a held one, the one that was due first. */
function isBefore(one: JobRecord, other: JobRecord): boolean {
  const [line, otherLine] = [lineOf(one), lineOf(other)];
  if (line === otherLine) return (line === 'held' ? heldOrder : byKey)(one, other) < 0;
  if (line === 'putBack' || otherLine === 'putBack') return line === 'putBack';
  const difference = (one.beginAfter ?? 0) - (other.beginAfter ?? 0);
  return difference < 0 || (difference === 0 && line === 'held');
}

function byKey(one: JobRecord, other: JobRecord): number {
  return one.position - other.position;
}
