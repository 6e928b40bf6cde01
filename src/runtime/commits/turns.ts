/**
 * Lets steps that have met a conflict go one after the other. A thousand puts of one unique name in one tick read the same, and all but
 * one are refused: at once again they would be refused a thousand times.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when all that asked before are done. Call what it gives when this step has read and committed. */
  async next(): Promise<() => void> {
    const before = this.#last;
    let done = (): void => {};
    this.#last = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    return done;
  }

  /** Does this when all that asked before are done. */
  async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = await this.next();
    try {
      return await work();
    } finally {
      done();
    }
  }
}
