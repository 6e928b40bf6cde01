import { opening } from '../../../model/jobs/rate.ts';
import { limitId, queueOfLimit } from '../../../model/records/keys.ts';
import { type Records, waitingIn } from './records.ts';

/** The earliest instant later than `since` at which a limit without keys opens for which jobs wait; null: there is none. */
export async function openingOf(records: Records, since: number): Promise<number | null> {
  const shut = await records.settings('limit', `id NOT LIKE '%/%/%'`, []);
  let earliest: number | null = null;
  for (const limit of shut) {
    const [quota] = await records.settings('quota', 'id = $1', [limit.id]);
    const at = opening(quota?.rate ?? null, limit);
    if (quota === undefined || at <= since || (earliest !== null && at >= earliest)) continue;
    const queue = queueOfLimit(limit.id);
    const lanes = await records.lanes(queue);
    const blocked = lanes.filter(({ quotaNames }) =>
      quotaNames.some((name) => limitId(queue, name) === limit.id),
    );
    const [row] = await records.query(
      `SELECT EXISTS (SELECT FROM ${waitingIn(records.schema, '$1')} AS w) AS is_any`,
      [blocked.map(({ id }) => id)],
    );
    if (row?.is_any === true) earliest = at;
  }
  return earliest;
}
