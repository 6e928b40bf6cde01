import type { Rows, SqlConnection } from '../sql-port.ts';

export const dayMs = 24 * 60 * 60 * 1000;

/** How many rows go one by one in a transaction, and how many of a day may move to the default partition before it is dropped. */
const mostRows = 20_000;
/** How many unique names are looked at in a transaction. */
const mostNames = 5000;

/** Tables that have a partition for each day of their jobs. */
export const tablesOfDays = ['job', 'done', 'tag'] as const;

/** What a partition of a day is called, behind the name of its table. */
export function nameOfDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll('-', '');
}

/** Partitions of a table, with their upper bounds; null for the default one. */
export function partitionsOf(connection: SqlConnection, schema: string, table: string): Promise<Rows> {
  return connection.query(
    `SELECT c.relname AS name, (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$TO \\('(.*)'\\)$$))[1] AS end
     FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = '${schema}.${table}'::regclass ORDER BY c.relname`,
  );
}

/**
 * Drops partitions of the journal all of whose lines are older than an instant, and then lines that are older by another day,
 * since a partition may be for many days. The oldest go first, and none behind a line that is younger: what is left has no hole.
 * Gives whether there may be more.
 */
export async function dropLines(connection: SqlConnection, schema: string, before: number): Promise<boolean> {
  const line = `${schema}.line`;
  const partitions = (await partitionsOf(connection, schema, 'line')).filter(({ end }) => end !== null);
  for (const { name, end } of [...partitions].sort((one, other) => Number(one.end) - Number(other.end))) {
    const [row] = await connection.query(
      `SELECT (SELECT max(at) FROM ${schema}.${name}) AS at, (SELECT last_value FROM ${schema}.commits) AS newest`,
    );
    // Also one without lines, unless more may come into it.
    if (Number(end) > Number(row?.newest) || (row?.at !== null && Number(row?.at) >= before)) break;
    await connection.query(`DELETE FROM ${line}_default WHERE c < $1`, [end]);
    await connection.query(`DROP TABLE ${schema}.${name}`);
  }
  const gone = await connection.query(
    `WITH first AS MATERIALIZED (SELECT c, at FROM ${line} ORDER BY c LIMIT ${mostRows})
     DELETE FROM ${line} WHERE c = ANY (ARRAY(
       SELECT c FROM first WHERE c < coalesce((SELECT min(c) FROM first WHERE at >= $1), (SELECT max(c) + 1 FROM first))
     )) RETURNING 1 AS one`,
    [before - dayMs],
  );
  return gone.length === mostRows;
}

/** Drops rooms of keys in which nothing is and under which nothing is parked. Gives whether there may be more. */
export async function dropRooms(connection: SqlConnection, schema: string): Promise<boolean> {
  const rooms = await connection.query(
    `DELETE FROM ${schema}.room WHERE id IN (
       SELECT id FROM ${schema}.room WHERE used = 0 AND line IS NULL AND id LIKE '%/%/%' LIMIT ${mostRows} FOR UPDATE SKIP LOCKED
     ) RETURNING 1 AS one`,
  );
  return rooms.length === mostRows;
}

/**
 * Drops unique names behind one of them whose jobs are gone and whose windows are over, so many at a time. Gives the last that it has
 * looked at; null: it has come to the end. One that is taken meanwhile has another revision.
 */
export async function dropNames(
  connection: SqlConnection,
  schema: string,
  after: string,
): Promise<string | null> {
  const name = `${schema}.unique`;
  const [row] = await connection.query(
    `WITH page AS MATERIALIZED (SELECT id, rev, body FROM ${name} WHERE id > $1 ORDER BY id LIMIT ${mostNames}),
     spent AS MATERIALIZED (
       SELECT id, rev FROM page WHERE coalesce((body ->> 'until')::float8, 0) <= extract(epoch FROM clock_timestamp()) * 1000
         AND NOT EXISTS (SELECT FROM ${schema}.job j WHERE j.id = body ->> 'job' OFFSET 0)
     ), gone AS (DELETE FROM ${name} u USING spent WHERE u.id = spent.id AND u.rev = spent.rev)
     SELECT max(id) AS last, count(*) AS count FROM page`,
    [after],
  );
  return Number(row?.count) < mostNames ? null : String(row?.last);
}

/**
 * Drops actors that have ended before an instant, but for those whose parents are alive and have not taken their ends. Gives whether
 * there may be more.
 */
export async function dropActors(
  connection: SqlConnection,
  schema: string,
  before: number,
): Promise<boolean> {
  const actor = `${schema}.actor`;
  const gone = await connection.query(
    `DELETE FROM ${actor} WHERE id IN (
       SELECT a.id FROM ${actor} a WHERE a.finished_at < $1 AND NOT EXISTS (
         SELECT FROM ${actor} p WHERE p.id = a.body #>> '{parent,actor}' AND p.status IN ('active', 'suspended')
           AND p.body #>> ARRAY['children', a.body #>> '{parent,child}', 'run'] = a.body #>> '{parent,run}'
       ) LIMIT ${mostRows} FOR UPDATE SKIP LOCKED
     ) RETURNING 1 AS one`,
    [before],
  );
  return gone.length === mostRows;
}

