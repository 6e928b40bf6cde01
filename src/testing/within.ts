import { type Dispatcher, type Duration, durationMs, type Reactor, TimeoutError } from '../index.ts';

/** How long the waits of this package wait unless they are told otherwise. */
export const defaultTimeout: Duration = '6s';

/** What a promise gives, unless it takes longer than the limit in the time of the reactor. */
export function within<Value>(
  reactor: Reactor,
  timeout: Duration = defaultTimeout,
  what: () => string,
  promise: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = reactor.callLater(durationMs(timeout, 'timeout'), () => {
      reject(new TimeoutError({ what: what(), limit: `${timeout}` }));
    });
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** What is waited for at a dispatcher, with how the dispatcher is by then. */
export function ofDispatcher(what: string, dispatcher: Dispatcher): () => string {
  return () => `${what} of dispatcher ${dispatcher.uuid}, which is ${dispatcher.getStatusInfo().status},`;
}
