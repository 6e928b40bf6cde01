import { SignalboxError } from '../../errors.ts';
import { forEver } from '../../model/jobs/rate.ts';
import { limitId, limitNames } from '../../model/records/keys.ts';
import type { JobRecord, QuotaRecord } from '../../model/records/records.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { durationText } from '../../time.ts';
import { closedChange } from '../commits/limits-of-job.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { type LimitFigures, sameFigures } from '../definitions/job-limits.ts';

/** A quota that jobs name: by itself, or by a key of it. */
export interface NamedQuota {
  readonly name: string;
  readonly keyed: boolean;
}

/** The quotas that a job names. */
export function* quotasOf(quotaNames: readonly string[], keys: JobRecord['keys']): Generator<NamedQuota> {
  for (const name of quotaNames) yield { name, keyed: false };
  if (keys !== null) for (const name of limitNames(keys)) yield { name, keyed: true };
}

/** The changes that make a quota which a job names and its queue lacks. */
export interface MissingQuota {
  readonly changes: readonly Change[];
  readonly expect: readonly Precondition[];
}

/**
 * Checks that a quota is there for a job that is put. One of a definition that lacks is made in the commit of the put.
 * @throws SignalboxError `QUOTA_NOT_FOUND`, `INVALID_OPTION` when it has keys and none is given, or the other way round.
 */
export async function quotaFor(
  work: UnitOfWork,
  queue: string,
  { name, keyed }: NamedQuota,
): Promise<MissingQuota | null> {
  const id = limitId(queue, name);
  const record = await work.read('quota', id);
  const figures = record ?? work.context.registry.limit(name);
  if (figures === undefined) throw await quotaNotFound(work, queue, name);
  if (figures.keyed !== keyed) {
    throw new SignalboxError('INVALID_OPTION', {
      option: keyed ? 'keys' : 'quotaNames',
      expected: keyed ? 'keys of limits that have keys' : 'names of quotas that have no keys',
      actual: `'${name}'`,
      repair: keyed ? 'Name it in quotaNames.' : `Give its key: keys: { '${name}': '42' }.`,
    });
  }
  if (record !== undefined) return null;
  return { changes: [created(id, figures)], expect: [ifUnchanged({ id, rev: 0 }, 'quota')] };
}

/** Checks that quotas without keys exist in a queue. @throws SignalboxError `QUOTA_NOT_FOUND`, naming the first unknown one. */
export async function mustHaveQuotas(
  work: UnitOfWork,
  queue: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names)
    if ((await quotaFor(work, queue, { name, keyed: false })) !== null)
      throw await quotaNotFound(work, queue, name);
}

/** The refusal of a quota that is not there. */
export async function quotaNotFound(work: UnitOfWork, queue: string, name: string): Promise<SignalboxError> {
  const quotas = await work.context.store.list('quota', `${queue}/`);
  const known = quotas.map((quota) => quota.id.slice(queue.length + 1));
  return new SignalboxError('QUOTA_NOT_FOUND', { name, queue, known });
}

/** The change that makes a quota. What it does not use is not written. */
export function created(id: string, { size, rate, keyed }: LimitFigures): Change {
  const patch = { size, ...(rate === null ? {} : { rate: { ...rate } }), ...(keyed ? { keyed } : {}) };
  return { kind: 'quota', id, event: 'quota.created', from: null, to: null, patch };
}

/** The change that gives a quota other figures. */
export function refigured(
  { id }: Pick<QuotaRecord, 'id'>,
  figures: Partial<LimitFigures>,
  pinned?: boolean,
): Change {
  const rate = figures.rate == null ? {} : { rate: { ...figures.rate } };
  const patch = { ...figures, ...rate, ...(pinned === undefined ? {} : { pinned }) } as Change['patch'];
  return { kind: 'quota', id, event: 'quota.resized', from: null, to: null, patch };
}

/**
 * Makes a quota be as the code says, unless an operator has pinned it. What changes is logged at INFO. Returns whether the agents may
 * find more room.
 */
export async function ensureFigures(
  work: UnitOfWork,
  record: QuotaRecord,
  figures: LimitFigures,
): Promise<void> {
  if (sameFigures(record, figures)) return;
  if (!record.pinned) await work.submit([refigured(record, figures)], [ifUnchanged(record, 'quota')]);
  const at = record.id.indexOf('/');
  const [queue, name] = [record.id.slice(0, at), record.id.slice(at + 1)];
  const what = record.pinned
    ? `is pinned and keeps ${inWords(record)}: the code says ${inWords(figures)}`
    : `changed, as the code says: ${inWords(figures)} instead of ${inWords(record)}`;
  await work.whenCommitted(async () => {
    work.context.log.events('INFO', () => `quota '${name}' in queue '${queue}' ${what}`);
    if (!record.pinned) work.committer.offerWork(queue);
  });
}

function inWords({ size, rate, keyed }: LimitFigures): string {
  const parts = size === null ? [] : [`size ${size}`];
  if (rate !== null) parts.push(`rate ${rate.limit} in ${durationText(rate.per)}, burst ${rate.burst}`);
  return `${parts.length === 0 ? 'no limit' : parts.join(' and ')}${keyed ? ' for each key' : ''}`;
}

/** Gives the quotas that definitions of this process make, in every queue that has them, the figures of the code. */
export async function ensureLimits(work: UnitOfWork): Promise<void> {
  const { registry, store } = work.context;
  if (registry.limitNames.length === 0) return;
  for (const { id } of await store.list('quota', '')) {
    const figures = registry.limit(id.slice(id.indexOf('/') + 1));
    if (figures === undefined) continue;
    await retryConflicts(5, async () => {
      const record = await work.readChecked('quota', id);
      if (record !== undefined) await ensureFigures(work, record, figures);
    });
  }
}

/** A quota without keys, or a key of one. */
export interface PausedLimit {
  readonly name: string;
  readonly key: string | null;
}

/**
 * Pauses a quota or one key of it: no job begins under it until an instant, or until it is resumed. What runs goes on.
 * @throws SignalboxError `QUOTA_NOT_FOUND`, `INVALID_OPTION`.
 */
export async function pauseLimit(
  work: UnitOfWork,
  queue: string,
  limit: PausedLimit,
  until: number | null,
): Promise<void> {
  const id = await existingLimit(work, queue, limit);
  await work.submit([closedChange(id, until ?? forEver)], []);
}

/** Lets jobs begin again under a limit that was paused or closed. Returns whether it was. @throws as `pauseLimit`. */
export async function resumeLimit(work: UnitOfWork, queue: string, limit: PausedLimit): Promise<boolean> {
  const id = await existingLimit(work, queue, limit);
  const { closedUntil = null } = (await work.read('limit', id)) ?? {};
  if (closedUntil === null || closedUntil <= work.context.store.now()) return false;
  await work.submit([closedChange(id, null)], []);
  await work.whenCommitted(async () => work.committer.offerWork(queue));
  return true;
}

async function existingLimit(work: UnitOfWork, queue: string, { name, key }: PausedLimit): Promise<string> {
  if ((await quotaFor(work, queue, { name, keyed: key !== null })) !== null)
    throw await quotaNotFound(work, queue, name);
  return limitId(queue, key === null ? name : `${name}/${key}`);
}
