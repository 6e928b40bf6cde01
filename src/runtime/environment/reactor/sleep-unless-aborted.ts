import type { Reactor } from './reactor.ts';

/** Resolves after this time. Rejects with the reason of the first signal that aborts, and takes its timer back. */
export function sleepUnlessAborted(
  reactor: Reactor,
  ms: number,
  signals: readonly AbortSignal[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) {
      reject(aborted.reason);
      return;
    }
    const release = (): void => {
      for (const signal of signals) signal.removeEventListener('abort', abort);
    };
    const timer = reactor.callLater(ms, () => {
      release();
      resolve();
    });
    const abort = (event: Event): void => {
      timer.cancel();
      release();
      reject((event.target as AbortSignal).reason);
    };
    for (const signal of signals) signal.addEventListener('abort', abort);
  });
}
