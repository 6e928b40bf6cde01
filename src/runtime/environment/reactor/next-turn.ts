import type { Reactor } from './reactor.ts';

/** Resolves in a later turn of the event loop, so that long work holds up nothing. */
export function nextTurn(reactor: Pick<Reactor, 'callFromThread'>): Promise<void> {
  return new Promise((resolve) => reactor.callFromThread(resolve));
}
