import { type Dispatcher, type Duration, durationMs, TimeoutError } from '../index.ts';

/** How long the waits of this package wait unless they are told otherwise. */
export const defaultTimeout: Duration = '6s';

/** What a promise gives, unless it takes longer than the limit in the time of the dispatcher's reactor. */
export function within<Value>(
  dispatcher: Dispatcher,
  timeout: Duration = defaultTimeout,
  what: string,
  promise: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = dispatcher.reactor.callLater(durationMs(timeout, 'timeout'), () => {
      const { status } = dispatcher.getStatusInfo();
      const name = `dispatcher ${dispatcher.uuid}, which is ${status},`;
      reject(new TimeoutError({ what: `${what} of ${name}`, limit: `${timeout}` }));
    });
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}
