import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { median } from './statistics.ts';

/** What a list of very many jobs costs. */
export interface Many {
  readonly countsMs: number;
  /** 200 jobs of the list of those that wait: the first ones, and those after them. */
  readonly pageMs: number;
}

const samples = 15;

/** Puts jobs that wait, then counts them and reads pages of them. */
export async function measure({ dir, jobs }: { readonly dir: string; readonly jobs: number }): Promise<Many> {
  const wait = defineJob({ name: 'wait', run: (_: { readonly n: number }) => null });
  const box = await createSignalbox({ store: jsonStore(dir), jobs: [wait], queues: ['waiting'] });
  for (let n = 0; n < jobs; n += 1_000)
    await box.queue('waiting').putAll(Array.from({ length: 1_000 }, (_, at) => wait({ n: n + at })));
  const { store } = box;
  const pages = await times(async () => {
    const first = await store.jobsPage({ list: 'waiting', limit: 200 });
    if (first.next !== null) await store.jobsPage({ list: 'waiting', limit: 200, after: first.next });
  });
  const counts = await times(() => store.counts());
  await box.stop();
  return { countsMs: median(counts), pageMs: median(pages) / 2 };
}

/** Returns how long each of some calls took, in milliseconds. */
export async function times(work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const begin = performance.now();
    await work();
    taken.push(performance.now() - begin);
  }
  return taken;
}
