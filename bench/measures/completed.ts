import { agent, createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { bytesIn, heapBytes } from './footprint.ts';

export interface CompletedOptions {
  readonly dir: string;
  readonly jobs: number;
}

/** The memory and disk space of a completed job while it is kept. */
export interface Completed {
  readonly heapBytesPerJob: number;
  readonly diskBytesPerJob: number;
}

/** Puts jobs and completes them all. */
export async function measure({ dir, jobs }: CompletedOptions): Promise<Completed> {
  const noop = defineJob({ name: 'noop', run: (_: { n: number }) => null });
  const box = await createSignalbox({ store: jsonStore(dir), jobs: [noop], queues: ['bench'] });
  await box.start({ agent: agent({ size: 50 }) });
  let completed = 0;
  let complete = () => {};
  const all = new Promise<void>((resolve) => {
    complete = resolve;
  });
  box.store.follow((lines) => {
    for (const { entries } of lines) {
      completed += entries.filter(({ kind, to }) => kind === 'job' && to === 'completed').length;
    }
    if (completed >= jobs) complete();
  });

  const heapBefore = heapBytes();
  for (let put = 0; put < jobs; put += 1_000) {
    await box.transaction(async (tx) => {
      const queue = tx.queue('bench');
      for (let n = put; n < Math.min(put + 1_000, jobs); n += 1) await queue.put(noop({ n }));
    });
  }
  await all;
  return {
    heapBytesPerJob: (heapBytes() - heapBefore) / jobs,
    diskBytesPerJob: bytesIn(dir) / jobs,
  };
}
