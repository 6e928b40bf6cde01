import type { Clock, Reactor, ScheduledCall } from './reactor.ts';

/**
 * Timed calls for many that begin together: those that are asked for in one turn and one millisecond, with one delay, share one call of
 * the reactor. A timer is the dearest part of watching over a short job, and a claim begins many of them.
 */
export class SharedCalls {
  readonly #reactor: Reactor;
  readonly #clock: Clock;
  /** Those of this turn, by their delays. */
  readonly #open = new Map<number, Group>();

  constructor(reactor: Reactor, clock: Clock) {
    this.#reactor = reactor;
    this.#clock = clock;
  }

  callLater(delayMs: number, call: () => void): ScheduledCall {
    const at = this.#clock.now();
    let group = this.#open.get(delayMs);
    // Code that blocks makes a turn long: what begins after it has its whole delay.
    if (group === undefined || group.at !== at) {
      group?.close();
      group = new Group(this.#reactor, delayMs, at);
      this.#open.set(delayMs, group);
      queueMicrotask(() => this.#close());
    }
    return group.add(call);
  }

  #close(): void {
    for (const group of this.#open.values()) group.close();
    this.#open.clear();
  }
}

class Group {
  /** When it began. */
  readonly at: number;
  readonly #timer: ScheduledCall;
  readonly #calls: SharedCall[] = [];
  #pending = 0;
  #isClosed = false;

  constructor(reactor: Reactor, delayMs: number, at: number) {
    this.at = at;
    this.#timer = reactor.callLater(delayMs, () => {
      for (const call of this.#calls) call.make();
    });
  }

  add(call: () => void): ScheduledCall {
    const shared = new SharedCall(this, call);
    this.#calls.push(shared);
    this.#pending += 1;
    return shared;
  }

  /** One of its calls is cancelled. */
  cancelled(): void {
    this.#pending -= 1;
    this.#endIfEmpty();
  }

  /** No further call comes. */
  close(): void {
    this.#isClosed = true;
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#isClosed && this.#pending === 0) this.#timer.cancel();
  }
}

class SharedCall implements ScheduledCall {
  readonly #group: Group;
  /** Null once it is made or cancelled: the group may live for as long as the others. */
  #call: (() => void) | null;

  constructor(group: Group, call: () => void) {
    this.#group = group;
    this.#call = call;
  }

  make(): void {
    const call = this.#call;
    this.#call = null;
    call?.();
  }

  cancel(): void {
    if (this.#call === null) return;
    this.#call = null;
    this.#group.cancelled();
  }
}
