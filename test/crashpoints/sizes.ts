import type { Task } from './explore.ts';

/** What the command does. */
export interface Extents {
  readonly tasks: readonly Task[];
  /** What is looked at with a safeguard taken out, up to the first violation. */
  readonly mutantTasks: readonly Task[];
}

/** The seeds of a short look that shows every mutant: with history kept and with history dropped at once. */
const shortSeeds = [2, 3, 5];
const short = { commits: 12, recoveries: 8, kills: 12, detail: 'some', stopAtFirst: true } as const;

/** A short look at a few workloads: about a second each. */
export const shortTasks: readonly Task[] = [
  ...shortSeeds.map((seed) => ({ kind: 'crashes', seed, ...short }) as const),
  { kind: 'parking', seed: 7, ...short },
  { kind: 'actors', seed: 11, ...short },
  { kind: 'damage', every: 23 },
];

/** The tasks of a size. */
export function extentsOf(quick: boolean, size: number, only: number | null): Extents {
  if (quick && only === null) return { tasks: shortTasks, mutantTasks: shortTasks };
  const seeds = only === null ? Array.from({ length: size }, (_, index) => size - index) : [only];
  const whole = { commits: 16, recoveries: 26, kills: 60, detail: 'all', stopAtFirst: false } as const;
  const crashes = seeds
    .filter((seed) => seed > 0)
    .flatMap((seed) => (['crashes', 'parking', 'actors'] as const).map((kind) => ({ kind, seed, ...whole })));
  const damage = only === null || only === 0 ? [{ kind: 'damage', every: 1 } as const] : [];
  return { tasks: [...crashes, ...damage], mutantTasks: shortTasks };
}
