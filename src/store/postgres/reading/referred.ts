import { idsOf, type Records, recordsOf } from './records.ts';

/**
 * Which of these jobs one that is not over refers to: in its arguments, by waiting for it, as its callback, or as the job whose callback
 * it is. The jobs that are not over are joined: their tables are the smaller side.
 */
export async function referred(records: Records, jobs: readonly string[]): Promise<ReadonlySet<string>> {
  const { schema, query } = records;
  const [job, proxy] = [`${schema}.job`, `${schema}.proxy`];
  const args = `CASE WHEN json_typeof(patch -> 'args') = 'array' THEN patch -> 'args' ELSE '[]' END`;
  const coded = `CASE WHEN json_typeof(arg #> '{$coded,jobs}') = 'array' THEN arg #> '{$coded,jobs}' ELSE '[]' END`;
  // What is over and not yet filed stands among these, and among what is held; only its record says that it is over.
  const lanes = (await records.lanes()).filter(({ isOver }) => isOver).map(({ id }) => id);
  const rows = await query(
    `WITH alive (id, is_sure) AS MATERIALIZED (
       SELECT unnest(ids), lane <> ALL ($2) FROM ${schema}.ready UNION ALL SELECT unnest(ids), false FROM ${schema}.lease
       UNION ALL SELECT id, true FROM ${schema}.due UNION ALL SELECT id, true FROM ${schema}.aside WHERE state <> 'completed'
     ), living (by, is_sure, parent, waiting_on, doc) AS MATERIALIZED (
       SELECT j.id, alive.is_sure, j.parent, j.waiting_on, j.doc FROM ${job} j JOIN alive ON alive.id = j.id
         WHERE j.parent IS NOT NULL OR j.waiting_on IS NOT NULL OR j.doc LIKE '%"$job"%' OR j.doc LIKE '%"$coded"%'
     ), named (id, by, is_sure) AS (
       SELECT (regexp_matches(doc, '"\\$job"\\s*:\\s*"([^"]+)"', 'g'))[1], by, is_sure FROM living
       UNION ALL SELECT json_array_elements_text(${coded}), by, is_sure
         FROM living, json_array_elements(('[' || doc || ']')::json) AS patch, json_array_elements(${args}) AS arg
         WHERE doc LIKE '%"$coded"%'
       UNION ALL SELECT waiting_on, by, is_sure FROM living
       UNION ALL SELECT parent, by, is_sure FROM living
       UNION ALL SELECT p.job, c.id, c.id IS NULL OR c.is_sure FROM ${proxy} p LEFT JOIN alive c ON c.id = p.body ->> 'chosen'
         WHERE p.body ->> 'chosen' IS NULL OR c.id IS NOT NULL
       UNION ALL SELECT j.id, alive.id, alive.is_sure
         FROM ${job} j LEFT JOIN ${proxy} p ON p.id = j.parent JOIN alive ON alive.id = coalesce(p.job, j.parent)
         WHERE j.id = ANY ($1)
     )
     SELECT DISTINCT id, CASE WHEN NOT is_sure THEN by END AS by FROM named WHERE id = ANY ($1)`,
    [jobs, lanes],
  );
  const unsure = await records.byId(rows.flatMap(({ by }) => (by === null ? [] : [String(by)])));
  const over = new Set(recordsOf(unsure).flatMap(({ id, state }) => (state === 'completed' ? [id] : [])));
  return new Set(idsOf(rows.filter(({ by }) => by === null || !over.has(String(by)))));
}
