/** What a job returns to be called later, although it has not failed: `local.snooze` makes it. */
export class Snooze {
  /** When it is called again, in epoch milliseconds. */
  readonly until: number;
  readonly reason: string | null;

  constructor(until: number, reason: string | null) {
    this.until = until;
    this.reason = reason;
  }
}
