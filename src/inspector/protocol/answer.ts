/** What every question to the inspector gets: the data, and the moment that it is of. */
export interface Answer<Data> {
  /** Seq of the newest synced entry when it was asked: the position in every link. */
  readonly seq: number;
  /** The clock of the store then, epoch milliseconds. */
  readonly at: number;
  readonly data: Data;
}

/** A number of records: `more` says that there are at least `n`. */
export interface Count {
  readonly n: number;
  readonly more: boolean;
}
