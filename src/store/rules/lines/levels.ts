import { compareLevels, type LevelOrder } from '../../../model/jobs/priority.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Lane } from '../lanes.ts';

/** A walk through waiting jobs: each is passed or blocked before the next one is asked for. */
export interface Walk {
  /** The lane of the job that is offered. */
  readonly lane: Lane | undefined;
  /** The next job that is offered; undefined at the end. */
  next(): JobRecord | undefined;
  /** Passes the job over: the walk continues with the one after it. */
  pass(): void;
  /** Its quota is full: the walk leaves the lane, except for jobs that the quota does not concern. */
  block(): void;
}

interface Level {
  readonly walk: Walk;
  /** Its next job; null: that has to be asked. */
  head: JobRecord | undefined | null;
}

/** Waiting jobs of several levels: each level in its own order, and of their first jobs the one that `compareLevels` says. */
export class Levels implements Walk {
  readonly #levels: readonly Level[];
  readonly #order: LevelOrder;
  #at: Level | undefined;

  constructor(levels: readonly Walk[], order: LevelOrder) {
    this.#levels = levels.map((walk) => ({ walk, head: null }));
    this.#order = order;
  }

  get lane(): Lane | undefined {
    return this.#at?.walk.lane;
  }

  next(): JobRecord | undefined {
    let first: JobRecord | undefined;
    this.#at = undefined;
    for (const level of this.#levels) {
      if (level.head === null) level.head = level.walk.next();
      const { head } = level;
      if (head === undefined || (first !== undefined && compareLevels(first, head, this.#order) <= 0))
        continue;
      first = head;
      this.#at = level;
    }
    return first;
  }

  pass(): void {
    this.#at?.walk.pass();
    this.#ask();
  }

  block(): void {
    this.#at?.walk.block();
    this.#ask();
  }

  #ask(): void {
    if (this.#at !== undefined) this.#at.head = null;
  }
}
