/** Jobs wait here until the test releases them. */
export class Barrier<Value = string> {
  /** How often it was reached. */
  calls = 0;
  #resolve: (value: Value) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #promise = this.#renew();

  #renew(): Promise<Value> {
    const promise = new Promise<Value>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    promise.catch(() => {});
    return promise;
  }

  /** Resolves when the test releases the barrier. */
  wait(): Promise<Value> {
    this.calls += 1;
    return this.#promise;
  }

  /** Releases the jobs that wait; later ones wait again. */
  release(value: Value): void {
    this.#resolve(value);
    this.#promise = this.#renew();
  }

  /** Fails the jobs that wait; later ones wait again. */
  fail(error: unknown): void {
    this.#reject(error);
    this.#promise = this.#renew();
  }
}
