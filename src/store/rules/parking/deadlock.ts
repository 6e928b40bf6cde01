import { SignalboxError } from '../../../errors.ts';
import { limitId } from '../../../model/records/keys.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Change, Precondition } from '../../store.ts';
import type { Tables } from '../tables.ts';
import { freeSlots, quotasIn } from './room.ts';

/**
 * Refuses a wait that would never end: the job that is waited for needs a slot of a limit, and all of them are held by jobs that wait
 * for it. `changes`: the commit, which may put that job. @throws SignalboxError `LIMIT_DEADLOCK`.
 */
export function mustFindRoom(
  tables: Tables,
  changes: readonly Change[],
  { id, on }: Extract<Precondition, { check: 'notAwaitedBy' }>,
): void {
  const limits = limitsOf(tables, changes, on);
  if (limits.length === 0) return;
  const waiting = waitingFor(tables, id);
  const quotasHere = quotasIn(tables);
  for (const limit of limits) {
    const quota = quotasHere(limit);
    if (quota === undefined || freeSlots(quota) > 0) continue;
    const holders = [...tables.jobs.quotaHolders(limit)];
    if (holders.every((holder) => waiting.has(holder)))
      throw new SignalboxError('LIMIT_DEADLOCK', { parent: id, child: on, limit });
  }
}

/** The limits of which a waiting job needs a slot that it does not hold. `changes`: the commit, which may put it. */
export function limitsOf(tables: Tables, changes: readonly Change[], id: string): readonly string[] {
  const { parent, quotaNames, keys, quotas } = asCommitted(tables, changes, id);
  if (parent == null || !('queue' in parent) || 'agent' in parent) return [];
  const limits = [...(quotaNames ?? []), ...(keys ?? [])].map((name) => limitId(parent.queue, name));
  return limits.filter((limit) => quotas?.includes(limit) !== true);
}

function asCommitted(tables: Tables, changes: readonly Change[], id: string): Partial<JobRecord> {
  const patches = changes.filter((change) => change.kind === 'job' && change.id === id);
  return Object.assign({}, tables.findJob(id), ...patches.map(({ patch }) => patch));
}

/** A job, and those that wait for it, directly or through other jobs. */
function waitingFor(tables: Tables, id: string): ReadonlySet<string> {
  const found = new Set([id]);
  for (const job of found) for (const outer of tables.jobs.waiters(job)) found.add(outer);
  return found;
}
