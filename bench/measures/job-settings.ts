/** The features that the jobs of a contestant use. Only Signalbox has them. */
export interface JobFeatures {
  /** How many priorities the jobs have in turn. */
  readonly levels?: number;
  /** How long one attempt may take. */
  readonly timeout?: string;
}

/** The priority of job number `n`, from those in the middle. */
export function priorityOf(n: number, levels: number): number {
  return (n % levels) - Math.floor(levels / 2);
}
