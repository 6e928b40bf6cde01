import { join } from 'node:path';
import type { Contestant, ContestantModule, Settings } from './contestant.ts';
import type { JobFeatures } from './job-settings.ts';
import { cpuUs } from './processor-time.ts';
import { medians } from './statistics.ts';
import { Tally } from './tally.ts';

/** The two sides, and their bursts. */
export interface Sides {
  /** What the jobs of one side use. */
  readonly features: JobFeatures;
  /** What those of the other side use. */
  readonly against: JobFeatures;
  /** The jobs of a burst. */
  readonly jobs: number;
  /** How many bursts of each side count. */
  readonly bursts: number;
  readonly warmUpBursts: number;
}

interface Options extends Sides {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
}

/** What a job takes that uses the features, over what one of the other side takes. */
export interface SideBySide {
  /** Processor time of this process. */
  readonly cpuRatio: number;
  /** Jobs a second, put and drain. */
  readonly totalRatio: number;
}

/**
 * Measures what features cost by short bursts of jobs, in turns of both sides, in one process. What differs between processes
 * and between moments of the machine is several times the cost that is looked for; here it affects both sides, and the
 * median of the pairs leaves out those in which all garbage was collected.
 */
export async function measure(options: Options): Promise<SideBySide> {
  const { contestant, settings, features, against, jobs, bursts, warmUpBursts } = options;
  const module: ContestantModule = await import(contestant);
  const plain = await openSide(module, { ...settings, features: against, dir: join(settings.dir, 'plain') });
  const using = await openSide(module, { ...settings, features, dir: join(settings.dir, 'using') });
  const pairs: SideBySide[] = [];
  for (let burst = -warmUpBursts; burst < bursts; burst += 1) {
    const costs = new Map<Side, Cost>();
    for (const side of burst % 2 === 0 ? [plain, using] : [using, plain])
      costs.set(side, await burn(side, jobs));
    const [one, other] = [costs.get(using) as Cost, costs.get(plain) as Cost];
    if (burst >= 0) pairs.push({ cpuRatio: one.cpuUs / other.cpuUs, totalRatio: other.ms / one.ms });
  }
  for (const side of [plain, using]) await side.contestant.close();
  for (const side of [plain, using]) await side.contestant.clear?.();
  return medians(pairs);
}

interface Side {
  readonly contestant: Contestant;
  readonly tally: Tally;
}

async function openSide(module: ContestantModule, settings: Settings): Promise<Side> {
  const tally = new Tally();
  const contestant = await module.open(settings, tally);
  await contestant.work();
  return { contestant, tally };
}

/** What a burst takes. */
interface Cost {
  readonly cpuUs: number;
  readonly ms: number;
}

async function burn({ contestant, tally }: Side, jobs: number): Promise<Cost> {
  const [cpuBefore, began] = [cpuUs(), performance.now()];
  const count = tally.completions + jobs;
  await contestant.putBulk(jobs);
  await tally.whenCompleted(count);
  return { cpuUs: cpuUs() - cpuBefore, ms: performance.now() - began };
}
