import { runActors } from './actors.ts';
import { makeSpecimen, unclosed } from './damage.ts';
import { sweep } from './damage-sweep.ts';
import { type Extent, enumerate, type Violation } from './enumerate.ts';
import { runParking } from './parking.ts';
import { runWorkload } from './workload.ts';

/** What is to be looked at: the crashes of one workload, or every damage of a closed store. */
export type Task =
  | (Extent & {
      /** `parking`: of a life of jobs with keys, where claims after the crash count as well. `actors`: of durable actors, that go on after it. */
      readonly kind: 'crashes' | 'parking' | 'actors';
      readonly seed: number;
      /** Commits before the first close; about as many follow. */
      readonly commits: number;
    })
  | {
      readonly kind: 'damage';
      /** 1 for every damage, 2 for every second … */
      readonly every: number;
    };

/** What was seen. The lists hold the keys of distinct images. */
export interface Seen {
  readonly images: readonly string[];
  readonly nested: readonly string[];
  readonly afterKill: readonly string[];
  readonly damages: number;
  /** The first of them, in words. */
  readonly violations: readonly Told[];
  readonly violationCount: number;
}

/** A violation in words, with the files on which it shows. */
export interface Told {
  /** How it is run again. */
  readonly again: string;
  readonly what: string;
  readonly where: string;
  readonly files: readonly (readonly [path: string, bytes: Uint8Array])[];
}

// Thousands of violations have a few causes.
const mostTold = 5;

/** Does one task. */
export function explore(task: Task): Promise<Seen> {
  return task.kind === 'damage' ? exploreDamage(task.every) : exploreCrashes(task);
}

async function exploreCrashes(task: Exclude<Task, { kind: 'damage' }>): Promise<Seen> {
  const live = { crashes: runWorkload, parking: runParking, actors: runActors }[task.kind];
  const found = await enumerate(await live(task.seed, task.commits), task);
  return {
    images: [...found.images],
    nested: [...found.nested],
    afterKill: [...found.afterKill],
    damages: 0,
    violations: found.violations.slice(0, mostTold).map((each) => told(task.seed, each)),
    violationCount: found.violations.length,
  };
}

function told(seed: number, { phase, what, where, image }: Violation): Told {
  return {
    again: `--seed ${seed}`,
    what: `${what} (${phase})`,
    where: `workload ${seed}, ${where}\n${image.describe()}`,
    files: [...image.files].map(([path, { bytes }]) => [path, bytes]),
  };
}

/** After a clean close nothing may pass in silence; after a crash only what looks like the end of a torn write. */
async function exploreDamage(every: number): Promise<Seen> {
  const specimen = await makeSpecimen();
  const violations: Told[] = [];
  let damages = 0;
  for (const each of [specimen, unclosed(specimen)]) {
    for await (const { damage, verdict } of sweep(each, every)) {
      damages += 1;
      if (verdict === null) continue;
      const { file, what, at } = damage;
      const files = [...damage.image().files].map(([path, { bytes }]) => [path, bytes] as const);
      const where = `${file}, ${what} at ${at}, after a ${each.found.clean ? 'clean close' : 'crash'}`;
      violations.push({ again: '--seed 0', what: verdict, where, files });
    }
  }
  const violationCount = violations.length;
  return {
    images: [],
    nested: [],
    afterKill: [],
    damages,
    violations: violations.slice(0, mostTold),
    violationCount,
  };
}
