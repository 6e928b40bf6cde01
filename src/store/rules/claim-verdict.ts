import { isTooLate } from '../../model/jobs/deadline.ts';
import { freeTokens, type LimitState, type Rate } from '../../model/jobs/rate.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import { limitId } from '../../model/records/keys.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import type { Acceptance, Candidate } from '../store.ts';

/** What a claim has to know of a quota, or of one key of it. */
export interface Quota {
  readonly size: number | null;
  readonly taken: number;
  readonly rate: Rate | null;
  readonly state: LimitState;
}

/**
 * A quota, by `<queue>/<name>`, or one key of it, by `<queue>/<name>/<key>`; undefined when there is no such quota, or when it has
 * keys and none is given, or has none and one is given.
 */
export type QuotaSlots = (id: string) => Quota | undefined;

/** Why a claim leaves a waiting job. */
export type Obstacle =
  | { readonly obstacle: 'notDue'; readonly until: number }
  /** `quotas`: ids of those without keys that have no room for it, and so not for others of its lane. */
  | { readonly obstacle: 'full'; readonly quotas: readonly string[] }
  /** `limit`: the first of its keys that has no room for it. Others of its lane may have other keys. */
  | { readonly obstacle: 'parked'; readonly limit: string }
  | { readonly obstacle: 'refused' };

/** What a verdict depends on beside the job. */
export interface ClaimTerms {
  readonly accepts: Acceptance;
  readonly now: number;
  readonly quotas: QuotaSlots;
}

/**
 * Whether a claim may take a waiting job: as a candidate, or why not. Each claim asks this of each job that it meets, and so
 * does `explain`: an explanation is never another rule. Pure.
 */
export function verdictOn(
  job: JobRecord,
  queue: string,
  { accepts, now, quotas }: ClaimTerms,
): Candidate | Obstacle {
  if ((job.beginAfter ?? 0) > now) return { obstacle: 'notDue', until: job.beginAfter ?? 0 };
  const expired = isTooLate(job, now);
  const existing = existingQuotas(quotas, queue, job);
  const full = expired ? none : withoutRoom(existing, job, now, quotas);
  if (full.length > 0) {
    const blocking = job.keys === null ? full : full.filter((id) => isQuota(job, queue, id));
    if (blocking.length > 0) return { obstacle: 'full', quotas: blocking };
    return { obstacle: 'parked', limit: full[0] as string };
  }
  if (!isAccepted(accepts, job, expired)) return refused;
  return { job, expired, quotas: existing };
}

const none: readonly string[] = [];
const refused: Obstacle = { obstacle: 'refused' };

function existingQuotas(
  quotas: QuotaSlots,
  queue: string,
  { quotaNames, keys }: JobRecord,
): readonly string[] {
  if (quotaNames.length === 0 && keys === null) return quotaNames;
  const names = keys === null ? quotaNames : quotaNames.length === 0 ? keys : [...quotaNames, ...keys];
  const ids = names.map((name) => limitId(queue, name));
  return (ids.length === 1 ? ids : [...new Set(ids)]).filter((id) => quotas(id) !== undefined);
}

function withoutRoom(
  existing: readonly string[],
  job: JobRecord,
  now: number,
  quotas: QuotaSlots,
): readonly string[] {
  return existing.length === 0 ? none : existing.filter((id) => !hasRoom(job, id, quotas(id), now));
}

/** A job that was put back keeps its slots; its next start counts for the rate like any other. */
function hasRoom({ quotas }: JobRecord, id: string, quota: Quota | undefined, now: number): boolean {
  if (quota === undefined) return true;
  const { size, taken, rate, state } = quota;
  return (size === null || taken < size || quotas.includes(id)) && freeTokens(rate, state, now) > 0;
}

function isQuota({ quotaNames }: JobRecord, queue: string, id: string): boolean {
  return quotaNames.includes(id.slice(queue.length + 1));
}

/** Whether a claim accepts a job. A filter sees an expired job as the system job that will fail it. */
function isAccepted(accepts: Acceptance, job: JobRecord, expired: boolean): boolean {
  const seen = expired ? newJobRecord(job.id, { name: systemNames.fail, args: [{ $job: job.id }] }) : job;
  return accepts.lane(seen.name, seen.quotaNames) && (accepts.job === null || accepts.job(seen));
}
