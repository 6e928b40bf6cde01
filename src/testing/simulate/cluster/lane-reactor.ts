import { NodeReactor, type RunnableReactor, type ScheduledCall } from '../../../index.ts';
import type { Lane, Scheduler } from '../world/scheduler.ts';

/** The event loop and the clock of one simulated process. */
export class LaneReactor extends NodeReactor implements RunnableReactor {
  /** The error of this process's wall clock, in milliseconds. It does not affect timed calls. */
  skew = 0;
  readonly #scheduler: Scheduler;
  readonly #lane: Lane;

  constructor(scheduler: Scheduler, lane: Lane) {
    super();
    this.#scheduler = scheduler;
    this.#lane = lane;
  }

  override now(): number {
    return this.#scheduler.now + this.skew;
  }

  override callFromThread(call: () => void): void {
    this.#lane.turn(call);
  }

  override callInThread(call: () => void): void {
    this.#lane.answer(call);
  }

  override callLater(delayMs: number, call: () => void): ScheduledCall {
    return this.#scheduler.callLater(this.#lane, delayMs, call);
  }
}
