import type { Signalbox } from 'signalbox';

/** Sends `news` to the parent process when ready. Stops the box at a signal, or when the parent disconnects. */
export function runs(box: Signalbox, news: unknown): void {
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    void box.stop({ grace: '1s' }).then(() => process.exit());
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.on(signal, stop);
  process.send?.(news);
}
