import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';

/** The time from opening an existing store until its jobs can be claimed. */
export interface Opening {
  readonly startupMs: number;
}

/** Opens a store, starts its dispatcher, and closes the store properly. */
export async function measure({ dir }: { readonly dir: string }): Promise<Opening> {
  const noop = defineJob({ name: 'noop', run: () => null });
  const begin = performance.now();
  const box = await createSignalbox({ store: jsonStore(dir), jobs: [noop] });
  await box.start({ agent: null });
  const startupMs = performance.now() - begin;
  await box.stop();
  return { startupMs };
}
