import { afterStart } from '../../../model/jobs/rate.ts';
import type { Candidate, Change } from '../../store.ts';
import { type Limit, type Limits, limitsIn, limitsOf, type QuotaSlots } from '../claim-verdict.ts';

/** A limit as a claim leaves it. */
interface Spending extends Limit {
  taken: number;
  state: Limit['state'];
}

/** What one claim has taken so far of quotas and keys: slots, and what their rates give. It looks each limit up once. */
export class Spent {
  readonly #find: Limits<Spending>;
  readonly #now: number;
  readonly #met = new Map<string, Spending | undefined>();
  /** Those under whose rate jobs begin. */
  readonly #rated = new Set<Spending>();

  /** `there`: the quotas of a queue before the claim. */
  constructor(queue: string, there: QuotaSlots, now: number) {
    this.#find = limitsIn(queue, there);
    this.#now = now;
  }

  /** The limits as the claim leaves them. */
  readonly limits: Limits<Spending> = (name) => {
    let limit = this.#met.get(name);
    if (limit !== undefined || this.#met.has(name)) return limit;
    limit = this.#find(name);
    this.#met.set(name, limit);
    return limit;
  };

  take({ job }: Candidate): void {
    for (const limit of limitsOf(job, this.limits)) {
      if (!job.quotas.includes(limit.id)) limit.taken += 1;
      // A job that has its outcome is only filed.
      if (limit.rate === null || job.state !== 'pending') continue;
      const { tat, closedUntil } = limit.state;
      limit.state = { tat: afterStart(limit.rate, tat, this.#now), closedUntil };
      this.#rated.add(limit);
    }
  }

  /** One change for each limit with a rate, however many jobs begin. */
  *changes(): Generator<Change> {
    for (const { id, state } of this.#rated)
      yield { kind: 'limit', id, event: 'limit.spent', from: null, to: null, patch: { tat: state.tat } };
  }
}
