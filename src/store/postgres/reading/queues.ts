import type { JobRecord } from '../../../model/records/records.ts';
import type { LaneSummary, QueuePlace } from '../../reader.ts';
import { TableQueries } from '../../rules/table-queries.ts';
import { Tables } from '../../rules/tables.ts';
import { type StoredJob, storedJobOf } from '../jobs/stored-job.ts';
import {
  eachJob,
  jobsOf,
  type NumberedLane,
  queriesOf,
  type Records,
  recordsOf,
  writtenColumns,
} from './records.ts';

/** How many runs of each lane are looked at at first. */
const firstRuns = 64;
/** Among so many jobs the place of one is looked for; behind them jobs are counted by their runs. */
const mostPlaced = 200;
const mostRuns = 10_001;

/** The first waiting jobs of some lanes of a queue, in the order of claims: they are among the first of each level. */
export async function firstOf(
  records: Records,
  queue: string,
  lanes: readonly NumberedLane[],
  most: number,
): Promise<readonly JobRecord[]> {
  const levels = [...new Set(lanes.map(({ level }) => level))];
  if (levels.length < 2) return firstOfLevel(records, queue, lanes, most);
  const first: JobRecord[] = [];
  for (const level of levels) {
    const own = lanes.filter((lane) => lane.level === level);
    first.push(...(await firstOfLevel(records, queue, own, most)));
  }
  const tables = new Tables();
  for (const job of first) tables.restore('job', job.id, job);
  for (const record of await records.settings('queue', 'id = $1', [queue]))
    tables.restore('queue', record.id, record);
  return new TableQueries(tables, records.now()).waiting(queue, most);
}

/** The same, of lanes of one level. */
async function firstOfLevel(
  { schema, query }: Records,
  queue: string,
  lanes: readonly NumberedLane[],
  most: number,
): Promise<readonly JobRecord[]> {
  const isAll = most === Number.POSITIVE_INFINITY;
  for (let factor = 1; ; factor *= 4) {
    const wanted = most * factor;
    const width = isAll ? null : Math.min(firstRuns * factor, wanted);
    const keyed = lanes.filter(({ limits }) => limits.length > 0).map(({ id }) => id);
    const rows = await query(firstText(schema), [
      lanes.map(({ id }) => id),
      width,
      keyed,
      isAll ? 1e15 : wanted,
    ]);
    if (rows[0]?.lacks === true) continue;
    const first = await queriesOf(jobsOf(rows)).waiting(queue, most);
    // Some that were read do not wait: others are behind them.
    if (first.length >= most || rows.length < wanted) return first;
  }
}

/**
 * The first jobs of each line. Where a lane has more runs than are looked at, what stands behind the last of them in other lanes is
 * not known to be next: `lacks` says that too few are left.
 */
function firstText(schema: string): string {
  return `WITH runs AS (
      SELECT l.lane, k.line, k.line = 0 AS is_back, r.turn, r.ids FROM unnest($1::integer[]) AS l (lane)
      CROSS JOIN (VALUES (0), (2)) AS k (line)
      CROSS JOIN LATERAL (
        SELECT t.turn, t.ids FROM ${schema}.ready t WHERE t.lane = l.lane AND t.line = k.line ORDER BY t.turn LIMIT $2
      ) AS r
      -- Those that are parked keep their places; each line behind 2 has a few of them.
      UNION ALL SELECT l.lane, 4 + k.line, k.line = 0, r.turn, r.ids FROM unnest($3::integer[]) AS l (lane)
      CROSS JOIN (VALUES (0), (2)) AS k (line)
      CROSS JOIN LATERAL (
        SELECT t.turn, t.ids FROM ${schema}.ready t WHERE t.lane = l.lane AND t.line > 2 AND t.line % 4 = k.line ORDER BY t.turn LIMIT $2
      ) AS r
    ), ends AS (
      SELECT is_back, min(turn) AS turn FROM (
        SELECT is_back, max(turn) AS turn FROM runs GROUP BY lane, line, is_back HAVING count(*) >= $2
      ) AS lane GROUP BY is_back
    ), known AS (
      -- Runs of jobs that became due between two commits have one turn, in all lanes.
      SELECT is_back, ids, sum(cardinality(ids)) OVER (PARTITION BY is_back ORDER BY turn)
        - sum(cardinality(ids)) OVER (PARTITION BY is_back, turn) AS before
      FROM runs r WHERE NOT EXISTS (SELECT FROM ends e WHERE e.is_back = r.is_back AND e.turn < r.turn)
    ), lacking AS (
      SELECT FROM ends e WHERE (SELECT coalesce(sum(cardinality(ids)), 0) FROM known k WHERE k.is_back = e.is_back) < $4
    )
    SELECT ${writtenColumns}, EXISTS (SELECT FROM lacking) AS lacks FROM (
      SELECT unnest(ids) AS id FROM known WHERE before < $4
      UNION ALL (SELECT id FROM ${schema}.due WHERE lane = ANY ($1) ORDER BY at, id LIMIT $4)
    ) AS u ${eachJob(schema, 'u.id')}`;
}

export async function waitingCount(records: Records, queue: string, name?: string): Promise<number> {
  const lanes = (await records.lanes(queue)).filter((lane) => name === undefined || lane.name === name);
  const { schema } = records;
  const [row] = await records.query(
    `SELECT (SELECT coalesce(sum(cardinality(ids)), 0) FROM ${schema}.ready WHERE lane = ANY ($1))
       + (SELECT count(*) FROM ${schema}.due WHERE lane = ANY ($1)) AS count`,
    [lanes.map(({ id }) => id)],
  );
  return Number(row?.count ?? 0);
}

