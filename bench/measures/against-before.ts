import { rmSync } from 'node:fs';
import type { BurnDown } from './burn-down.ts';
import { Children } from './in-child.ts';
import { freshFolder } from './place.ts';
import { geometricMean } from './statistics.ts';
import { progress } from './turns.ts';

interface Course {
  /** Where the folders of the stores are made. */
  readonly place: string;
  readonly jobs: number;
  readonly warmUpMs: number;
  /** How many processes of each release are measured. */
  readonly processes: number;
  /** How many burn-downs a process runs, each in turn with one of the other release. */
  readonly rounds: number;
}

const here = new URL('./', import.meta.url);

/**
 * Returns the processor time of a plain job before a feature, over that of now, at agent size 50; null where the release before is
 * not there.
 *
 * Both releases run the same burn-down with the same settings, each in several processes, and change the order from pair to pair.
 * One process of the same code differs from the next by up to 7 %: what V8 compiles first is chance. Within minutes the machine
 * changes by half, so each burn-down counts only against the one beside it.
 */
export async function againstBefore(
  before: URL | null,
  { place, jobs, warmUpMs, processes, rounds }: Course,
): Promise<number | null> {
  if (before === null) return null;
  const ratios: number[] = [];
  const sides = [
    { name: 'before', measures: before },
    { name: 'now', measures: here },
  ] as const;
  for (let pair = 1; pair <= processes; pair += 1) {
    progress(`pair ${pair} of ${processes}: the release before, and now`);
    const children = new Children();
    const burn = async ({ name, measures }: (typeof sides)[number], warmUp: number): Promise<number> => {
      const dir = freshFolder(place);
      const contestant = new URL('./signalbox.ts', measures).href;
      const course = { jobs, warmUpMs: warmUp, sustainedMs: 0, drainLimitMs: 30_000 };
      const options = { ...course, contestant, settings: { size: 50, dir } };
      const { cpuUsPerJob } = await children.measure<BurnDown>(name, 'burn-down', options, measures);
      rmSync(dir, { recursive: true });
      return cpuUsPerJob;
    };
    const order = pair % 2 === 0 ? sides : [...sides].reverse();
    for (const side of order) await burn(side, warmUpMs);
    for (let round = 0; round < rounds; round += 1) {
      const costs = { before: 0, now: 0 };
      for (const side of order) costs[side.name] = await burn(side, 0);
      ratios.push(costs.before / costs.now);
    }
    children.end();
  }
  return geometricMean(ratios);
}
