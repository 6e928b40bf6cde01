import { checkKnown } from '../../model/checks/check-options.ts';
import { type Duration, durationMs } from '../../time.ts';
import { checkBox } from '../dispatchers/dispatcher-host.ts';
import { nodeSignals, type SignalName, type SignalPort } from '../environment/ports.ts';
import { withinMs } from '../environment/reactor/time-limits.ts';
import { internals } from './internals.ts';
import type { Signalbox } from './signalbox.ts';

/** Options of `handleSignals`. */
export interface SignalOptions {
  /** How long running jobs may take to end. Default 0: they are asked to stop at once. */
  readonly grace?: Duration;
  /** How long what still runs then may take to stop when it is asked to. Default 2 s. */
  readonly abort?: Duration;
  /** How long the stop as a whole is waited for. Default 3 s more than `grace` and `abort`. */
  readonly timeout?: Duration;
  readonly signals?: SignalPort;
}

/** One entry for each box whose signals are handled. */
const handled = new WeakMap<Signalbox, () => void>();

/**
 * Stops a box when the process is asked to end. SIGINT stops it, then lets the signal have its usual effect; SIGTERM
 * and SIGBREAK stop it and end the process. A second signal is not held up. This is a courtesy that saves time:
 * without it, the jobs of a process that just ends are recovered when its pings stay away.
 *
 * Other handlers of the same signals are called as always. Calling it again for a box changes nothing.
 *
 * @returns a function that takes exactly these handlers back; calling it twice is harmless.
 *
 * @example
 * ```ts
 * import { createSignalbox, handleSignals, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore() });
 * const restore = handleSignals(box, { grace: '30s' });
 * await box.start();
 * await box.stop();
 * restore();
 * ```
 *
 * @throws SignalboxError `INVALID_DURATION`, `INVALID_OPTION`.
 */
export function handleSignals(box: Signalbox, options: SignalOptions = {}): () => void {
  checkBox(box);
  checkKnown(options, ['grace', 'abort', 'timeout', 'signals']);
  const present = handled.get(box);
  if (present !== undefined) return present;
  const { signals = nodeSignals } = options;
  const grace = durationMs(options.grace ?? 0, 'grace');
  const abort = durationMs(options.abort ?? 2000, 'abort');
  const timeout = durationMs(options.timeout ?? grace + abort + 3000, 'timeout');

  const stopThen = (follow: () => void): void => {
    restore();
    const stopped = box.stop({ grace, abort }).catch((error) => {
      internals(box).context.log.events('CRITICAL', () => `could not stop: ${String(error)}`);
    });
    void withinMs(internals(box).context.reactor, stopped, timeout).then(follow);
  };
  const interrupt = (): void =>
    stopThen(() => {
      if (signals.listenerCount('SIGINT') === 0) signals.raise('SIGINT');
    });
  const terminate = (): void => stopThen(() => signals.exit(0));
  const handlers: readonly (readonly [SignalName, () => void])[] = [
    ['SIGINT', interrupt],
    ['SIGTERM', terminate],
    ['SIGBREAK', terminate],
  ];
  const restore = (): void => {
    if (handled.get(box) === restore) handled.delete(box);
    for (const [signal, handler] of handlers) signals.off(signal, handler);
  };

  handled.set(box, restore);
  for (const [signal, handler] of handlers) signals.on(signal, handler);
  return restore;
}
