import { quotaOfLimit } from '../../../model/records/keys.ts';
import { limitsOf } from '../../rules/parking/deadlock.ts';
import type { Commit } from '../../store.ts';
import type { SqlConnection } from '../sql-port.ts';
import { readJobs, type WorkingSet } from './working-set.ts';

/**
 * Reads what says whether a job that another one waits for can find a slot: the quotas that it needs, who holds them, and who waits
 * for the other. A holder that no agent holds waits for nobody, so it need not be read: without it a slot counts as free.
 */
export async function loadHolders(
  connection: SqlConnection,
  schema: string,
  set: WorkingSet,
  commits: readonly Commit[],
): Promise<void> {
  const limits = new Set<string>();
  const waiting: string[] = [];
  for (const { changes, expect } of commits)
    for (const precondition of expect) {
      if (precondition.check !== 'notAwaitedBy') continue;
      waiting.push(precondition.id);
      for (const id of limitsOf(set.tables, changes, precondition.on)) limits.add(id);
    }
  if (limits.size === 0) return;
  const [ids, quotas] = [[...limits], [...new Set([...limits].map(quotaOfLimit))]];
  const found = await connection.query(
    `SELECT id, rev, last_seq, body FROM ${schema}.quota WHERE id = ANY ($1)`,
    [quotas],
  );
  set.loadSettings('quota', found);
  const jobs = await connection.query(
    `WITH RECURSIVE waiter (id) AS (
       SELECT unnest($1::text[]) COLLATE "C" UNION SELECT j.id FROM ${schema}.job j JOIN waiter w ON j.waiting_on = w.id
     ) SELECT id FROM waiter UNION SELECT u.id FROM unnest($2::text[]) AS q (limit_id)
     CROSS JOIN ${schema}.lease l CROSS JOIN LATERAL unnest(l.ids) AS u (id)
     CROSS JOIN LATERAL (SELECT o.doc FROM ${schema}.job o WHERE o.id = u.id OFFSET 0) AS j
     WHERE strpos(l.claim, to_json(q.limit_id)::text) > 0 OR strpos(j.doc, to_json(q.limit_id)::text) > 0`,
    [waiting, ids],
  );
  const unknown = jobs.map(({ id }) => String(id)).filter((id) => set.job(id) === undefined);
  set.load(await readJobs(connection, schema, unknown));
}