/** Since when messages that are over are kept. */
export interface MailKeptSince {
  readonly taken: number;
  readonly dead: number;
}

/** Drops messages that were over before these instants. Gives whether there may be more. */
export async function dropMail(
  connection: SqlConnection,
  schema: string,
  since: MailKeptSince,
): Promise<boolean> {
  const gone = await connection.query(
    `DELETE FROM ${schema}.message WHERE id IN (
       SELECT id FROM ${schema}.message WHERE state = 'taken' AND at < $1 OR state = 'dead' AND at < $2
       LIMIT ${mostRows} FOR UPDATE SKIP LOCKED
     ) RETURNING 1 AS one`,
    [since.taken, since.dead],
  );
  return gone.length === mostRows;
}

/** Since when what is still kept is over, of jobs that failed, were aborted or have expired, and of the others. */
export interface KeptSince {
  readonly completed: number;
  readonly failed: number;
}

/** What is over before the entries that these days began with: those of `KeptSince`, as the first two values. */
const isOld = `d.seq < greatest($1::bigint, $2::bigint) AND d.seq < CASE WHEN d.ending IN (0, 4) THEN $1::bigint ELSE $2::bigint END`;

/**
 * Drops what is over since before these instants, and what hangs on it. Jobs to which an unfinished one refers are kept. A day of which
 * little is kept is dropped whole, behind a move of that to the default partition; elsewhere rows are deleted. Gives whether there
 * may be more.
 */
export async function dropJobs(
  connection: SqlConnection,
  schema: string,
  since: KeptSince,
): Promise<boolean> {
  const [day] = await connection.query(
    `SELECT min(seq) FILTER (WHERE at >= $1) AS completed, min(seq) FILTER (WHERE at >= $2) AS failed FROM ${schema}.day`,
    [since.completed, since.failed],
  );
  if (day?.completed == null || day.failed == null) return false;
  const kept = [Number(day.completed), Number(day.failed)];
  const firstDay = `job_${nameOfDay(since.completed)}`;
  const lastDay = `job_${nameOfDay(Math.max(since.completed, since.failed))}`;
  for (const { name } of await partitionsOf(connection, schema, 'job')) {
    const part = String(name).slice('job'.length);
    const isDay = /^_\d{8}$/.test(part);
    // Jobs of a day are over at that day at the earliest.
    if (isDay && String(name) >= lastDay) continue;
    if (isDay && String(name) < firstDay && (await dropDay(connection, schema, part, kept))) return true;
    const old = await connection.query(
      `SELECT 1 AS one FROM ${schema}.done${part} d WHERE ${isOld} LIMIT 1`,
      kept,
    );
    if (old.length === 0) continue;
    const rows = await connection.query(
      `${deadOf(schema, part, mostRows)},
       jobs AS (DELETE FROM ${schema}.job${part} j USING dead WHERE j.id = dead.id),
       dones AS (DELETE FROM ${schema}.done${part} d USING dead WHERE d.id = dead.id),
       tags AS (DELETE FROM ${schema}.tag${part} t USING dead WHERE t.id = dead.id)
       SELECT count(*) AS count FROM dead`,
      kept,
    );
    if (Number(rows[0]?.count) === mostRows) return true;
  }
  return false;
}

/** Gives whether the day is gone: where much of it is kept it stays. */
async function dropDay(
  connection: SqlConnection,
  schema: string,
  part: string,
  kept: readonly number[],
): Promise<boolean> {
  const job = `${schema}.job${part}`;
  // Nothing of it changes until the end.
  const locked = tablesOfDays.map((name) => `${schema}.${name}${part}`).join();
  await connection.query(`LOCK TABLE ${locked} IN SHARE ROW EXCLUSIVE MODE`);
  await connection.query('SAVEPOINT day');
  const rows = await connection.query(
    `${deadOf(schema, part, null)}
     SELECT id FROM ${job} EXCEPT SELECT id FROM dead EXCEPT SELECT id FROM gone WHERE kind = 'job' LIMIT ${mostRows + 1}`,
    [...kept],
  );
  if (rows.length > mostRows) {
    await connection.query('ROLLBACK TO SAVEPOINT day');
    return false;
  }
  const ids = rows.map(({ id }) => id);
  for (const table of tablesOfDays.map((name) => `${schema}.${name}`)) {
    await connection.query(`ALTER TABLE ${table} DETACH PARTITION ${table}${part}`);
    await connection.query(`INSERT INTO ${table} SELECT * FROM ${table}${part} WHERE id = ANY ($1)`, [ids]);
    await connection.query(`DROP TABLE ${table}${part}`);
  }
  return true;
}

