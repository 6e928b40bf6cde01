/** One way that something went: where it was, what happened, and where it is after that. */
export interface ChartRow {
  /** Name of the machine: `job`, `representation`, `schedule`, or that of a machine of the program. */
  readonly machine: string;
  readonly version: string;
  /** The state before. Of a machine of the program the paths of its states, joined by `|`; `''` before its start. */
  readonly from: string;
  /** The type of the event: `job.claim`, `order.approve`, `xstate.done.actor.charge`. */
  readonly event: string;
  readonly to: string;
}

/** A row, and how often something went so. */
export interface CountedRow extends ChartRow {
  readonly count: number;
}

/** Counts rows. */
export class RowCounts {
  readonly #counts = new Map<string, { readonly row: ChartRow; count: number }>();

  add({ machine, version, from, event, to }: ChartRow, count = 1): void {
    // No name of a state or an event has the character between them.
    const key = [machine, version, from, event, to].join('\0');
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { row: { machine, version, from, event, to }, count });
    else known.count += count;
  }

  rows(): readonly CountedRow[] {
    return [...this.#counts.values()].map(({ row, count }) => ({ ...row, count }));
  }
}
