/** After an answer the hub rests for so many times the processor time that it took: all pages cost about 3 % of a core together. */
const restTimes = 30;
/** And so many times as long as it took: on a database most of that is waiting, and its jobs come first. */
const restOfWaitTimes = 3;
const longestRestMs = 10_000;
/** Above that many entries a second an answer is old when it is made: once a second is enough. */
const manyEntries = 2000;
const calmMs = 1000;

/** How fast answers may follow each other. */
export class Pace {
  /** No answer is made before, but for those who have none yet. */
  restUntil = Number.NEGATIVE_INFINITY;
  #second = 0;
  #count = 0;
  #before = 0;

  /** An answer took so long, of which the process worked so much, and was made at that moment. */
  took(ms: number, cpuMs: number, now: number): void {
    // What else the process did meanwhile is in its processor time, so that is a bound only below the time that passed.
    const rest = Math.min(longestRestMs, Math.max(restTimes * Math.min(cpuMs, ms), restOfWaitTimes * ms));
    this.restUntil = Math.max(this.restUntil, now) + rest;
  }

  /** So many entries became known. */
  wrote(count: number, now: number): void {
    this.#turn(now);
    this.#count += count;
  }

  /** The least time from one answer to a question to the next. */
  leastMs(now: number): number {
    this.#turn(now);
    return Math.max(this.#count, this.#before) > manyEntries ? calmMs : 0;
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000);
    if (second === this.#second) return;
    this.#before = second === this.#second + 1 ? this.#count : 0;
    this.#second = second;
    this.#count = 0;
  }
}
