/** The features that the jobs of a contestant use. Only Signalbox has them. */
export interface JobFeatures {
  /** Each job has a key of its own, which has room. */
  readonly ownKeys?: boolean;
  /** How many priorities the jobs have in turn. */
  readonly levels?: number;
  /** How long one attempt may take. */
  readonly timeout?: string;
}

/** The priority of job number `n`, from those in the middle. */
export function priorityOf(n: number, levels: number): number {
  return (n % levels) - Math.floor(levels / 2);
}
