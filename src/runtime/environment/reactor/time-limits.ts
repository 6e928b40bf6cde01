import type { Reactor } from './reactor.ts';

/** What a promise gives, or undefined when it has not given anything by then. */
export function answeredWithin<Value>(
  reactor: Reactor,
  promise: Promise<Value>,
  ms: number,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const limit = reactor.callLater(ms, () => resolve(undefined));
    promise.then(resolve, reject).finally(() => limit.cancel());
  });
}

/** Waits for a promise, but no longer than this. */
export function withinMs(reactor: Reactor, promise: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const limit = reactor.callLater(ms, resolve);
    void promise.then(() => {
      limit.cancel();
      resolve();
    });
  });
}
