import type { Reactor } from './reactor.ts';

/** Who works on which reactor. */
const users = new WeakMap<Reactor, Set<object>>();

/** Counts somebody among those who work on a reactor. */
export function joinReactor(reactor: Reactor, user: object): void {
  const all = users.get(reactor) ?? new Set();
  users.set(reactor, all.add(user));
}

/** Says whether nobody works on the reactor any more: what is shared is stopped by the last who leaves. */
export function leaveReactor(reactor: Reactor, user: object): boolean {
  const all = users.get(reactor);
  all?.delete(user);
  return all === undefined || all.size === 0;
}
