import {
  type Duration,
  durationMs,
  NodeReactor,
  type RunnableReactor,
  type ScheduledCall,
  SignalboxError,
  TimeoutError,
} from '../index.ts';
import { type Timer, TimerHeap } from './timer-heap.ts';

/** The options of a virtual reactor. */
export interface VirtualReactorOptions {
  /** The instant at which its time begins. Default 2030-01-01T00:00:00Z. */
  readonly now?: Date | number;
  /** Awaited, like the stores of attached boxes, before time moves: for jobs that do real work outside. */
  readonly settle?: () => Promise<unknown>;
}

/** The part of a box that a virtual reactor needs. */
export interface Attachable {
  readonly store: { idle(): Promise<void> };
}

/**
 * A reactor whose time moves only when a test moves it: polls, pings, delays, deadlines and expiries happen at that
 * moment, in time order, and hours take milliseconds.
 *
 * Only timed calls are virtual. Calls as soon as possible (`callFromThread`, `callInThread`) happen by
 * themselves in a later turn of the real event loop, so a put resolves and a job runs without time moving.
 * Before time moves, the reactor waits until the runtime rests: no such call is open or was made during two
 * turns of the event loop, and nothing is under way in the stores of the attached boxes (a json store syncs in
 * real time, a PostgreSQL store answers in it). Every action of such a store makes such calls, so no chain of
 * claims, commits and callbacks is cut in the middle. The reactor cannot see what jobs await beyond that
 * (files, sockets): pass `settle` for it.
 *
 * Timed calls count time that passes, not the date: `setNow` is a change of the wall clock, and they keep their delay.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { VirtualReactor } from 'signalbox/testing';
 *
 * const remind = defineJob({ name: 'remind', run: (whom: string) => `reminded ${whom}` });
 * const reactor = new VirtualReactor();
 * const box = await createSignalbox({ store: memoryStore(), reactor, jobs: [remind] });
 * reactor.attach(box);
 * await box.start();
 *
 * const job = await box.queue().put(remind('Ada'), { beginAfter: '3h' });
 * await reactor.advance('2h');
 * console.log((await job.refresh()).status); // => PENDING
 * await reactor.advance('1h');
 * console.log(await job.result()); // => reminded Ada
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`.
 */
export class VirtualReactor extends NodeReactor implements RunnableReactor {
  readonly #timers = new TimerHeap();
  readonly #settles: (() => Promise<unknown>)[] = [];
  /** The instant at which no time had passed. `setNow` moves it. */
  #origin: number;
  #passed = 0;
  #scheduled = 0;
  /** Calls as soon as possible: how many were requested in all, and how many are open. */
  #asked = 0;
  #open = 0;
  #wasStarted = false;

  constructor(options: VirtualReactorOptions = {}) {
    super();
    this.#origin = instant(options.now ?? Date.UTC(2030, 0, 1));
    if (options.settle !== undefined) this.#settles.push(options.settle);
  }

  /** Epoch milliseconds of virtual time. */
  override now(): number {
    return this.#origin + this.#passed;
  }

  /** How many timed calls are pending. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Makes the reactor wait for the store of this box, too, before time moves. */
  attach(box: Attachable): void {
    this.#settles.push(() => box.store.idle());
  }

  override run(): void {
    this.#wasStarted = true;
    super.run();
  }

  override callFromThread(call: () => void): void {
    this.#asked += 1;
    this.#open += 1;
    super.callFromThread(() => {
      this.#open -= 1;
      call();
    });
  }

  override callInThread(call: () => void): void {
    this.callFromThread(call);
  }