/**
 * The jobs of a partition that are to go, as the table `dead`; what hangs on them goes: annotations, proxies, with those the
 * branches that were not chosen and what belongs to them, since nothing else refers to it (`gone`). Joined, and not asked for row
 * by row: the tables have no statistics, and a list that is thought to be too long to be hashed is gone through for each row.
 */
function deadOf(schema: string, part: string, most: number | null): string {
  const [job, proxy] = [`${schema}.job`, `${schema}.proxy`];
  const args = `CASE WHEN json_typeof(patch -> 'args') = 'array' THEN patch -> 'args' ELSE '[]' END`;
  const coded = `CASE WHEN json_typeof(arg #> '{$coded,jobs}') = 'array' THEN arg #> '{$coded,jobs}' ELSE '[]' END`;
  return `WITH RECURSIVE alive (id) AS MATERIALIZED (
      SELECT unnest(ids) FROM ${schema}.ready UNION ALL SELECT unnest(ids) FROM ${schema}.lease
      UNION ALL SELECT id FROM ${schema}.due UNION ALL SELECT id FROM ${schema}.aside
    ), naming (id, doc) AS MATERIALIZED (
      SELECT id, doc FROM ${job} WHERE doc LIKE '%"$job"%' OR doc LIKE '%"$coded"%'
    ), named (id) AS MATERIALIZED (
      SELECT (regexp_matches(doc, '"\\$job"\\s*:\\s*"([^"]+)"', 'g'))[1] FROM naming JOIN alive ON alive.id = naming.id
      UNION SELECT json_array_elements_text(${coded})
        FROM naming JOIN alive ON alive.id = naming.id, json_array_elements(('[' || doc || ']')::json) AS patch,
          json_array_elements(${args}) AS arg WHERE doc LIKE '%"$coded"%'
    ), referred (id) AS (
      SELECT id FROM named
      UNION SELECT j.waiting_on FROM ${job} j JOIN alive ON alive.id = j.id WHERE j.waiting_on IS NOT NULL
      UNION SELECT j.parent FROM ${job} j JOIN alive ON alive.id = j.id WHERE j.parent IS NOT NULL
      UNION SELECT p.job FROM ${proxy} p LEFT JOIN alive c ON c.id = p.body ->> 'chosen'
        WHERE p.body ->> 'chosen' IS NULL OR c.id IS NOT NULL
    ), old (id, parent) AS MATERIALIZED (
      SELECT d.id, j.parent FROM ${schema}.done${part} d JOIN ${schema}.job${part} j ON j.id = d.id WHERE ${isOld}
    ), needed (id) AS (
      SELECT old.id FROM old JOIN referred ON referred.id = old.id
      UNION SELECT old.id FROM old JOIN alive ON alive.id = old.parent
      UNION SELECT old.id FROM old JOIN ${proxy} p ON p.id = old.parent JOIN alive ON alive.id = p.job
    ), dead (id) AS MATERIALIZED (
      SELECT id FROM old EXCEPT SELECT id FROM needed LIMIT ${most ?? 'ALL'}
    ), hanging (id, parent) AS MATERIALIZED (
      SELECT j.id, j.parent FROM ${schema}.aside a JOIN ${job} j ON j.id = a.id LEFT JOIN named n ON n.id = a.id
      WHERE a.state = 'new' AND n.id IS NULL
    ), gone (kind, id) AS (
      SELECT 'proxy', p.id FROM ${proxy} p JOIN dead ON dead.id = p.job
      UNION SELECT hung.kind, hung.id FROM gone CROSS JOIN LATERAL (
        SELECT 'job' AS kind, h.id FROM hanging h WHERE h.parent = gone.id
        UNION ALL SELECT 'proxy', p.id FROM ${proxy} p WHERE gone.kind = 'job' AND p.job = gone.id
      ) AS hung
    ), without_annotations AS (
      DELETE FROM ${schema}.annotation a USING (SELECT id FROM dead UNION ALL SELECT id FROM gone WHERE kind = 'job') AS g
      WHERE a.id >= g.id || '/' AND a.id < g.id || '0'
    ), without_proxies AS (DELETE FROM ${proxy} p USING gone WHERE gone.kind = 'proxy' AND p.id = gone.id),
    without_places AS (DELETE FROM ${schema}.aside a USING gone WHERE gone.kind = 'job' AND a.id = gone.id),
    without_tags AS (DELETE FROM ${schema}.tag t USING gone WHERE gone.kind = 'job' AND t.id = gone.id),
    without_jobs AS (DELETE FROM ${job} j USING gone WHERE gone.kind = 'job' AND j.id = gone.id)`;
}
