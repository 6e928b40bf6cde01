import { hasDeadline, latestStart } from '../../model/jobs/deadline.ts';
import { limitNames } from '../../model/records/keys.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Fifo } from './lines/fifo.ts';
import { HeldHeap } from './lines/held-heap.ts';
import { type Instant, Instants } from './lines/instants.ts';
import { type Aside, lineOf } from './parking/aside.ts';

/**
 * Waiting jobs of one queue that a claim need not tell apart: same definition, same priority, same quota
 * names, keys of the same limits, all with or all without a deadline, and all with or all without quota slots
 * (a job that was put back or handed back keeps its own). Places are given up lazily: a place counts only while
 * its job is still at it.
 */
export class Lane {
  readonly name: string;
  /** The priority of its jobs. */
  readonly level: number;
  readonly quotaNames: readonly string[];
  /** Whether its jobs have keys of limits. */
  readonly hasKeys: boolean;
  readonly hasDeadlines: boolean;
  readonly holdsSlots: boolean;
  readonly putBack: Fifo;
  readonly now: Fifo;
  readonly held: HeldHeap;
  /** Those that have left its lines, since there was no room for one of their keys. */
  aside: Aside | null = null;
  /** Makes the lane of this job and of all like it. */
  constructor(job: JobRecord) {
    this.name = job.name;
    this.level = job.priority;
    this.quotaNames = job.quotaNames;
    this.hasKeys = job.keys !== null;
    this.hasDeadlines = hasDeadline(job);
    this.holdsSlots = job.quotas.length > 0;
    const belongs = (other: JobRecord): boolean => this.isOf(other) && this.aside?.has(other.id) !== true;
    this.putBack = new Fifo(belongs);
    this.now = new Fifo(belongs);
    this.held = new HeldHeap(belongs);
  }

  /** Whether a job is like those of the lane; of which limits it has keys is not asked. */
  isOf(job: JobRecord): boolean {
    return (
      job.name === this.name &&
      job.priority === this.level &&
      (job.keys !== null) === this.hasKeys &&
      job.quotas.length > 0 === this.holdsSlots &&
      sameNames(job.quotaNames, this.quotaNames) &&
      hasDeadline(job) === this.hasDeadlines
    );
  }

  /** How many jobs wait here now. */
  get size(): number {
    return this.putBack.size + this.now.size + this.held.size + (this.aside?.size ?? 0);
  }

  add(job: JobRecord): void {
    const { line, position } = job;
    if (line === 'held') this.held.add(job);
    else if (line === 'putBack') this.putBack.add(job.id, position, job.beginAfter ?? 0);
    else this.now.add(job.id, position, job.beginAfter ?? 0);
  }

  /** A job leaves its line. */
  remove(job: JobRecord): void {
    this[lineOf(job)].size -= 1;
  }

  /** The earliest instant later than another one at which a job of its lines is too late; null: there is none. */
  tooLateAfter(_since: number): number | null {
    return null;
  }
}

/** The lane of a job, and of all like it. */
export function laneOf(job: JobRecord): Lane {
  return hasDeadline(job) ? new DeadlineLane(job) : new Lane(job);
}

/** A lane that knows when its jobs are too late: what others do not keep costs them nothing. */
class DeadlineLane extends Lane {
  readonly #tooLateAt = new Map<string, number>();
  /** With those that have left it. */
  #instants = new Instants();

  override add(job: JobRecord): void {
    super.add(job);
    const last = latestStart(job);
    if (last === null) return;
    this.#tooLateAt.set(job.id, last + 1);
    this.#instants.add(job.id, last + 1);
    if (this.#instants.size > 2 * this.#tooLateAt.size + 64) this.#forgetLeft();
  }

  override remove(job: JobRecord): void {
    super.remove(job);
    this.#tooLateAt.delete(job.id);
  }

  override tooLateAfter(since: number): number | null {
    const isHere = ({ id, at }: Instant): boolean => this.#tooLateAt.get(id) === at;
    return this.#instants.after(since, isHere);
  }

  #forgetLeft(): void {
    this.#instants = new Instants();
    for (const [id, at] of this.#tooLateAt) this.#instants.add(id, at);
  }
}

/** Returns the key of the lane that a job belongs to. */
export function laneKey(job: JobRecord): string {
  const deadline = hasDeadline(job) ? '!' : '';
  const slots = job.quotas.length === 0 ? '' : '+';
  const level = job.priority === 0 ? '' : `@${job.priority}`;
  const limits = job.keys === null ? '' : `#${limitNames(job.keys).join(' ')}`;
  return job.quotaNames.length === 0 && slots === '' && limits === ''
    ? job.name + level + deadline
    : `${job.name}${level}${deadline}${slots}${limits} ${job.quotaNames.join(' ')}`;
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some === others || (some.length === others.length && some.every((name, at) => name === others[at]));
}
