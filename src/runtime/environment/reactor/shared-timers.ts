import type { Clock, Reactor, ScheduledCall } from './reactor.ts';

/**
 * Timers for many that begin together: those that begin in one turn and one millisecond, with one delay, share one call of the
 * reactor. A timer is the dearest part of watching over a short job, and a claim begins many of them. A member costs no object.
 */
export class SharedTimers<Member> {
  readonly #reactor: Reactor;
  readonly #clock: Clock;
  readonly #passed: (member: Member) => void;
  /** Those of this turn, by their delays. */
  readonly #open = new Map<number, SharedTimer<Member>>();

  /** `passed`: the delay of this member is over. */
  constructor(reactor: Reactor, clock: Clock, passed: (member: Member) => void) {
    this.#reactor = reactor;
    this.#clock = clock;
    this.#passed = passed;
  }

  /** Returns the timer that the member is on now. A member is on one timer at a time. */
  begin(delayMs: number, member: Member): SharedTimer<Member> {
    const at = this.#clock.now();
    let timer = this.#open.get(delayMs);
    // Code that blocks makes a turn long: what begins after it has its whole delay.
    if (timer === undefined || timer.at !== at) {
      timer?.close();
      timer = new SharedTimer(at, (call) => this.#reactor.callLater(delayMs, call), this.#passed);
      this.#open.set(delayMs, timer);
      queueMicrotask(() => this.#close());
    }
    timer.add(member);
    return timer;
  }

  #close(): void {
    for (const timer of this.#open.values()) timer.close();
    this.#open.clear();
  }
}

/** One call of the reactor for all its members. */
class SharedTimer<Member> {
  /** When it began. */
  readonly at: number;
  readonly #call: ScheduledCall;
  /** Those whose delay is not over. The timer may last long for one of them, so it does not keep those that are cancelled. */
  readonly #members: Member[] = [];
  #isClosed = false;

  constructor(at: number, callLater: (call: () => void) => ScheduledCall, passed: (member: Member) => void) {
    this.at = at;
    this.#call = callLater(() => {
      // One of them may cancel another.
      for (let member = this.#members.shift(); member !== undefined; member = this.#members.shift())
        passed(member);
    });
  }

  add(member: Member): void {
    this.#members.push(member);
  }

  /** The last member takes the place of the one that is cancelled. */
  cancel(member: Member): void {
    const at = this.#members.indexOf(member);
    if (at < 0) return;
    const last = this.#members.pop() as Member;
    if (at < this.#members.length) this.#members[at] = last;
    this.#endIfEmpty();
  }

  /** No further member comes. */
  close(): void {
    this.#isClosed = true;
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#isClosed && this.#members.length === 0) this.#call.cancel();
  }
}
