import type { Run } from '../execution/run.ts';

/** The runs of this process that no agent has: calls of the program, and callbacks that are called here. */
export class OutsideRuns implements Iterable<Run> {
  readonly #runs = new Set<Run>();

  [Symbol.iterator](): Iterator<Run> {
    return this.#runs[Symbol.iterator]();
  }

  /** Starts a run. Resolves when its worker would be free. */
  async call(run: Run, start: (run: Run) => void): Promise<void> {
    this.#runs.add(run);
    await new Promise<void>((resolve) => {
      run.onDone = resolve;
      start(run);
    });
    this.#runs.delete(run);
  }
}
