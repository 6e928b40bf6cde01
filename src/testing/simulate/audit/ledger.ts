import type { Mailboxes } from './actors/mailboxes.ts';
import type { Audit } from './audit.ts';

/** The answers that the callers of a run got to their puts. */
export class Ledger {
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #mail = new Map<string, string | null>();
  readonly #refusedMail = new Set<string>();

  /** Notes that a put resolved: from now on the job must exist. */
  acknowledge(id: string): void {
    this.#acknowledged.add(id);
  }

  /** Notes that a put was refused and given up: the job must never exist. */
  refuse(id: string): void {
    this.#refused.add(id);
  }

  /** Notes that a message was acknowledged: from now on it is taken, dead, or waits. `before`: what its sender knew to be there. */
  acknowledgeMail(message: string, before: string | null): void {
    this.#mail.set(message, before);
  }

  /** Notes that a message was refused for certain: it must never come. */
  refuseMail(message: string): void {
    this.#refusedMail.add(message);
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
      ...this.#mailProblems(audit.actors.mail),
    ];
  }

  *#mailProblems(mail: Mailboxes): Generator<string> {
    for (const message of this.#refusedMail)
      if (mail.endOf(message) !== undefined) yield `I33 message ${message} was refused and is there`;
    for (const [message, before] of this.#mail) {
      const end = mail.endOf(message);
      if (end === undefined) yield `I27 message ${message} was acknowledged and is not there`;
      const endBefore = before === null ? 0 : mail.endOf(before);
      if (end != null && endBefore !== undefined && (endBefore === null || endBefore > end))
        yield `I26 message ${message} overtakes ${before}, which its sender knew to be there`;
    }
  }
}
