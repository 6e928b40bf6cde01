import type { OpenStore } from '../../store/store.ts';
import type { Reactor, ScheduledCall } from '../environment/reactor/reactor.ts';

/** What a {@link DueTick} works with. */
export interface DueTickParts {
  readonly reactor: Reactor;
  /** Null while nothing has to be watched: no agent is there that could take what becomes due. */
  readonly store: () => OpenStore | null;
  /** A job has become due: the claims are to look. */
  readonly tick: () => void;
}

/** When a store that could not say what comes next is asked again. */
const askAgainMs = 1000;

/** A day: a reactor may be made of timers that know no delays of more than 2^31 ms, and make such calls at once. */
const longestMs = 24 * 60 * 60 * 1000;

/**
 * One timer for the earliest due time of all: it moves no job, it only wakes the claims.
 *
 * Each question covers the time since the one before, not the time from now on. A job that becomes due between the look
 * of a claim and the question is so told of by the question, which the claims that follow it answer.
 */
export class DueTick {
  readonly #parts: DueTickParts;
  #timer: ScheduledCall | null = null;
  #isPlanned = false;
  #isAsking = false;
  /** The store's time at the newest question that was answered: what was due by then has been told. */
  #toldUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: DueTickParts) {
    this.#parts = parts;
  }

  /** Asks behind the claims of this tick, and once for all that has asked. */
  plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#parts.reactor.callFromThread(() => {
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
    const store = this.#parts.store();
    if (store === null) return;
    this.#isAsking = true;
    const now = store.now();
    // A clock that was set back tells once more of what becomes due again.
    const since = Math.min(this.#toldUntil, now);
    const due = await store.due(since).catch(() => undefined);
    this.#isAsking = false;
    if (this.#isPlanned) {
      this.#isPlanned = false;
      this.plan();
    }
    if (this.#parts.store() === null) return;
    if (due === undefined) {
      // Whoever could not be asked leaves the timer that runs.
      if (this.#timer === null) this.#callLater(askAgainMs, () => this.plan());
      return;
    }
    this.#toldUntil = now;
    this.cancel();
    if (due === null) return;
    if (due <= now) this.#parts.tick();
    else if (due - now > longestMs) this.#callLater(longestMs, () => this.plan());
    else this.#callLater(Math.max(0, due - store.now()), this.#parts.tick);
  }

  #callLater(delayMs: number, call: () => void): void {
    this.#timer = this.#parts.reactor.callLater(delayMs, () => {
      this.#timer = null;
      call();
    });
  }
}
