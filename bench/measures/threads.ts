import { agent, createSignalbox, defineJob, memoryStore } from 'signalbox';
import { cpuUs } from './processor-time.ts';

/** What a job costs that does nothing, in a thread. */
export interface Threads {
  /** How many go there and back in a second, with an agent of four threads. */
  readonly threadJobsPerS: number;
  /** What one costs in processor time of all threads. */
  readonly threadCpuUsPerJob: number;
  /** From the put to the result when nothing else runs. */
  readonly threadRoundMs: number;
  /** The first one: from the put, with the start of its thread, to the result. */
  readonly threadStartMs: number;
}

/** Measures in memory, from what is built. */
export async function measure({ jobs }: { jobs: number }): Promise<Threads> {
  const nothing = defineJob({ name: 'nothing', run: () => null });
  const box = await createSignalbox({
    store: memoryStore({ historyMaxLines: 0 }),
    jobs: [nothing],
    threadModule: new URL('./thread-jobs.mjs', import.meta.url),
  });
  await box.start({ agent: agent({ size: 4, executor: 'thread' }) });
  const queue = box.queue();
  const run = async (count: number): Promise<number> => {
    const start = performance.now();
    const put = await queue.putAll(Array.from({ length: count }, () => nothing()));
    await Promise.all(put.map((job) => job.result()));
    return performance.now() - start;
  };
  const threadStartMs = await run(1);
  // Starts all threads, and warms up their compilers.
  for (let round = 0; round < 4; round += 1) await run(jobs / 4);
  const rounds: number[] = [];
  for (let round = 0; round < 200; round += 1) rounds.push(await run(1));
  const before = cpuUs();
  const ms = await run(jobs);
  const threadCpuUsPerJob = (cpuUs() - before) / jobs;
  await box.stop();
  rounds.sort((one, other) => one - other);
  return {
    threadJobsPerS: (jobs / ms) * 1000,
    threadCpuUsPerJob,
    threadRoundMs: rounds[rounds.length / 2] ?? Number.NaN,
    threadStartMs,
  };
}
