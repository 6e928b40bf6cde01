/** Returns the median of the figures; for an even number of figures the mean of the middle two. */
export function median(figures: readonly number[]): number {
  const sorted = ascending(figures);
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[Math.ceil(sorted.length / 2) - 1],
    sorted[Math.floor(sorted.length / 2)],
  ];
  return (low + high) / 2;
}

/** Returns the geometric mean, which treats a ratio and its inverse alike. */
export function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

/** Returns the smallest figure that the given percentage of the figures does not exceed. */
export function percentile(figures: readonly number[], percent: number): number {
  const sorted = ascending(figures);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** Returns the median of every number in figures of one shape; null where one of them is not a number. */
export function medians<Figures extends object>(taken: readonly Figures[]): Figures {
  const keys = Object.keys(taken[0] ?? {}) as (keyof Figures)[];
  return Object.fromEntries(
    keys.map((key) => {
      const values = taken.map((figures) => figures[key]).filter((value) => typeof value === 'number');
      return [key, values.length === 0 ? null : median(values)];
    }),
  ) as Figures;
}

function ascending(figures: readonly number[]): number[] {
  return [...figures].sort((one, other) => one - other);
}
