import type { Duration, Representation } from '../index.ts';
import { checkOptions } from './check-options.ts';
import { within } from './within.ts';

const lookEveryMs = 100;

/**
 * Waits until a dispatcher counts as dead in a queue, by the pings of its representation, and returns the refreshed
 * representation. Checks every 100 ms in the time of the box: a death is computed and has no entry in the journal.
 *
 * @example
 * ```ts
 * import { createTestBox, VirtualReactor, waitForDeath } from 'signalbox/testing';
 *
 * const reactor = new VirtualReactor();
 * const { box, dispatcher, tearDown } = await createTestBox({ reactor });
 * const representation = await box.queue().dispatchers.get(dispatcher.uuid);
 * dispatcher.abandon();
 * await reactor.until(waitForDeath(representation, { timeout: '2m' }));
 * console.log(representation.dead); // => true
 * await tearDown();
 * ```
 *
 * @throws TimeoutError after `timeout` (default 6 s); it names the last ping.
 */
export async function waitForDeath(
  representation: Representation,
  options: { readonly timeout?: Duration } = {},
): Promise<Representation> {
  checkOptions(options, ['timeout']);
  const { reactor, uuid, queue } = representation;
  let isOver = false;
  const dead = async (): Promise<Representation> => {
    while (!isOver && !(await representation.refresh()).dead)
      await new Promise<void>((resolve) => reactor.callLater(lookEveryMs, resolve));
    return representation;
  };
  const what = (): string => {
    const ping = representation.lastPing?.toISOString() ?? 'never';
    return `the death of dispatcher ${uuid} in queue '${queue}', which pinged last: ${ping},`;
  };
  return within(reactor, options.timeout, what, dead()).finally(() => {
    isOver = true;
  });
}
