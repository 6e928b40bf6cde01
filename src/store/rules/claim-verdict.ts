import { isTooLate } from '../../model/jobs/deadline.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import type { Acceptance, Candidate } from '../store.ts';

/** The size of a quota and how many jobs hold a slot in it; undefined when there is no such quota. */
export type QuotaSlots = (id: string) => { readonly size: number | null; readonly taken: number } | undefined;

/** Why a claim leaves a waiting job. */
export type Obstacle =
  | { readonly obstacle: 'notDue'; readonly until: number }
  /** `quotas`: ids of those that have no slot for it. */
  | { readonly obstacle: 'full'; readonly quotas: readonly string[] }
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
  const existing = existingQuotas(quotas, queue, job.quotaNames);
  const full = expired ? none : fullQuotas(quotas, existing, job);
  if (full.length > 0) return { obstacle: 'full', quotas: full };
  if (!isAccepted(accepts, job, expired)) return refused;
  return { job, expired, quotas: existing };
}

const none: readonly string[] = [];
const refused: Obstacle = { obstacle: 'refused' };

function existingQuotas(quotas: QuotaSlots, queue: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return names;
  return [...new Set(names)].map((name) => `${queue}/${name}`).filter((id) => quotas(id) !== undefined);
}

function fullQuotas(quotas: QuotaSlots, existing: readonly string[], job: JobRecord): readonly string[] {
  if (existing.length === 0) return none;
  return existing.filter((id) => {
    if (job.quotas.includes(id)) return false;
    const { size, taken } = quotas(id) ?? { size: 0, taken: 0 };
    return size !== null && taken >= size;
  });
}

/** Whether a claim accepts a job. A filter sees an expired job as the system job that will fail it. */
function isAccepted(accepts: Acceptance, job: JobRecord, expired: boolean): boolean {
  const seen = expired ? newJobRecord(job.id, { name: systemNames.fail, args: [{ $job: job.id }] }) : job;
  return accepts.lane(seen.name, seen.quotaNames) && (accepts.job === null || accepts.job(seen));
}
