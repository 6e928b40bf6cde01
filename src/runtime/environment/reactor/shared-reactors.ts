import type { Reactor } from './reactor.ts';

/** The users of each reactor. */
const users = new WeakMap<Reactor, Set<object>>();

/** Registers a user of a reactor. */
export function joinReactor(reactor: Reactor, user: object): void {
  const all = users.get(reactor) ?? new Set();
  users.set(reactor, all.add(user));
}

/** Removes a user. Returns whether it was the last: the last user stops the reactor. */
export function leaveReactor(reactor: Reactor, user: object): boolean {
  const all = users.get(reactor);
  all?.delete(user);
  return all === undefined || all.size === 0;
}
