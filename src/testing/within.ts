import { type Dispatcher, type Duration, durationMs, type Reactor, TimeoutError } from '../index.ts';

/** The default limit of the waits of this package. */
export const defaultTimeout: Duration = '6s';

/**
 * Resolves as a promise does, unless that takes longer than the limit in the time of the reactor. @throws
 * TimeoutError.
 */
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

/** Makes a text that names what a wait at a dispatcher waits for, and the dispatcher's status at that moment. */
export function ofDispatcher(what: string, dispatcher: Dispatcher): () => string {
  return () => `${what} of dispatcher ${dispatcher.uuid}, which is ${dispatcher.getStatusInfo().status},`;
}
