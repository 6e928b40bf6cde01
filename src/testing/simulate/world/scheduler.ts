import { NodeReactor, type ScheduledCall } from '../../../index.ts';
import { type Timer, TimerHeap } from '../../timer-heap.ts';
import type { SeededRandom } from './random.ts';

/** The number of calls without time moving above which a run counts as stuck. */
const mostStepsAtOnce = 50_000;

/** The number of calls in one turn of the real event loop. All promises settle between two of them. */
const callsPerTurn = 64;

/**
 * The calls of one simulated process. A paused lane keeps them for later, as a stopped process does; a killed one drops
 * them.
 */
export class Lane {
  readonly name: string;
  /** Calls in order: turns of the event loop, and lines of the journal. */
  readonly turns: (() => void)[] = [];
  /** Calls in any order: due timed calls, and answers of the store. */
  readonly answers: (() => void)[] = [];
  /** Timed calls that are not due yet. */
  timers = 0;
  #state: 'running' | 'paused' | 'killed' = 'running';

  constructor(name: string) {
    this.name = name;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isKilled(): boolean {
    return this.#state === 'killed';
  }

  /** The number of calls that are open, now or later. */
  get pending(): number {
    return this.turns.length + this.answers.length + this.timers;
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state === 'paused') this.#state = 'running';
  }

  kill(): void {
    this.#state = 'killed';
    this.turns.length = 0;
    this.answers.length = 0;
  }

  /** Adds a call of this process: it is made while the process runs, and never after it is killed. */
  answer(call: () => void): void {
    if (!this.isKilled) this.answers.push(call);
  }

  /** As `answer`, but after all earlier calls in order. */
  turn(call: () => void): void {
    if (!this.isKilled) this.turns.push(call);
  }
}

/**
 * Decides what happens next in all processes of a run: the seed chooses one of the ready calls; when no call is
 * ready, time moves to the next timed call. All promises settle between two calls, so nothing else decides the
 * order.
 */
export class Scheduler {
  readonly #random: SeededRandom;
  readonly #loop = new NodeReactor();
  readonly #timers = new TimerHeap();
  readonly #lanes = new Set<Lane>();
  #now: number;
  #scheduled = 0;
  #steps = 0;
  /** The number of calls when time last moved. */
  #stepsBefore = 0;
  #holds = 0;
  #released: (() => void)[] = [];

  constructor(random: SeededRandom, now: number) {
    this.#random = random;
    this.#now = now;
  }

  /** Epoch milliseconds of simulated time. */
  get now(): number {
    return this.#now;
  }

  /** The number of calls so far. */
  get steps(): number {
    return this.#steps;
  }

  lane(name: string): Lane {
    const lane = new Lane(name);
    this.#lanes.add(lane);
    return lane;
  }

  kill(lane: Lane): void {
    lane.kill();
    this.#lanes.delete(lane);
  }

  callLater(lane: Lane, delayMs: number, call: () => void): ScheduledCall {
    let isOff = false;
    this.#scheduled += 1;
    lane.timers += 1;
    const timer: Timer = {
      at: this.#now + Math.max(1, delayMs),
      number: this.#scheduled,
      cancelled: false,
      call: () => {
        lane.timers -= 1;
        lane.answer(() => {
          if (!isOff) call();
        });
      },
    };
    this.#timers.add(timer);
    return {
      cancel: () => {
        isOff = true;
        if (!timer.cancelled) lane.timers -= 1;
        this.#timers.cancel(timer);
      },
    };
  }

  /**
   * Stops all calls and the time until the returned function is called: for real work, such as a query of a database,
   * which takes no simulated time.
   */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      if (this.#holds > 0) return;
      // In a later turn: what follows from the answer happens first, and may hold again.
      this.#loop.callFromThread(() => {
        if (this.#holds > 0) return;
        for (const resume of this.#released.splice(0)) resume();
      });
    };
  }

  /** Lets time pass up to an instant, or until `isOver` returns true. An error of a call rejects the promise. */
  async runUntil(end: number, isOver: () => boolean = () => false): Promise<void> {
    let isDone = false;
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        if (isDone || this.#holds > 0) return;
        try {
          isDone = isOver() || !this.#step(end);
          if (isDone) resolve();
        } catch (error) {
          isDone = true;
          reject(error);
        }
      };
      const turns = (): void => {
        if (isDone) return;
        if (this.#holds > 0) {
          this.#released.push(turns);
          return;
        }
        for (let count = 0; count < callsPerTurn; count += 1) this.#loop.callFromThread(turn);
        this.#loop.callFromThread(turns);
      };
      turns();
    });
  }

  /** Makes one call. Returns false when no call is left before the end: then time has moved to the end. */
  #step(end: number): boolean {
    let ready = this.#ready();
    while (ready === 0) {
      const at = this.#timers.peek()?.at ?? Number.POSITIVE_INFINITY;
      this.#now = Math.max(this.#now, Math.min(at, end));
      this.#stepsBefore = this.#steps;
      if (at > end) return false;
      while ((this.#timers.peek()?.at ?? Number.POSITIVE_INFINITY) <= this.#now) this.#timers.take()?.call();
      ready = this.#ready();
    }
    this.#steps += 1;
    if (this.#steps - this.#stepsBefore > mostStepsAtOnce)
      throw new Error(
        `${mostStepsAtOnce} calls in a row without time passing: some call is repeated without end`,
      );
    this.#take(ready === 1 ? 0 : this.#random.integer(0, ready - 1))();
    return true;
  }

  #ready(): number {
    let ready = 0;
    for (const lane of this.#lanes)
      if (lane.isRunning) ready += lane.answers.length + (lane.turns.length > 0 ? 1 : 0);
    return ready;
  }

  #take(number: number): () => void {
    let remaining = number;
    for (const lane of this.#lanes) {
      if (!lane.isRunning) continue;
      if (remaining < lane.answers.length) return lane.answers.splice(remaining, 1)[0] as () => void;
      remaining -= lane.answers.length;
      if (lane.turns.length === 0) continue;
      if (remaining === 0) return lane.turns.shift() as () => void;
      remaining -= 1;
    }
    return () => {};
  }
}
