import type { JobRecord } from '../../model/records/records.ts';
import type { Change, Precondition } from '../../store/store.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { quotaFor, quotasOf } from '../jobs/limit-quotas.ts';

/** What the commit of a put has besides the job: quotas that lack, and what must hold. */
export interface PutConditions {
  readonly changes: readonly Change[];
  readonly expect: readonly Precondition[];
}

/**
 * What has to be there, and has to hold, for a job that a schedule puts.
 * @throws SignalboxError `QUOTA_NOT_FOUND`, `INVALID_OPTION`.
 */
export async function putConditions(
  work: UnitOfWork,
  queue: string,
  job: Pick<JobRecord, 'id' | 'quotaNames' | 'keys'>,
): Promise<PutConditions> {
  const { waiting: most } = work.context.limits;
  const quotas = await missingQuotas(work, queue, job);
  const expect: Precondition[] = [{ check: 'rev', kind: 'job', id: job.id, rev: 0 }, ...quotas.expect];
  if (most < Number.POSITIVE_INFINITY) expect.push({ check: 'atMost', of: 'waiting', id: queue, most });
  return { changes: quotas.changes, expect };
}

/** Quotas that a job names and its queue lacks. @throws as `putConditions`. */
export async function missingQuotas(
  work: UnitOfWork,
  queue: string,
  { quotaNames, keys }: Pick<JobRecord, 'quotaNames' | 'keys'>,
): Promise<PutConditions> {
  const changes: Change[] = [];
  const expect: Precondition[] = [];
  for (const quota of quotasOf(quotaNames, keys)) {
    const missing = await quotaFor(work, queue, quota);
    if (missing === null) continue;
    changes.push(...missing.changes);
    expect.push(...missing.expect);
  }
  return { changes, expect };
}
