import type { Dispatcher, Duration } from '../index.ts';
import { checkOptions } from './check-options.ts';
import { ofDispatcher, within } from './within.ts';

/**
 * Waits until a dispatcher is deactivated and its jobs are released: after `deactivate()`, a stop of its reactor, or
 * `abandon()`. Checks for the beginning, which has no event, every 10 ms in the time of the dispatcher's reactor.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore, NodeReactor } from 'signalbox';
 * import { waitForDeactivation } from 'signalbox/testing';
 *
 * const reactor = new NodeReactor();
 * const box = await createSignalbox({ store: memoryStore(), reactor });
 * const dispatcher = await box.start();
 * reactor.callFromThread(() => void reactor.stop());
 * await waitForDeactivation(dispatcher);
 * console.log(dispatcher.getStatusInfo().status); // => STOPPED
 * await box.stop();
 * ```
 *
 * @throws TimeoutError after `timeout` (default 6 s); it names the dispatcher's status.
 */
export async function waitForDeactivation(
  dispatcher: Dispatcher,
  options: { readonly timeout?: Duration } = {},
): Promise<void> {
  checkOptions(options, ['timeout']);
  let isOver = false;
  const deactivated = new Promise<void>((resolve) => {
    const look = (): void => {
      // The deactivation has begun: `stopped()` only waits for its end.
      if (dispatcher.activated === null) resolve(dispatcher.stopped());
      else if (!isOver) dispatcher.reactor.callLater(10, look);
    };
    look();
  });
  const what = ofDispatcher('the deactivation', dispatcher);
  return within(dispatcher.reactor, options.timeout, what, deactivated).finally(() => {
    isOver = true;
  });
}
