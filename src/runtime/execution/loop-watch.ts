import { AsyncResource } from 'node:async_hooks';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { ScheduledCall } from '../environment/reactor/reactor.ts';

/** How often the watch looks while jobs run: a block that is longer than the limit by this much is always seen. */
const intervalMs = 500;

/** A block of the event loop up to this long is not logged. */
const longestMs = 1000;

/** No more than one entry in this time. */
const quietMs = 60_000;

/** How many definitions an entry names. */
const mostNamed = 5;

/**
 * Watches whether code blocks the event loop: then no agent claims, no dispatcher pings, and the process may be declared dead.
 * While jobs run it makes a timed call now and then, and a call that comes late was blocked. It does nothing while no job runs,
 * or when the logger drops WARNING, and its timer does not keep the process alive.
 */
export class LoopWatch {
  readonly #context: Pick<RuntimeContext, 'reactor' | 'log'>;
  readonly #now: () => number;
  readonly #running: () => Iterable<string>;
  // Its calls belong to no job and no request: neither may be kept by them, nor named in an entry.
  readonly #root = new AsyncResource('signalbox');
  /** The definitions of what has run since the last look: the job that blocked may be over when the watch looks. */
  readonly #ran = new Set<string>();
  #last: string | null = null;
  #timer: ScheduledCall | null = null;
  #loggedAt = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  /** `now`: the clock of this process. `running`: the definitions of what runs now. */
  constructor(
    context: Pick<RuntimeContext, 'reactor' | 'log'>,
    now: () => number,
    running: () => Iterable<string>,
  ) {
    this.#context = context;
    this.#now = now;
    this.#running = running;
  }

  /** The code of a job is called now. Most jobs are of the same definition as the one before: then it costs a comparison. */
  note(name: string): void {
    if (name === this.#last) return;
    this.#last = name;
    // The newest is last: it is the likeliest to have blocked.
    this.#ran.delete(name);
    this.#ran.add(name);
    if (this.#timer === null) this.#watch();
  }

  /** Watches no more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #watch(): void {
    if (this.#isStopped || !this.#context.log.isRead('WARNING')) return;
    const due = this.#now() + intervalMs;
    const { reactor } = this.#context;
    this.#timer = this.#root.runInAsyncScope(
      () => reactor.callInBackground?.(intervalMs, () => this.#look(due)) ?? null,
    );
  }

  #look(due: number): void {
    const now = this.#now();
    const lag = now - due;
    const names = new Set([...this.#running(), ...[...this.#ran].reverse()]);
    if (lag > longestMs && now - this.#loggedAt >= quietMs) this.#warn(lag, now, [...names]);
    this.#ran.clear();
    this.#last = null;
    this.#timer = null;
    if (names.size > 0) this.#watch();
  }

  #warn(lag: number, now: number, names: readonly string[]): void {
    this.#loggedAt = now;
    const named = names.slice(0, mostNamed).join(', ');
    const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
    this.#context.log.events(
      'WARNING',
      () =>
        `event loop was blocked for ${(lag / 1000).toFixed(1)} s or more; these jobs ran: ${named}${more}. No claim and no ping is made meanwhile: move long work to a worker thread.`,
      { ms: lag },
    );
  }
}
