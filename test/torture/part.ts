import type { Verdict } from './run-checker.ts';

/** What every part of the command is given. */
export interface PartOptions {
  /** The root of the sources that the workers run. */
  readonly root: string;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

/** What one part of the command found. */
export interface Part {
  /** Its keys in the JSON. */
  readonly figures: Readonly<Record<string, unknown>>;
  /** What must not be, in words. */
  readonly violations: readonly string[];
}

/** The result of one mutant. */
export interface MutantResult {
  readonly name: string;
  readonly without: string;
  readonly caught: boolean;
  /** The first problem that showed it, or null. */
  readonly by: string | null;
}

/** Every mutant has to be caught: one that is not means that a check is blind. */
export function partOfMutants(results: readonly MutantResult[]): Part {
  const [caught, missed] = [
    results.filter((result) => result.caught),
    results.filter((result) => !result.caught),
  ];
  const names = caught.map(({ name }) => name).sort();
  return {
    figures: { mutants: { total: results.length, caught: caught.length, names, each: results } },
    violations: missed.map(({ name, without }) => `mutant ${name} was not caught: it lacks ${without}`),
  };
}

/** The keys of a verdict in the JSON. */
export function figuresOf({ totals, counts }: Verdict): Readonly<Record<string, number>> {
  return { ...totals, ...counts };
}
