import type { Line } from '../entry.ts';

/** What a transaction has committed, as others hear of it. */
export interface Told {
  readonly lines: readonly Line[];
  /** Queues in which it has put work or made room for some. */
  readonly queues: ReadonlySet<string>;
}
