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

/** Waiting jobs of several levels: each level in its own order, and of their first jobs the one that `compareLevels` says. */
export class Levels implements Walk {
  readonly #walks: readonly Walk[];
  readonly #order: LevelOrder;
  /** The next job of each; null: that has to be asked. */
  readonly #heads: (JobRecord | undefined | null)[];
  #at = 0;

  constructor(walks: readonly Walk[], order: LevelOrder) {
    this.#walks = walks;
    this.#order = order;
    this.#heads = walks.map(() => null);
  }

  get lane(): Lane | undefined {
    return this.#walks[this.#at]?.lane;
  }

  next(): JobRecord | undefined {
    let first: JobRecord | undefined;
    for (let index = 0; index < this.#walks.length; index += 1) {
      let head = this.#heads[index];
      if (head === null) {
        head = this.#walks[index]?.next();
        this.#heads[index] = head;
      }
      if (head == null || (first !== undefined && compareLevels(first, head, this.#order) <= 0)) continue;
      first = head;
      this.#at = index;
    }
    return first;
  }

  pass(): void {
    this.#walks[this.#at]?.pass();
    this.#heads[this.#at] = null;
  }

  block(): void {
    this.#walks[this.#at]?.block();
    this.#heads[this.#at] = null;
  }
}
