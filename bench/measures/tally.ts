import type { Signals } from './contestant.ts';

/** Counts what a contestant tells, and says when a number is reached. */
export class Tally implements Signals {
  starts = 0;
  completions = 0;
  readonly #started: Waiter[] = [];
  readonly #completed: Waiter[] = [];

  started(): void {
    this.starts += 1;
    settle(this.#started, this.starts);
  }

  completed(): void {
    this.completions += 1;
    settle(this.#completed, this.completions);
  }

  whenStarted(count: number): Promise<void> {
    return when(this.#started, count, this.starts);
  }

  whenCompleted(count: number): Promise<void> {
    return when(this.#completed, count, this.completions);
  }
}

interface Waiter {
  readonly count: number;
  resolve(): void;
}

function when(waiters: Waiter[], count: number, reached: number): Promise<void> {
  if (reached >= count) return Promise.resolve();
  return new Promise((resolve) => waiters.push({ count, resolve }));
}

function settle(waiters: Waiter[], reached: number): void {
  if (waiters.length === 0) return;
  for (const waiter of waiters.filter(({ count }) => count <= reached)) {
    waiters.splice(waiters.indexOf(waiter), 1);
    waiter.resolve();
  }
}
