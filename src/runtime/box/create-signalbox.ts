import { checkOptions } from './check-options.ts';
import { Signalbox } from './signalbox.ts';
import type { SignalboxOptions } from './signalbox-options.ts';

/**
 * Opens a store and gives the Signalbox on it: jobs can be put and asked for at once, and run after `start()`.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 *
 * const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [multiply] });
 * await box.start();
 * const job = await box.queue().put(multiply(14, 3));
 * console.log(await job.result()); // => 42
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `STORE_…` when the store cannot be opened, `INVALID_OPTION`, `INVALID_NAME`, `DUPLICATE_DEFINITION`,
 * `ANONYMOUS_FUNCTION`.
 */
export async function createSignalbox(options: SignalboxOptions): Promise<Signalbox> {
  checkOptions(options);
  const box = new Signalbox(options);
  try {
    await box.opened();
    for (const queue of options.queues ?? []) await box.createQueue(queue);
  } catch (error) {
    // The caller does not get this box, so the store is closed here.
    await box.stop().catch(() => {});
    throw error;
  }
  return box;
}
