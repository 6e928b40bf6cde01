import type { OpenStore } from '../../store/store.ts';
import type { Reactor, ScheduledCall } from '../environment/reactor/reactor.ts';

/** The dependencies of a {@link DueTimer}. */
export interface DueTimerDeps {
  readonly reactor: Reactor;
  /** Null while no agent could take what becomes due. */
  readonly store: () => OpenStore | null;
  /** A job has become due: the agents look. */
  readonly tick: () => void;
}

/** When a store that could not answer is asked again. */
const askAgainMs = 1000;

/** A day: the timers of a reactor may not know delays of more than 2^31 ms, and fire at once. */
const longestMs = 24 * 60 * 60 * 1000;

/**
 * One timer for the earliest due time of all queues: it changes no job, it only lets the agents look.
 *
 * Each question to the store covers the time since the question before, not the time from now on. So a job that becomes due
 * between the look of a claim and the next question is found by that question.
 */
export class DueTimer {
  readonly #deps: DueTimerDeps;
  #timer: ScheduledCall | null = null;
  #isPlanned = false;
  #isAsking = false;
  /** The store's time at the newest question that was answered: the agents have looked for what was due by then. */
  #coveredUntil = Number.NEGATIVE_INFINITY;

  constructor(deps: DueTimerDeps) {
    this.#deps = deps;
  }

  /** Asks the store after the claims of this tick, once for all calls in it. */
  plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#deps.reactor.callFromThread(() => {
      // One question at a time: an older answer must not undo a newer one.
      if (this.#isAsking) return;
      this.#isPlanned = false;
      void this.#ask();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  async #ask(): Promise<void> {
    const store = this.#deps.store();
    if (store === null) return;
    this.#isAsking = true;
    const now = store.now();
    // After the clock was set back, what becomes due again is found again.
    const since = Math.min(this.#coveredUntil, now);
    const due = await store.due(since).catch(() => undefined);
    this.#isAsking = false;
    if (this.#isPlanned) {
      this.#isPlanned = false;
      this.plan();
    }
    if (this.#deps.store() === null) return;
    if (due === undefined) {
      // A store that cannot answer leaves the running timer as it is.
      if (this.#timer === null) this.#callLater(askAgainMs, () => this.plan());
      return;
    }
    this.#coveredUntil = now;
    this.cancel();
    if (due === null) return;
    if (due <= now) this.#deps.tick();
    else if (due - now > longestMs) this.#callLater(longestMs, () => this.plan());
    else this.#callLater(Math.max(0, due - store.now()), this.#deps.tick);
  }

  #callLater(delayMs: number, call: () => void): void {
    this.#timer = this.#deps.reactor.callLater(delayMs, () => {
      this.#timer = null;
      call();
    });
  }
}
