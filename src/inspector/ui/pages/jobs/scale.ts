/** A scale for bars, with four ticks. */
export interface Scale {
  readonly ms: number;
  readonly ticks: readonly string[];
}

const units: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
  [1, 'ms'],
];
const steps = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500];

/** The scale on which nine of ten lengths fit: one job that waited for days must not flatten all others. */
export function scaleFor(lengths: readonly number[]): Scale {
  const sorted = lengths.toSorted((one, other) => one - other);
  const most = Math.max(1, sorted[Math.floor((sorted.length - 1) * 0.9)] ?? 1);
  const [unitMs, unit] = units.find(([ms]) => most >= ms) ?? [1, 'ms'];
  const step = steps.find((each) => each * 3 * unitMs >= most) ?? Math.ceil(most / unitMs / 3);
  return { ms: step * 3 * unitMs, ticks: ['0', `${step}`, `${step * 2}`, `${step * 3} ${unit}`] };
}
