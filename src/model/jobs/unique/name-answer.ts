import type { JobRecord, UniqueRecord } from '../../records/records.ts';
import { isReadable } from '../step.ts';

/** Until when a job holds its unique name: until its code is called first, or until its outcome is stored. */
export type UniqueUntil = 'started' | 'ended';

/** What a put does when its unique name is taken. Milliseconds. */
export type OnConflict =
  | 'return'
  | 'reject'
  | 'replace'
  | { readonly debounce: number; readonly maxWait: number | null };

/** What decides whether a unique name is taken, and what follows. */
export interface UniqueRule {
  readonly until: UniqueUntil;
  readonly onConflict: OnConflict;
}

/** What a put did: a new job, the job that was there, or that one with what was put now. */
export type PutResult = 'added' | 'existing' | 'replaced' | 'debounced';

/** The answer to a put under a unique name. `beginAfter`: from when on the job may begin; null: as before. */
export type NameAnswer =
  | { readonly answer: 'free' | 'existing' | 'duplicate' }
  | { readonly answer: 'replaced' | 'debounced'; readonly beginAfter: number | null };

/** What is known of a unique name: its record, and the job that took it last. */
export interface NameFacts {
  readonly record: Pick<UniqueRecord, 'id' | 'job' | 'at' | 'until'> | undefined;
  readonly job: JobRecord | undefined;
}

/** Whether a job holds a unique name by the state it is in. One that was pulled holds none, also when it is put again without it. */
export function holdsName(job: JobRecord, name: string, until: UniqueUntil): boolean {
  if (job.uniqueKey !== name || job.state === 'new' || job.outcome !== null) return false;
  return until === 'ended' || hasNotStarted(job);
}

/** Whether the code of a job that was put was never called. */
function hasNotStarted({ state, attempts }: JobRecord): boolean {
  return (state === 'pending' || state === 'assigned') && attempts === 0;
}

/**
 * Whether a unique name is free for a job that is put, and what its put does otherwise. `wanted`: the id of that job, and from
 * when on it is to begin. Pure: taken is what the job of the record says, at each put anew.
 */
export function answerOn(
  rule: UniqueRule,
  { record, job }: NameFacts,
  wanted: { readonly id: string; readonly beginAfter: number | null },
  now: number,
): NameAnswer {
  if (record === undefined || record.job === wanted.id) return { answer: 'free' };
  const isHeld = job !== undefined && holdsName(job, record.id, rule.until);
  if (!isHeld && (record.until ?? now) <= now) return { answer: 'free' };
  const { onConflict } = rule;
  if (onConflict === 'reject') return { answer: 'duplicate' };
  if (onConflict === 'return' || !isHeld || !mayBeReplaced(job)) return { answer: 'existing' };
  if (onConflict === 'replace') return { answer: 'replaced', beginAfter: null };
  const beginAfter = debounced(onConflict, record.at, wanted.beginAfter, now);
  return { answer: 'debounced', beginAfter: beginAfter === job.beginAfter ? null : beginAfter };
}

/** One that is assigned is about to be called with what it has. */
function mayBeReplaced(job: JobRecord): boolean {
  return job.state === 'pending' && job.attempts === 0 && isReadable(job);
}

/** From when on a job may begin whose put is debounced: no later than `maxWait` after the first put. */
export function debounced(
  { debounce, maxWait }: Exclude<OnConflict, string>,
  firstAt: number,
  beginAfter: number | null,
  now: number,
): number {
  const begin = Math.max(now + debounce, beginAfter ?? now);
  return maxWait === null ? begin : Math.min(begin, firstAt + maxWait);
}
