/** The bound of one figure of a suite. A figure that could not be measured is null and misses no bound. */
export interface Check {
  readonly figure: string;
  readonly is: number | null;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** The goal of the project. Missing it is no failure. */
  readonly goal?: number;
}

/** Makes the checks of a suite from its figures. */
export function checksOf<Figures extends object>(
  figures: Figures,
): (figure: keyof Figures & string, bounds: Omit<Check, 'figure' | 'is'>) => Check {
  return (figure, bounds) => ({ figure, is: figures[figure] as number | null, ...bounds });
}

/** Returns the text of the bound that a figure misses, or null. */
export function missOf({ figure, is, atLeast, atMost }: Check): string | null {
  if (is === null) return null;
  const shown = Number(is.toPrecision(4));
  if (atLeast !== undefined && !(is >= atLeast)) return `${figure} is ${shown}, expected at least ${atLeast}`;
  if (atMost !== undefined && !(is <= atMost)) return `${figure} is ${shown}, expected at most ${atMost}`;
  return null;
}
