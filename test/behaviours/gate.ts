/** A place where jobs stop until the test lets them go on. */
export class Gate<Value = string> {
  /** How often it was reached. */
  calls = 0;
  #open: (value: Value) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  #promise = this.#close();

  #close(): Promise<Value> {
    const promise = new Promise<Value>((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    promise.catch(() => {});
    return promise;
  }

  /** Resolves when the test opens the gate. */
  pass(): Promise<Value> {
    this.calls += 1;
    return this.#promise;
  }

  /** Lets through who waits, and closes again. */
  open(value: Value): void {
    this.#open(value);
    this.#promise = this.#close();
  }

  /** Turns back who waits, and closes again. */
  fail(error: unknown): void {
    this.#fail(error);
    this.#promise = this.#close();
  }
}
