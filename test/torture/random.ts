/** Chance that a seed repeats. */
export interface Random {
  /** An integer from `least` up to, not including, `limit`. */
  int(least: number, limit: number): number;
  pick<Value>(values: readonly Value[]): Value;
}

/** A small generator (mulberry32): good enough to choose faults, and the same on every machine. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, limit: number): number => least + Math.floor(next() * (limit - least));
  return { int, pick: (values) => values[int(0, values.length)] as (typeof values)[number] };
}
