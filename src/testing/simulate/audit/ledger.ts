import type { Audit } from './audit.ts';

/** What callers of a run were told about what they put. */
export class Ledger {
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Set<string>();

  /** A put resolved: from now on the job is there. */
  acknowledge(id: string): void {
    this.#acknowledged.add(id);
  }

  /** A caller was told that nothing was committed, and gave up: the job must never be there. */
  refuse(id: string): void {
    this.#refused.add(id);
  }

  /** One line for each promise that the journal does not keep. */
  problems(audit: Audit): string[] {
    return [
      ...[...this.#acknowledged]
        .filter((id) => audit.job(id) === undefined)
        .map((id) => `I1 job ${id} was acknowledged and is not there`),
      ...[...this.#refused]
        .filter((id) => audit.job(id) !== undefined)
        .map((id) => `I2 job ${id} was refused and is there`),
    ];
  }
}
