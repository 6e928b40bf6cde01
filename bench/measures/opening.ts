import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';

/** How long a store that is there already takes until its jobs could be claimed. */
export interface Opening {
  readonly startupMs: number;
}

/** Opens a store, starts its dispatcher, and closes it as it should be closed. */
export async function measure({ dir }: { readonly dir: string }): Promise<Opening> {
  const noop = defineJob({ name: 'noop', run: () => null });
  const begin = performance.now();
  const box = await createSignalbox({ store: jsonStore(dir), jobs: [noop] });
  await box.start({ agent: null });
  const startupMs = performance.now() - begin;
  await box.stop();
  return { startupMs };
}
