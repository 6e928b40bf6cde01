import type { Audit } from './audit.ts';

/** The answers that the callers of a run got to their puts. */
export class Ledger {
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Set<string>();

  /** Notes that a put resolved: from now on the job must exist. */
  acknowledge(id: string): void {
    this.#acknowledged.add(id);
  }

  /** Notes that a put was refused and given up: the job must never exist. */
  refuse(id: string): void {
    this.#refused.add(id);
  }

  /** Returns one line for each answer that the journal contradicts. */
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
