import { createMutatedTree } from '../mutants/mutant.ts';
import type { SimulationMutant } from './mutants.ts';
import type { StoreKind } from './run-seed.ts';
import { work } from './workers.ts';

/** Where a mutant was found: the number of the seed, or null when no seed breaks anything. */
export interface Found {
  readonly name: string;
  readonly seed: number | null;
}

/** Runs the first seeds on each mutant until one breaks something; two mutants at a time. */
export async function findMutants(
  mutants: readonly SimulationMutant[],
  store: StoreKind,
  seeds: number,
): Promise<readonly Found[]> {
  const left = [...mutants];
  const found: Found[] = [];
  const hunt = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const { seed, violation } = await find(mutant, store, seeds);
      found.push({ name: mutant.name, seed });
      const where = seed === null ? `NOT FOUND in ${seeds} seeds` : `found at seed ${seed}: ${violation}`;
      console.error(`${mutant.name} (without ${mutant.without}) ${where}`);
    }
  };
  await Promise.all([hunt(), hunt()]);
  return found;
}

async function find(
  mutant: SimulationMutant,
  store: StoreKind,
  seeds: number,
): Promise<{ readonly seed: number | null; readonly violation: string }> {
  const tree = createMutatedTree(mutant);
  try {
    let first = { seed: null as number | null, violation: '' };
    const task = { task: 'seeds', store, from: 1, to: seeds + 1, step: 1, endsAtFirst: true } as const;
    await work(tree.root, { ...task, replayEvery: seeds + 1 }, (news) => {
      if (news.news !== 'seed' || first.seed !== null || news.violations.length === 0) return;
      first = { seed: news.seed, violation: (news.violations[0] ?? '').slice(0, 160) };
    });
    return first;
  } finally {
    tree.remove();
  }
}
