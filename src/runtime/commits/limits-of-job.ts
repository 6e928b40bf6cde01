import type { RetryAnswer, RetryPolicy } from '../../model/jobs/retry.ts';
import { askedWaitMs, limitToClose } from '../../model/jobs/retry-errors.ts';
import { limitId, limitOfKey, quotaOfLimit } from '../../model/records/keys.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Failure } from '../../model/values/failure.ts';
import type { Change } from '../../store/store.ts';
import type { RuntimeContext } from './runtime-context.ts';

/** A limit is closed by the code of a job, which is put back until it opens. */
export interface LimitClosing {
  readonly change: Change;
  readonly answer: RetryAnswer;
  /** What is kept of it beside what the policy keeps. */
  readonly data: { readonly closed_limits: number };
}

/** How often the code of one job may close limits; then its policy is asked. */
const mostClosings = 25;

/** The change that closes a limit until an instant; null opens it. */
export function closedChange(id: string, closedUntil: number | null): Change {
  const event = closedUntil === null ? 'limit.opened' : 'limit.closed';
  return { kind: 'limit', id, event, from: null, to: null, patch: { closedUntil } };
}

/**
 * What follows when the code of a job has asked to close one of its limits. Null: it has not, the limit is none of the job's, it was
 * asked too often, or the policy forbids a second run.
 */
export async function limitClosing(
  { store }: Pick<RuntimeContext, 'store'>,
  job: JobRecord,
  failure: Failure,
  policy: RetryPolicy,
): Promise<LimitClosing | null> {
  const [name, now] = [limitToClose(failure), store.now()];
  const waitMs = askedWaitMs(failure, now);
  const id = name === null ? undefined : job.quotas.find((held) => nameOf(held) === name);
  const count = Number(job.retryData?.closed_limits ?? 0) + 1;
  if (id === undefined || waitMs === null || count > mostClosings || policy.startsOnce === true) return null;
  // One that is closed for longer stays so.
  const until = Math.max(now + waitMs, (await store.get('limit', id))?.closedUntil ?? 0);
  return { change: closedChange(id, until), answer: { after: waitMs }, data: { closed_limits: count } };
}

function nameOf(quota: string): string {
  const name = quota.slice(quota.indexOf('/') + 1);
  return name.includes('/') ? limitOfKey(name) : name;
}

/** Whether a job of a queue has a limit with a rate: then each start of it counts. */
export async function hasRate(
  { store }: Pick<RuntimeContext, 'store'>,
  { quotaNames, keys }: JobRecord,
  queue: string,
): Promise<boolean> {
  for (const name of [...quotaNames, ...(keys ?? [])]) {
    const quota = await store.get('quota', quotaOfLimit(limitId(queue, name)));
    if (quota != null && quota.rate !== null) return true;
  }
  return false;
}
