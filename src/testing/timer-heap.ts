/** A call that is due at an instant of virtual time. */
export interface Timer {
  readonly at: number;
  /** Order of scheduling: calls of one instant fire in this order. */
  readonly number: number;
  readonly call: () => void;
  cancelled: boolean;
}

/** Timers as a binary heap: adding and taking cost O(log n), cancelling O(1), with memory freed in bulk. */
export class TimerHeap {
  #timers: Timer[] = [];
  #cancelled = 0;

  get size(): number {
    return this.#timers.length - this.#cancelled;
  }

  add(timer: Timer): void {
    this.#timers.push(timer);
    this.#rise(this.#timers.length - 1);
  }

  cancel(timer: Timer): void {
    if (timer.cancelled) return;
    timer.cancelled = true;
    this.#cancelled += 1;
    if (this.#cancelled > 64 && this.#cancelled * 2 > this.#timers.length) this.#forgetCancelled();
  }

  /** Returns the earliest timer, or undefined. */
  peek(): Timer | undefined {
    while (this.#timers[0]?.cancelled === true) {
      this.#dropFirst();
      this.#cancelled -= 1;
    }
    return this.#timers[0];
  }

  /** Removes and returns the earliest timer. A later cancel of it changes nothing here. */
  take(): Timer | undefined {
    const first = this.peek();
    if (first === undefined) return undefined;
    this.#dropFirst();
    first.cancelled = true;
    return first;
  }

  // A sorted array is a heap.
  #forgetCancelled(): void {
    this.#timers = this.#timers
      .filter((timer) => !timer.cancelled)
      .sort((one, other) => one.at - other.at || one.number - other.number);
    this.#cancelled = 0;
  }

  #rise(from: number): void {
    const timers = this.#timers;
    const timer = timers[from] as Timer;
    let at = from;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = timers[up] as Timer;
      if (!isEarlier(timer, parent)) break;
      timers[at] = parent;
      at = up;
    }
    timers[at] = timer;
  }

  #dropFirst(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= timers.length) break;
      const right = left + 1;
      const isRight = right < timers.length && isEarlier(timers[right] as Timer, timers[left] as Timer);
      const child = timers[isRight ? right : left] as Timer;
      if (!isEarlier(child, last)) break;
      timers[at] = child;
      at = isRight ? right : left;
    }
    timers[at] = last;
  }
}

function isEarlier(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.number < other.number);
}
