import { rmSync } from 'node:fs';
import type { BurnDown } from './burn-down.ts';
import { Children } from './in-child.ts';
import type { JobFeatures } from './job-settings.ts';
import { freshFolder } from './place.ts';
import { median } from './statistics.ts';
import { progress } from './turns.ts';

/** One of the two whose cost is compared. */
interface Side {
  /** Sides with one name share a process. */
  readonly process: string;
  /** The folder of the measures of its release. */
  readonly measures: URL;
  /** The features that its jobs use. */
  readonly features?: JobFeatures;
}

interface Course {
  /** Where the folders of the stores are made. */
  readonly place: string;
  readonly jobs: number;
  readonly warmUpMs: number;
  /** How often new processes are started. */
  readonly processes: number;
  /** How many burn-downs of each side are run in its process. */
  readonly rounds: number;
}

const now: Side = { process: 'now', measures: new URL('./', import.meta.url) };

/**
 * Returns the processor time of a plain job before a feature, over that of now, at agent size 50; null where the release before is
 * not there. Each release has a process of its own.
 */
export async function againstBefore(before: URL | null, course: Course): Promise<number | null> {
  return before === null ? null : costRatio({ process: 'before', measures: before }, now, course);
}

/** Returns the processor time of a job that uses features, over that of a plain job of the same process, at agent size 50. */
export function costOf(features: JobFeatures, course: Course): Promise<number> {
  return costRatio({ ...now, features }, now, course);
}

/**
 * Both sides run the same burn-down with the same settings, and change the order from round to round, since one leaves garbage to
 * the next. One process of the same code differs from the next by up to 7 %: what V8 compiles first is chance. So new processes are
 * started several times.
 */
async function costRatio(one: Side, other: Side, course: Course): Promise<number> {
  const { place, jobs, processes, rounds } = course;
  const costs = { one: [] as number[], other: [] as number[] };
  for (let pair = 1; pair <= processes; pair += 1) {
    progress(`processes ${pair} of ${processes}`);
    const children = new Children();
    const burn = async ({ process, measures, features }: Side, warmUpMs: number): Promise<number> => {
      const dir = freshFolder(place);
      const contestant = new URL('./signalbox.ts', measures).href;
      const settings = { size: 50, dir, ...(features === undefined ? {} : { features }) };
      const options = { jobs, warmUpMs, sustainedMs: 0, drainLimitMs: 30_000, contestant, settings };
      const { cpuUsPerJob } = await children.measure<BurnDown>(process, 'burn-down', options, measures);
      rmSync(dir, { recursive: true });
      return cpuUsPerJob;
    };
    const taken = { one: [] as number[], other: [] as number[] };
    const sides = [
      [taken.one, one],
      [taken.other, other],
    ] as const;
    for (let round = 0; round <= rounds; round += 1)
      for (const [figures, side] of (pair + round) % 2 === 0 ? sides : sides.toReversed()) {
        // The first round only warms up.
        const cost = await burn(side, round === 0 ? course.warmUpMs : 0);
        if (round > 0) figures.push(cost);
      }
    children.end();
    costs.one.push(median(taken.one));
    costs.other.push(median(taken.other));
  }
  return median(costs.one.map((cost, at) => cost / (costs.other[at] as number)));
}
