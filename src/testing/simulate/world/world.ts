import type { SeededRandom } from './random.ts';
import { type Lane, Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';

/** The instant at which every run begins. */
const begin = Date.UTC(2030, 0, 1);
/** Longer than any single call of the store is late, or any step is waited for. */
const patienceMs = 10 * 60_000;

/** What all parts of a run share: time, chance, the trace, and what broke. */
export class World {
  readonly random: SeededRandom;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  /** For what belongs to no process: clients, and what goes wrong. */
  readonly lane: Lane;
  readonly violations: string[] = [];

  constructor(random: SeededRandom) {
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

  /** Something broke that must not. */
  violated(what: string): void {
    this.violations.push(what);
    this.trace.add(`VIOLATION ${what}`);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.scheduler.callLater(this.lane, ms, resolve));
  }

  /** Lets things happen until a promise is settled, and gives what it gives. */
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
