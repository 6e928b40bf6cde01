import { idsOf, type Records } from './records.ts';

/**
 * Which of these jobs one that is not over refers to: in its arguments, by waiting for it, as its callback, or as the job whose callback
 * it is. The jobs that are not over are joined: their tables are the smaller side.
 */
export async function referred(
  { schema, query }: Records,
  jobs: readonly string[],
): Promise<ReadonlySet<string>> {
  const [job, proxy] = [`${schema}.job`, `${schema}.proxy`];
  const args = `CASE WHEN json_typeof(patch -> 'args') = 'array' THEN patch -> 'args' ELSE '[]' END`;
  const coded = `CASE WHEN json_typeof(arg #> '{$coded,jobs}') = 'array' THEN arg #> '{$coded,jobs}' ELSE '[]' END`;
  const rows = await query(
    `WITH alive (id) AS MATERIALIZED (
       SELECT unnest(ids) FROM ${schema}.ready UNION ALL SELECT unnest(ids) FROM ${schema}.lease
       UNION ALL SELECT id FROM ${schema}.due UNION ALL SELECT id FROM ${schema}.aside
     ), living (id, parent, waiting_on, doc) AS MATERIALIZED (
       SELECT j.id, j.parent, j.waiting_on, j.doc FROM ${job} j JOIN alive ON alive.id = j.id
         WHERE j.parent IS NOT NULL OR j.waiting_on IS NOT NULL OR j.doc LIKE '%"$job"%' OR j.doc LIKE '%"$coded"%'
     ), named (id) AS (
       SELECT (regexp_matches(doc, '"\\$job"\\s*:\\s*"([^"]+)"', 'g'))[1] FROM living
       UNION ALL SELECT json_array_elements_text(${coded})
         FROM living, json_array_elements(('[' || doc || ']')::json) AS patch, json_array_elements(${args}) AS arg
         WHERE doc LIKE '%"$coded"%'
       UNION ALL SELECT waiting_on FROM living
       UNION ALL SELECT parent FROM living
       UNION ALL SELECT p.job FROM ${proxy} p LEFT JOIN alive c ON c.id = p.body ->> 'chosen'
         WHERE p.body ->> 'chosen' IS NULL OR c.id IS NOT NULL
     )
     SELECT asked.id FROM unnest($1::text[]) AS asked (id) WHERE asked.id IN (SELECT id FROM named)
     UNION SELECT j.id FROM ${job} j LEFT JOIN ${proxy} p ON p.id = j.parent JOIN alive ON alive.id = coalesce(p.job, j.parent)
       WHERE j.id = ANY ($1)`,
    [jobs],
  );
  return new Set(idsOf(rows));
}