  /** As on Node, a delay below 1 ms is 1 ms: a call that repeats itself without delay cannot stop time. */
  override callLater(delayMs: number, call: () => void): ScheduledCall {
    this.#scheduled += 1;
    const at = this.#passed + Math.max(1, delayMs);
    const timer: Timer = { at, number: this.#scheduled, call, cancelled: false };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.cancel(timer) };
  }

  /** Makes no such call: virtual time is never late, and must not be moved in small steps to see that. */
  override callInBackground(_delayMs: number, _call: () => void): ScheduledCall {
    return { cancel: () => {} };
  }

  /**
   * Sets the wall clock, forward or back. No time passes: pending calls keep their delay.
   * @throws SignalboxError `INVALID_OPTION`.
   */
  setNow(now: Date | number): void {
    this.#origin = instant(now) - this.#passed;
  }

  /** Waits until everything has happened that needs no time to pass. */
  async runUntilIdle(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 2; ) {
      const before = this.#asked;
      await new Promise<void>((resolve) => super.callFromThread(resolve));
      for (const settle of this.#settles) await settle();
      quietTurns = this.#open === 0 && this.#asked === before ? quietTurns + 1 : 0;
    }
  }

  /**
   * Lets time pass: makes every due call in time order, with the clock at its instant, and waits for everything that
   * follows from a call before it makes the next. An error of a call rejects the promise.
   * @returns how many timed calls were made.
   * @throws SignalboxError `INVALID_DURATION`; `NOT_STARTED` before `run()`: `box.start()` was forgotten.
   */
  async advance(duration: Duration): Promise<number> {
    this.#mustHaveStarted();
    const end = this.#passed + durationMs(duration, 'duration');
    await this.runUntilIdle();
    let count = 0;
    for (; (this.#timers.peek()?.at ?? Number.POSITIVE_INFINITY) <= end; count += 1) await this.#fireNext();
    this.#passed = Math.max(this.#passed, end);
    return count;
  }

  /**
   * Makes the earliest timed call, with the clock at its instant, and lets everything happen that follows from it.
   * @returns false when no timed call is pending: no time has passed then.
   * @throws SignalboxError `NOT_STARTED` before `run()`.
   */
  async advanceToNext(): Promise<boolean> {
    this.#mustHaveStarted();
    await this.runUntilIdle();
    if (this.#timers.peek() === undefined) return false;
    await this.#fireNext();
    return true;
  }

  /**
   * Lets time pass until a promise is settled, and gives what it gives: for all that waits in this reactor's time,
   * such as `await reactor.until(box.stop({ grace: '30s' }))`.
   * @throws TimeoutError when it is not settled within `limit` (default one day of virtual time), or when no timed call
   * is left that could lead to it.
   */
  async until<Value>(promise: Promise<Value>, options: { readonly limit?: Duration } = {}): Promise<Value> {
    const limit = options.limit ?? '1d';
    const end = this.#passed + durationMs(limit, 'limit');
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    for (;;) {
      await this.runUntilIdle();
      if (isSettled) return promise;
      const next = this.#timers.peek();
      if (next === undefined) throw new TimeoutError({ what: 'a timed call to wait for', limit: `${limit}` });
      if (next.at > end) throw new TimeoutError({ what: 'the promise to be settled', limit: `${limit}` });
      await this.#fireNext();
    }
  }

  /** What is stopped may be watched as it stays quiet; what was never started stays quiet by mistake. */
  #mustHaveStarted(): void {
    if (!this.#wasStarted) throw new SignalboxError('NOT_STARTED', { what: 'the virtual reactor' });
  }

  async #fireNext(): Promise<void> {
    const timer = this.#timers.take();
    if (timer === undefined) return;
    this.#passed = Math.max(this.#passed, timer.at);
    timer.call();
    await this.runUntilIdle();
  }
}

/** Returns epoch milliseconds. Refuses an invalid instant: timers would fail with it in unclear ways. */
function instant(given: Date | number): number {
  const isOne = given instanceof Date || typeof given === 'number';
  if (isOne && Number.isFinite(Number(given))) return Number(given);
  throw new SignalboxError('INVALID_OPTION', {
    option: 'now',
    expected: 'a Date or epoch milliseconds',
    actual: typeof given === 'string' ? `'${given}'` : String(given),
    repair: 'Make a Date of text: new Date(text).',
  });
}
