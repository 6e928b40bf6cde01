/** What a suite demands of one of its figures. A figure that could not be taken is null and misses nothing. */
export interface Check {
  readonly figure: string;
  readonly is: number | null;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** What the project wants to reach; missing it fails nothing. */
  readonly goal?: number;
}

/** Says which bound a figure misses, or null. */
export function missOf({ figure, is, atLeast, atMost }: Check): string | null {
  if (is === null) return null;
  const shown = Number(is.toPrecision(4));
  if (atLeast !== undefined && !(is >= atLeast)) return `${figure} is ${shown}, expected at least ${atLeast}`;
  if (atMost !== undefined && !(is <= atMost)) return `${figure} is ${shown}, expected at most ${atMost}`;
  return null;
}
