import type { Reactor } from './reactor.ts';

/** Resolves with the value of a promise, or with undefined when it has not settled by then. */
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
