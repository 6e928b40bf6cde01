import { join } from 'node:path';
import type { Contestant, ContestantModule, Settings } from './contestant.ts';
import { Tally } from './tally.ts';

export interface BurnDownOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
  readonly jobs: number;
  /** Jobs of a first burn-down that is not counted: the compiler of JavaScript needs some. */
  readonly warmUpJobs: number;
  /** How long jobs are put while others complete; 0 leaves that out. */
  readonly sustainedMs: number;
}

export interface BurnDown {
  /** Jobs put by one bulk call while nothing works, until all are acknowledged. */
  readonly enqueuePerS: number;
  /** Those jobs, from the start of the workers until the last has completed. */
  readonly drainPerS: number;
  /** Both together. */
  readonly totalPerS: number;
  /** Completions while puts go on, with 500 to 1,000 jobs ahead of the workers. Null when left out. */
  readonly sustainedPerS: number | null;
  /** Processor time of all threads, and of servers, from the first put to the last completion. */
  readonly cpuUsPerJob: number;
}

const backlog = 1_000;
const chunk = 100;

/** Puts many jobs at once, then works them off; then does both at the same time. */
export async function measure(options: BurnDownOptions): Promise<BurnDown> {
  const { settings, jobs, warmUpJobs, sustainedMs } = options;
  const module: ContestantModule = await import(options.contestant);

  if (warmUpJobs > 0) {
    const tally = new Tally();
    const contestant = await module.open({ ...settings, dir: join(settings.dir, 'warm-up') }, tally);
    await burnDown(contestant, tally, warmUpJobs);
    await contestant.close();
  }

  const tally = new Tally();
  const contestant = await module.open({ ...settings, dir: join(settings.dir, 'measured') }, tally);
  const burned = await burnDown(contestant, tally, jobs);
  const sustainedPerS = sustainedMs > 0 ? await sustained(contestant, tally, sustainedMs) : null;
  await contestant.close();
  return { ...burned, sustainedPerS };
}

async function burnDown(
  contestant: Contestant,
  tally: Tally,
  jobs: number,
): Promise<Omit<BurnDown, 'sustainedPerS'>> {
  const cpuBefore = await cpuUs(contestant);
  const begin = performance.now();
  await contestant.putBulk(jobs);
  const put = performance.now();
  await contestant.work();
  await tally.whenCompleted(jobs);
  const end = performance.now();
  const cpuAfter = await cpuUs(contestant);
  return {
    enqueuePerS: perS(jobs, put - begin),
    drainPerS: perS(jobs, end - put),
    totalPerS: perS(jobs, end - begin),
    cpuUsPerJob: (cpuAfter - cpuBefore) / jobs,
  };
}

// The workers are never idle, and the queue never grows: what completes is put again.
async function sustained(contestant: Contestant, tally: Tally, ms: number): Promise<number> {
  const before = tally.completions;
  let put = 0;
  const putUntil = async (end: number) => {
    while (performance.now() < end) {
      if (put - (tally.completions - before) < backlog) {
        await contestant.putBulk(chunk);
        put += chunk;
      } else {
        await tally.whenCompleted(before + put - backlog / 2);
      }
    }
  };
  await putUntil(performance.now() + ms / 4);
  const [begin, first] = [performance.now(), tally.completions];
  await putUntil(begin + ms);
  const rate = perS(tally.completions - first, performance.now() - begin);
  await tally.whenCompleted(before + put);
  return rate;
}

async function cpuUs(contestant: Contestant): Promise<number> {
  const { user, system } = process.cpuUsage();
  return user + system + (await contestant.serverCpuUs());
}

function perS(count: number, ms: number): number {
  return (count / ms) * 1_000;
}
