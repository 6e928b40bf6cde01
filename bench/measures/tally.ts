import type { Signals } from './contestant.ts';

/** Counts the reports of a contestant, and resolves when a number is reached. */
export class Tally implements Signals {
  starts = 0;
  completions = 0;
  #waiter: Waiter | null = null;

  started(): void {
    this.starts += 1;
  }

  completed(): void {
    this.completions += 1;
    const waiter = this.#waiter;
    if (waiter === null) return;
    // Checked here and not by a timer: some queues let no timer run while they have jobs.
    if (this.completions < waiter.count && performance.now() < waiter.latestAt) return;
    this.#waiter = null;
    waiter.resolve();
  }

  /**
   * Resolves at `count` completions, or at the first one after `latestAt` on the clock of `performance`. One
   * call at a time.
   */
  whenCompleted(count: number, latestAt = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.completions >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiter = { count, latestAt, resolve };
    });
  }
}

interface Waiter {
  readonly count: number;
  readonly latestAt: number;
  resolve(): void;
}
