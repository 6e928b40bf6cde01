import type { Dispatcher, Duration, PollInfo } from '../index.ts';
import { checkOptions } from './check-options.ts';
import { ofDispatcher, within } from './within.ts';

/**
 * Returns the next poll of a dispatcher when it has ended: the next that begins, since a poll under way may
 * have passed its queues already. With a `count`, returns the newest poll as soon as more than `count` are
 * kept; `getPoll(dispatcher, 0)` returns the first.
 *
 * Times are those of the dispatcher's reactor: under a `VirtualReactor` write `await reactor.until(getPoll(dispatcher))`.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore } from 'signalbox';
 * import { getPoll } from 'signalbox/testing';
 *
 * const box = await createSignalbox({ store: memoryStore() });
 * const dispatcher = await box.start({ pollInterval: '50ms' });
 * const poll = await getPoll(dispatcher, undefined, { timeout: '1s' });
 * console.log(poll.queues['']?.main?.size); // => 3
 * await box.stop();
 * ```
 *
 * @throws TimeoutError after `timeout` (default 6 s); it names the dispatcher's status.
 */
export async function getPoll(
  dispatcher: Dispatcher,
  count?: number,
  options: { readonly timeout?: Duration } = {},
): Promise<PollInfo> {
  checkOptions(options, ['timeout']);
  const poll = count === undefined ? dispatcher.nextPoll() : pollAfter(dispatcher, count);
  return within(dispatcher.reactor, options.timeout, ofDispatcher('a poll', dispatcher), poll);
}

async function pollAfter(dispatcher: Dispatcher, count: number): Promise<PollInfo> {
  for (;;) {
    const newest = dispatcher.polls.newest();
    if (newest !== undefined && dispatcher.polls.length > count) return newest;
    await dispatcher.nextPoll();
  }
}
