import type { Signalbox } from 'signalbox';

/** Tells the process that started this one that it is ready, and stops the box when told to end or left alone. */
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
