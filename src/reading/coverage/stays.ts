import type { CoverageDwell } from './compare/compare-coverage.ts';

/** Lengths of stays, counted by their first three digits: many are kept in little, and more than these no page shows. */
export class Stays {
  readonly #counts = new Map<number, number>();

  add(ms: number): void {
    const length = rounded(ms);
    this.#counts.set(length, (this.#counts.get(length) ?? 0) + 1);
  }

  /** These and others. */
  with(others: Stays | undefined): Stays {
    const both = new Stays();
    for (const each of others === undefined ? [this] : [this, others])
      for (const [ms, count] of each.#counts) both.#counts.set(ms, (both.#counts.get(ms) ?? 0) + count);
    return both;
  }

  dwell(): CoverageDwell {
    const lengths = [...this.#counts].sort(([one], [other]) => one - other);
    const count = lengths.reduce((sum, [, n]) => sum + n, 0);
    const at = (part: number): number => {
      let left = Math.floor(count * part);
      for (const [ms, n] of lengths) {
        if (left < n) return ms;
        left -= n;
      }
      return lengths.at(-1)?.[0] ?? 0;
    };
    return { count, p50: at(0.5), p95: at(0.95) };
  }
}

function rounded(ms: number): number {
  return ms < 1000 ? Math.round(ms) : Number(ms.toPrecision(3));
}
