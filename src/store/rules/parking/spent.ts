import { afterStart } from '../../../model/jobs/rate.ts';
import type { Candidate, Change } from '../../store.ts';
import type { Quota, QuotaSlots } from '../claim-verdict.ts';

/** What one claim has taken so far of quotas and keys: slots, and what their rates give. */
export class Spent {
  readonly #there: QuotaSlots;
  readonly #now: number;
  readonly #slots = new Map<string, number>();
  readonly #tats = new Map<string, number>();

  /** `there`: the quotas before the claim. */
  constructor(there: QuotaSlots, now: number) {
    this.#there = there;
    this.#now = now;
  }

  /** The quotas as the claim leaves them. */
  readonly quotas: QuotaSlots = (id) => {
    const found = this.#there(id);
    if (found === undefined || (!this.#slots.has(id) && !this.#tats.has(id))) return found;
    const taken = found.taken + (this.#slots.get(id) ?? 0);
    return { ...found, taken, state: { ...found.state, tat: this.#tats.get(id) ?? found.state.tat } };
  };

  take({ job, quotas }: Candidate): void {
    for (const id of quotas) {
      const { rate, state } = this.quotas(id) as Quota;
      if (!job.quotas.includes(id)) this.#slots.set(id, (this.#slots.get(id) ?? 0) + 1);
      // A job that has its outcome is only filed.
      if (rate !== null && job.state === 'pending')
        this.#tats.set(id, afterStart(rate, state.tat, this.#now));
    }
  }

  /** One change for each limit with a rate, however many jobs begin. */
  *changes(): Generator<Change> {
    for (const [id, tat] of this.#tats)
      yield { kind: 'limit', id, event: 'limit.spent', from: null, to: null, patch: { tat } };
  }
}
