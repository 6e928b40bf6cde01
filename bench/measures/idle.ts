import { join } from 'node:path';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { ContestantModule, Settings } from './contestant.ts';
import { percentile } from './statistics.ts';

export interface IdleOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
  readonly jobs: number;
  /** Jobs before the counted ones. */
  readonly warmUpJobs: number;
  /** The least time without work before a put; up to 1 ms longer at random. */
  readonly pauseMs: number;
}

/** The latency of a job that finds everything idle, from the call of put. */
export interface Idle {
  readonly putToStartP50Ms: number;
  readonly putToStartP99Ms: number;
  readonly putToResultP50Ms: number;
  readonly putToResultP99Ms: number;
}

/** Puts one job, waits for its result, pauses, and puts the next. */
export async function measure(options: IdleOptions): Promise<Idle> {
  const { settings, jobs, warmUpJobs, pauseMs } = options;
  const module: ContestantModule = await import(options.contestant);
  let startedAt = 0;
  let complete: (at: number) => void = () => {};
  const contestant = await module.open(
    { ...settings, dir: join(settings.dir, 'idle') },
    {
      started: () => {
        startedAt = performance.now();
      },
      completed: () => complete(performance.now()),
    },
  );
  await contestant.work();
  const toStart: number[] = [];
  const toResult: number[] = [];
  for (let job = 1; job <= warmUpJobs + jobs; job += 1) {
    await idleFor(pauseMs);
    const completed = new Promise<number>((resolve) => {
      complete = resolve;
    });
    const begin = performance.now();
    const put = contestant.put();
    const completedAt = await completed;
    await put;
    if (job <= warmUpJobs) continue;
    toStart.push(startedAt - begin);
    toResult.push(completedAt - begin);
  }
  await contestant.close();
  await contestant.clear?.();
  return {
    putToStartP50Ms: percentile(toStart, 50),
    putToStartP99Ms: percentile(toStart, 99),
    putToResultP50Ms: percentile(toResult, 50),
    putToResultP99Ms: percentile(toResult, 99),
  };
}

// A put from a timer would run in step with the timers of polling queues, just before them.
async function idleFor(ms: number): Promise<void> {
  await delay(ms);
  const end = performance.now() + Math.random();
  while (performance.now() < end) await nextTurn();
}
