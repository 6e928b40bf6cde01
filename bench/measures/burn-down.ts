import { join } from 'node:path';
import type { Contestant, ContestantModule, Settings } from './contestant.ts';
import { cpuUs, mainThreadUs } from './processor-time.ts';
import { Tally } from './tally.ts';

export interface BurnDownOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
  readonly jobs: number;
  /**
   * How long burn-downs are repeated before anything counts: the JavaScript compiler needs tens of thousands
   * of jobs.
   */
  readonly warmUpMs: number;
  /** How long jobs are put while others complete; 0 skips this part. */
  readonly sustainedMs: number;
  /** After this time the drain is stopped; its rate is that of the jobs that have completed by then. */
  readonly drainLimitMs: number;
}

export interface BurnDown {
  /** Jobs put by one bulk call while no worker runs, until all are acknowledged. */
  readonly enqueuePerS: number;
  /** The same jobs, from the start of the workers until the last one has completed or the limit is reached. */
  readonly drainPerS: number;
  /** Both together, for all jobs. */
  readonly totalPerS: number;
  /** Completions while puts continue, with a tenth of the jobs ahead of the workers. Null when skipped. */
  readonly sustainedPerS: number | null;
  /** Processor time of all threads from the first put to the last completion. */
  readonly cpuUsPerJob: number;
  /** The part of it that the main thread takes; null where it is not known. */
  readonly mainCpuUsPerJob: number | null;
  /** The same for servers outside this process; null when it is not known. */
  readonly serverCpuUsPerJob: number | null;
}

/** Puts many jobs at once, then works them off; then does both at the same time. */
export async function measure(options: BurnDownOptions): Promise<BurnDown> {
  const { settings, jobs, sustainedMs, drainLimitMs } = options;
  const module: ContestantModule = await import(options.contestant);
  await warmUp(options);

  const tally = new Tally();
  const contestant = await module.open({ ...settings, dir: join(settings.dir, 'measured') }, tally);
  const burned = await burnDown(contestant, tally, jobs, drainLimitMs);
  const sustainedPerS =
    sustainedMs > 0 ? await sustained(contestant, tally, Math.ceil(jobs / 10), sustainedMs) : null;
  await contestant.close();
  return { ...burned, sustainedPerS, ...(await contestant.clear?.()) };
}

/** Burns jobs down for some time and discards the figures. */
export async function warmUp(options: BurnDownOptions): Promise<void> {
  const { settings, jobs, warmUpMs, drainLimitMs } = options;
  const module: ContestantModule = await import(options.contestant);
  const warmAt = performance.now() + warmUpMs;
  for (let round = 1; performance.now() < warmAt; round += 1) {
    const tally = new Tally();
    const contestant = await module.open({ ...settings, dir: join(settings.dir, `warm-up-${round}`) }, tally);
    await burnDown(contestant, tally, jobs, drainLimitMs / 4);
    await contestant.close();
    await contestant.clear?.();
  }
}

async function burnDown(
  contestant: Contestant,
  tally: Tally,
  jobs: number,
  drainLimitMs: number,
): Promise<Omit<BurnDown, 'sustainedPerS'>> {
  const serverBefore = await contestant.serverCpuUs();
  const [cpuBefore, mainBefore] = [cpuUs(), mainThreadUs()];
  const begin = performance.now();
  await contestant.putBulk(jobs);
  const put = performance.now();
  await contestant.work();
  await tally.whenCompleted(jobs, put + drainLimitMs);
  const end = performance.now();
  const [cpuAfter, mainAfter] = [cpuUs(), mainThreadUs()];
  const serverUs = (await contestant.serverCpuUs()) - serverBefore;
  const [enqueuePerS, drainPerS] = [perS(jobs, put - begin), perS(tally.completions, end - put)];
  return {
    enqueuePerS,
    drainPerS,
    totalPerS: 1 / (1 / enqueuePerS + 1 / drainPerS),
    cpuUsPerJob: (cpuAfter - cpuBefore) / tally.completions,
    mainCpuUsPerJob: known((mainAfter - mainBefore) / tally.completions),
    serverCpuUsPerJob: known(serverUs / tally.completions),
  };
}

// The workers are never idle, and the queue never grows: for each completed job a new one is put.
async function sustained(contestant: Contestant, tally: Tally, backlog: number, ms: number): Promise<number> {
  const chunk = Math.ceil(backlog / 10);
  const before = tally.completions;
  let put = 0;
  const putUntil = async (end: number) => {
    while (performance.now() < end) {
      if (put - (tally.completions - before) < backlog) {
        await contestant.putBulk(chunk);
        put += chunk;
      } else {
        await tally.whenCompleted(tally.completions + chunk);
      }
    }
  };
  await putUntil(performance.now() + ms / 4);
  const [begin, first] = [performance.now(), tally.completions];
  await putUntil(begin + ms);
  return perS(tally.completions - first, performance.now() - begin);
}

function known(figure: number): number | null {
  return Number.isNaN(figure) ? null : figure;
}

function perS(count: number, ms: number): number {
  return (count / ms) * 1_000;
}
