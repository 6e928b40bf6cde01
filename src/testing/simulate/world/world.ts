/*
 * Room: world.
 *
 * Owns: The simulated world: time, event loops, randomness, faults and the trace. Hosts with their clocks.
 *
 * Invariant: Everything left to chance is decided by the seed, so the same seed gives the same trace.
 *
 * May import: nothing.
 */
import type { SeededRandom } from './random.ts';
import { type Lane, Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';

/** The instant at which every run begins. */
const begin = Date.UTC(2030, 0, 1);
/** Longer than the latest call of the store, and than the wait for any step. */
const patienceMs = 10 * 60_000;

/** What all parts of a run share: time, randomness, the trace, and the violations. */
export class World {
  readonly random: SeededRandom;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  /** The lane of calls outside the processes: clients and faults. */
  readonly lane: Lane;
  readonly violations: string[] = [];
  readonly #warn: (message: string) => void;
  readonly #warnings = new Set<string>();
  readonly #ends: (() => void)[] = [];

  constructor(random: SeededRandom, warn: (message: string) => void) {
    this.#warn = warn;
    this.random = random;
    this.scheduler = new Scheduler(random.fork(), begin);
    this.trace = new Trace(() => this.scheduler.now);
    this.lane = this.scheduler.lane('world');
  }

  now(): number {
    return this.scheduler.now;
  }

  get durationMs(): number {
    return this.scheduler.now - begin;
  }

  note(what: string): void {
    this.trace.add(what);
  }

  /** Reports a violation. */
  violated(what: string): void {
    this.violations.push(what);
    this.trace.add(`VIOLATION ${what}`);
  }

  /** Reports what makes the run hard to repeat, once. */
  warnOf(what: string): void {
    if (this.#warnings.has(what)) return;
    this.#warnings.add(what);
    this.trace.add(`WARNING ${what}`);
    this.#warn(what);
  }

  /** Makes a call when the run is over. */
  atEnd(call: () => void): void {
    this.#ends.push(call);
  }

  end(): void {
    for (const end of this.#ends) end();
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.scheduler.callLater(this.lane, ms, resolve));
  }

  /** Runs the simulation until a promise is settled, and settles as it does. */
  async until<Value>(promise: Promise<Value>, what: string): Promise<Value> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.scheduler.runUntil(this.scheduler.now + patienceMs, () => isSettled);
    if (!isSettled) throw new Error(`${what} takes longer than ${patienceMs} ms`);
    return promise;
  }
}
