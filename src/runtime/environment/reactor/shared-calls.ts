import type { Reactor, ScheduledCall } from './reactor.ts';

/**
 * Timed calls for many that begin together: those that are asked for in one turn, with one delay, share one call of the reactor. A
 * timer is the dearest part of watching over a short job, and a claim begins many of them.
 */
export class SharedCalls {
  readonly #reactor: Reactor;
  /** Those of this turn, by their delays. */
  readonly #open = new Map<number, Group>();

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  callLater(delayMs: number, call: () => void): ScheduledCall {
    let group = this.#open.get(delayMs);
    if (group === undefined) {
      group = new Group(this.#reactor, delayMs);
      this.#open.set(delayMs, group);
      if (this.#open.size === 1) queueMicrotask(() => this.#close());
    }
    return group.add(call);
  }

  #close(): void {
    for (const group of this.#open.values()) group.close();
    this.#open.clear();
  }
}

class Group {
  readonly #timer: ScheduledCall;
  readonly #members = new Set<Member>();
  #isClosed = false;

  constructor(reactor: Reactor, delayMs: number) {
    this.#timer = reactor.callLater(delayMs, () => {
      for (const { call } of this.#members) call();
    });
  }

  add(call: () => void): ScheduledCall {
    const member = new Member(this, call);
    this.#members.add(member);
    return member;
  }

  remove(member: Member): void {
    if (this.#members.delete(member)) this.#cancelIfOver();
  }

  /** No further one comes. */
  close(): void {
    this.#isClosed = true;
    this.#cancelIfOver();
  }

  #cancelIfOver(): void {
    if (this.#isClosed && this.#members.size === 0) this.#timer.cancel();
  }
}

class Member implements ScheduledCall {
  readonly call: () => void;
  readonly #group: Group;

  constructor(group: Group, call: () => void) {
    this.#group = group;
    this.call = call;
  }

  cancel(): void {
    this.#group.remove(this);
  }
}
