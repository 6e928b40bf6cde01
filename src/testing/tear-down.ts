import {
  type Dispatcher,
  type Duration,
  durationMs,
  type ErrorDetails,
  handleSignals,
  type Signalbox,
  SignalboxError,
} from '../index.ts';
import { checkOptions } from './check-options.ts';

/** The options of a tear-down. */
export interface TearDownOptions {
  /** Default 3 s. */
  readonly timeout?: Duration;
}

/** Thrown when something does not stop. `details.problems` names each running job and each stuck dispatcher. */
export class TearDownError extends SignalboxError<'TEAR_DOWN'> {
  override readonly name = 'TearDownError';

  constructor(details: ErrorDetails<'TEAR_DOWN'>, options?: ErrorOptions) {
    super('TEAR_DOWN', details, options);
  }
}

const lookEveryMs = 10;

/**
 * Deactivates a dispatcher, waits until it is stopped and its workers are done, and removes it from its box. Reads only
 * records in memory, so it names the jobs that do not end also when the store does not answer.
 *
 * Times are those of the dispatcher's reactor. Once the cause is gone, call it again.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore } from 'signalbox';
 * import { tearDownDispatcher } from 'signalbox/testing';
 *
 * const box = await createSignalbox({ store: memoryStore() });
 * const dispatcher = await box.start();
 * await tearDownDispatcher(dispatcher);
 * console.log(dispatcher.getStatusInfo().status, box.getDispatcher()); // => STOPPED null
 * await box.stop();
 * ```
 *
 * @throws TearDownError after `timeout`.
 */
export function tearDownDispatcher(dispatcher: Dispatcher, options: TearDownOptions = {}): Promise<void> {
  return tearDownDispatchers([dispatcher], options);
}

/**
 * Stops a test box: its dispatchers and their workers first, then signal handlers and the store, so that
 * another box can take its place. One error names everything that does not stop; the store then stays open, and
 * the call can be repeated once the cause is gone.
 *
 * @throws TearDownError after `timeout`.
 */
export async function tearDownBox(box: Signalbox, options: TearDownOptions = {}): Promise<void> {
  if (box.state === 'stopped') return;
  await tearDownDispatchers([...box.dispatchers.values()], options);
  // The stop may add handlers: removing exactly those restores the state before.
  handleSignals(box)();
  await box.stop();
}

async function tearDownDispatchers(
  dispatchers: readonly Dispatcher[],
  options: TearDownOptions,
): Promise<void> {
  checkOptions(options, ['timeout']);
  const { timeout = '3s' } = options;
  const found = await Promise.all(dispatchers.map((dispatcher) => stuckAt(dispatcher, timeout)));
  const problems = found.flat();
  if (problems.length > 0) throw new TearDownError({ problems, limit: `${timeout}` });
  for (const { box, uuid } of dispatchers) box.popDispatcher(uuid);
}

/** Returns what has not stopped when the time is over. */
async function stuckAt(dispatcher: Dispatcher, timeout: Duration): Promise<readonly string[]> {
  let isStopped = false;
  void dispatcher.stopped().then(() => {
    isStopped = true;
  });
  for (let remaining = durationMs(timeout, 'timeout'); ; remaining -= lookEveryMs) {
    await new Promise<void>((resolve) => dispatcher.reactor.callFromThread(resolve));
    const busy = [...dispatcher.jobs].filter(([, info]) => info.started !== null && info.completed === null);
    if (isStopped && busy.length === 0) return [];
    if (remaining <= 0) {
      const stuck = isStopped
        ? []
        : [`dispatcher ${dispatcher.uuid} has not ended its last poll or deactivation`];
      const jobs = busy.map(([, { thread, call }]) => `worker ${thread} still runs ${call}`);
      return [...stuck, ...jobs];
    }
    await new Promise<void>((resolve) => dispatcher.reactor.callLater(lookEveryMs, resolve));
  }
}