type Line = 'putBack' | 'now' | 'held';

/** What each lane holds; only the first job of each line is looked at. */
export async function laneSummaries(records: Records, queue: string): Promise<readonly LaneSummary[]> {
  const { schema } = records;
  const lanes = await records.lanes(queue);
  const rows = await records.query(
    `SELECT r.*, t.ids[1] AS head, NULL::float8 AS at FROM (
       -- What has become due stands at an odd turn.
       SELECT lane, CASE WHEN line % 4 = 0 THEN 'putBack' WHEN turn % 2 = 0 THEN 'now' ELSE 'held' END AS name,
         (array_agg(line ORDER BY turn))[1] AS line, min(turn) AS turn, sum(cardinality(ids)) AS count FROM ${schema}.ready WHERE lane = ANY ($1) GROUP BY 1, 2
     ) AS r CROSS JOIN LATERAL (SELECT * FROM ${schema}.ready o WHERE o.lane = r.lane AND o.line = r.line AND o.turn = r.turn OFFSET 0) AS t
     UNION ALL SELECT lane, 'held', NULL, NULL, count(*), NULL, min(at) FROM ${schema}.due WHERE lane = ANY ($1) GROUP BY lane`,
    [lanes.map(({ id }) => id)],
  );
  const heads = recordsOf(
    await records.byId(rows.flatMap(({ head }) => (head === null ? [] : [String(head)]))),
  );
  const beginOf = new Map(heads.map(({ id, beginAfter }) => [id, beginAfter]));
  const byId = new Map(lanes.map((lane) => [lane.id, lane]));
  const summaries = new Map<string, LaneSummary>();
  for (const { lane, name: line, count, head, at } of rows) {
    const { name, level, quotaNames, hasDeadlines, holdsSlots } = byId.get(Number(lane)) as NumberedLane;
    const about = { name, level, quotaNames, hasDeadlines, holdsSlots };
    const none = { ...about, putBack: 0, now: 0, held: 0, oldestAt: null, isCut: false };
    const summary = summaries.get(JSON.stringify(about)) ?? none;
    const instants = [at ?? beginOf.get(String(head)), summary.oldestAt]
      .flatMap((instant) => instant ?? [])
      .map(Number);
    const oldestAt = instants.length === 0 ? null : Math.min(...instants);
    const n = summary[line as Line] + Number(count);
    summaries.set(JSON.stringify(about), { ...summary, [line as Line]: n, oldestAt });
  }
  return [...summaries.values()];
}

/** How many jobs are offered before one. */
export async function place(records: Records, id: string): Promise<QueuePlace | null> {
  const [row] = await records.query(`SELECT * FROM ${records.schema}.read($1)`, [[id]]);
  const job = row === undefined ? null : storedJobOf(row);
  if (job === null || (job.home.in !== 'ready' && job.home.in !== 'due')) return null;
  const { queue } = job.record.parent as { readonly queue: string };
  const lanes = await records.lanes(queue);
  const first = await firstOf(records, queue, lanes, mostPlaced);
  const n = first.findIndex((each) => each.id === id);
  if (n >= 0) return { n, is: 'exact' };
  if (first.length < mostPlaced) return null;
  const isLeveled = lanes.some(({ level }) => level !== job.record.priority);
  return isLeveled ? { n: mostPlaced, is: 'atLeast' } : countBefore(records, job, lanes);
}

/** Counts the runs before that of a job, and what becomes due before it. */
async function countBefore(
  records: Records,
  { home, record }: StoredJob,
  lanes: readonly NumberedLane[],
): Promise<QueuePlace> {
  const { schema } = records;
  const { lane = null, line = null, turn = null } = home.in === 'ready' ? home : {};
  const [row] = await records.query(
    `WITH own AS (
       SELECT t.turn, array_position(t.ids, $6) - 1 AS at FROM ${schema}.ready t
       WHERE t.lane = $2 AND t.line = $3 AND t.turn <= $4 ORDER BY t.turn DESC LIMIT 1
     ), edge AS (
       -- One that is not woken will stand before the first that was put when it becomes due.
       SELECT coalesce((SELECT turn FROM own),
         (SELECT l.c * 8192 - 1 FROM ${schema}.line l WHERE $3::integer IS NULL AND l.at >= $5 ORDER BY l.at, l.c LIMIT 1)) AS turn
     ), runs AS (
       SELECT cardinality(t.ids) AS n FROM ${schema}.ready t CROSS JOIN edge e
       WHERE t.lane = ANY ($1) AND (t.line % 4 < coalesce($3 % 4, 2) OR t.line % 4 = coalesce($3 % 4, 2) AND (e.turn IS NULL OR t.turn < e.turn)) LIMIT ${mostRuns}
     ), due AS (
       SELECT FROM ${schema}.due d WHERE d.lane = ANY ($1) AND $3 % 4 IS DISTINCT FROM 0
         AND (d.at < $5 OR d.at = $5 AND ($7 OR d.id < $6)) LIMIT ${mostRuns}
     )
     SELECT (SELECT coalesce(sum(n), 0) FROM runs) + (SELECT count(*) FROM due) + coalesce((SELECT at FROM own), 0) AS n,
       greatest((SELECT count(*) FROM runs), (SELECT count(*) FROM due)) AS looked`,
    [
      lanes.map(({ id }) => id),
      lane,
      line,
      turn,
      record.beginAfter ?? 0,
      record.id,
      // On a tie the held one comes first.
      record.line !== 'held',
    ],
  );
  return { n: Number(row?.n), is: Number(row?.looked) >= mostRuns ? 'atLeast' : 'exact' };
}
