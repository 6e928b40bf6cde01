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

/** A quota, or one key of it, as jobs of one queue are subject to it. */
export interface Limit extends Quota {
  readonly id: string;
  /** The list of this id alone: what a job that has no other limit enters. Shared by all of them. */
  readonly ids: readonly string[];
  readonly isKey: boolean;
}

/** The limits of one queue by what jobs call them: the name of a quota without keys, or a key. Undefined as for `QuotaSlots`. */
export type Limits<Found = Limit> = (name: string) => Found | undefined;

/** The limits of a queue, each found anew. */
export function limitsIn(queue: string, quotas: QuotaSlots): Limits {
  return (name) => {
    const id = limitId(queue, name);
    const quota = quotas(id);
    if (quota === undefined) return undefined;
    const { size, taken, rate, state } = quota;
    // Names of quotas have no slash.
    return { id, ids: [id], isKey: name.includes('/'), size, taken, rate, state };
  };
}

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
  readonly limits: Limits;
}

/**
 * Whether a claim may take a waiting job: as a candidate, or why not. Each claim asks this of each job that it meets, and so
 * does `explain`: an explanation is never another rule. Pure.
 */
export function verdictOn(job: JobRecord, { accepts, now, limits }: ClaimTerms): Candidate | Obstacle {
  if ((job.beginAfter ?? 0) > now) return { obstacle: 'notDue', until: job.beginAfter ?? 0 };
  const expired = isTooLate(job, now);
  const there = limitsOf(job, limits);
  if (there.length > 0 && !expired) {
    const full = there.filter((limit) => !hasRoom(job, limit, now));
    if (full.length > 0) return obstacleOf(full);
  }
  if (!isAccepted(accepts, job, expired)) return refused;
  return { job, expired, quotas: idsOf(there) };
}

function idsOf(limits: readonly Limit[]): readonly string[] {
  if (limits.length === 0) return none;
  return limits.length === 1 ? (limits[0] as Limit).ids : limits.map(({ id }) => id);
}

const none: readonly never[] = [];
const refused: Obstacle = { obstacle: 'refused' };

/** The limits that a job is subject to: of its quotas first, each once. */
export function limitsOf<Found extends Limit>(
  { quotaNames, keys }: JobRecord,
  limits: Limits<Found>,
): readonly Found[] {
  if (quotaNames.length === 0 && keys === null) return none;
  const there: Found[] = [];
  for (const name of quotaNames) addLimit(there, limits(name));
  for (const key of keys ?? []) addLimit(there, limits(key));
  return there;
}

function addLimit<Found extends Limit>(there: Found[], limit: Found | undefined): void {
  if (limit !== undefined && !there.some(({ id }) => id === limit.id)) there.push(limit);
}

/** `full`: those of its limits that have no room. */
function obstacleOf(full: readonly Limit[]): Obstacle {
  const blocking = full.filter(({ isKey }) => !isKey);
  if (blocking.length > 0) return { obstacle: 'full', quotas: blocking.map(({ id }) => id) };
  return { obstacle: 'parked', limit: (full[0] as Limit).id };
}

/** A job that was put back keeps its slots; its next start counts for the rate like any other. */
function hasRoom({ quotas }: JobRecord, { id, size, taken, rate, state }: Limit, now: number): boolean {
  return (size === null || taken < size || quotas.includes(id)) && freeTokens(rate, state, now) > 0;
}

/** Whether a claim accepts a job. A filter sees an expired job as the system job that will fail it. */
function isAccepted(accepts: Acceptance, job: JobRecord, expired: boolean): boolean {
  const seen = expired ? newJobRecord(job.id, { name: systemNames.fail, args: [{ $job: job.id }] }) : job;
  return accepts.lane(seen.name, seen.quotaNames) && (accepts.job === null || accepts.job(seen));
}
