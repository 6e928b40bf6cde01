/** What the time bar shows: the kept history, in steps of the same length. */
export interface TimebarView {
  /** The oldest entry that is kept, and the newest; null: there is none. */
  readonly from: Moment | null;
  readonly to: Moment | null;
  readonly stepMs: number;
  /**
   * Seq of the newest entry at the begin of each step, and of the newest of all at the end: one more than there are steps. Some
   * are reckoned from entries nearby, since the journal is not read as a whole.
   */
  readonly seqs: readonly number[];
  /** How many jobs have failed in each step, of those that are kept. */
  readonly failed: readonly number[];
  /** Seq of the newest entry not after the instant that was asked for; null: none was asked, or it is before history. */
  readonly seqAt: number | null;
  /** Why there are no steps, in words; null: there are, or nothing has happened yet. */
  readonly missing: string | null;
}

/** An entry, and its instant. */
export interface Moment {
  readonly seq: number;
  readonly at: number;
}
