import { join } from 'node:path';
import type { Contestant, Settings } from './contestant.ts';
import type { JobFeatures } from './job-settings.ts';
import { cpuUs } from './processor-time.ts';
import { open } from './signalbox.ts';
import { median } from './statistics.ts';
import { Tally } from './tally.ts';

interface Options {
  readonly settings: Settings;
  /** What the jobs of one side use. Those of the other side use no feature. */
  readonly features: JobFeatures;
  /** The jobs of a burst. */
  readonly jobs: number;
  /** How many bursts of each side count. */
  readonly bursts: number;
  readonly warmUpBursts: number;
}

/** Processor time of a job that uses the features, over that of one that uses none. */
export interface SideBySide {
  readonly ratio: number;
}

/**
 * Measures what features cost by short bursts of jobs, in turns with and without them, in one process. What differs between processes
 * and between moments of the machine is several times the cost that is looked for; here it affects both sides, and the
 * median of the pairs leaves out those in which all garbage was collected.
 */
export async function measure(options: Options): Promise<SideBySide> {
  const { settings, features, jobs, bursts, warmUpBursts } = options;
  const [plain, using] = [await openSide(settings, {}, 'plain'), await openSide(settings, features, 'using')];
  const ratios: number[] = [];
  for (let burst = -warmUpBursts; burst < bursts; burst += 1) {
    const costs = new Map<Side, number>();
    for (const side of burst % 2 === 0 ? [plain, using] : [using, plain])
      costs.set(side, await burn(side, jobs));
    if (burst >= 0) ratios.push((costs.get(using) as number) / (costs.get(plain) as number));
  }
  for (const { contestant } of [plain, using]) await contestant.close();
  return { ratio: median(ratios) };
}

interface Side {
  readonly contestant: Contestant;
  readonly tally: Tally;
}

async function openSide(settings: Settings, features: JobFeatures, folder: string): Promise<Side> {
  const tally = new Tally();
  const contestant = await open({ ...settings, features, dir: join(settings.dir, folder) }, tally);
  await contestant.work();
  return { contestant, tally };
}

/** Returns the processor time of each job of a burst, in microseconds. */
async function burn({ contestant, tally }: Side, jobs: number): Promise<number> {
  const before = cpuUs();
  const count = tally.completions + jobs;
  await contestant.putBulk(jobs);
  await tally.whenCompleted(count);
  return (cpuUs() - before) / jobs;
}
