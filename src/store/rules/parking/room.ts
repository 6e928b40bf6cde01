import { freeTokens, openLimit, opensAt } from '../../../model/jobs/rate.ts';
import { quotaOfLimit } from '../../../model/records/keys.ts';
import type { Quota, QuotaSlots } from '../claim-verdict.ts';
import type { Tables } from '../tables.ts';
import type { RoomOf } from './parking.ts';

/** The quotas and keys of a queue, as tables that hold all jobs have them. */
export function quotasIn(tables: Tables): QuotaSlots {
  return (id) => {
    const quotaId = quotaOfLimit(id);
    const quota = tables.get('quota', quotaId);
    // A job with a key is not subject to a quota without keys, and the other way round.
    if (quota === undefined || quota.keyed !== (id !== quotaId)) return undefined;
    const { size, rate } = quota;
    const taken = tables.jobs.quotaHolders(id).size;
    return { size, rate, taken, state: tables.get('limit', id) ?? openLimit };
  };
}

/** How many jobs may begin under a limit now, and when one may. A limit that is no more holds nothing up. */
export function roomIn(quotas: QuotaSlots, now: number): RoomOf {
  return (limit) => {
    const quota = quotas(limit);
    if (quota === undefined) return { slots: unlimited, tokens: unlimited, opensAt: now };
    const { rate, state } = quota;
    const opens = opensAt(rate, state, now);
    return { slots: freeSlots(quota), tokens: freeTokens(rate, state, now), opensAt: opens };
  };
}

const unlimited = Number.POSITIVE_INFINITY;

/** How many slots of a quota are free. */
export function freeSlots({ size, taken }: Quota): number {
  return size === null ? Number.POSITIVE_INFINITY : Math.max(0, size - taken);
}
