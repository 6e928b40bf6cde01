import { planning } from './plain-functions.ts';

const parent = `body #>> '{parent,job}'`;

/** Ids of the records under the parents that were completed before. */
function called(columns: string, condition = 'true'): string {
  return `SELECT ${columns} FROM late JOIN {schema}.job j ON j.parent_job = late.id WHERE ${condition}
      UNION SELECT ${columns} FROM proxies JOIN {schema}.job j ON j.parent_proxy = proxies.id WHERE ${condition}`;
}

/**
 * What processes that are gone have left is looked for among all jobs, by indexes that hold few of them: functions, whose plans
 * say so. Statements of their own were planned as if each job had a parent, since the table has no statistics.
 */
export const leftFunctions = `
  -- Jobs that stand nowhere but with a system job, or with nobody.
  CREATE INDEX job_outside ON {schema}.job (id) WHERE queue IS NULL AND parent_job IS NULL;

  -- Jobs at callbacks outside any agent, and completed ones with callbacks that were added late. What such a callback waits for
  -- tells whether it is left. A job that is not completed has a row among the live ones, so most parents need no look.
  CREATE FUNCTION {schema}.orphans() RETURNS SETOF json LANGUAGE plpgsql ${planning} AS $$
  BEGIN
    RETURN QUERY WITH parents AS (
      SELECT parent_job AS id FROM {schema}.job WHERE parent_job IS NOT NULL
      UNION SELECT ${parent} FROM {schema}.proxy
      WHERE body ->> 'chosen' IS NULL OR EXISTS (SELECT FROM {schema}.job c WHERE c.id = body ->> 'chosen' OFFSET 0)
    ), late AS (
      SELECT id FROM parents p WHERE NOT EXISTS (SELECT FROM {schema}.job j WHERE j.id = p.id)
    ), proxies AS (
      SELECT p.id FROM late JOIN {schema}.proxy p ON p.${parent} = late.id
    ), ids AS (
      SELECT id FROM {schema}.job WHERE queue IS NULL AND parent_job IS NULL AND state NOT IN ('new', 'completed')
      UNION SELECT id FROM late
      UNION ${called('j.id')}
      UNION ${called('j.waiting_on', 'j.waiting_on IS NOT NULL')}
      UNION SELECT d.id FROM proxies JOIN {schema}.done d ON d.parent_proxy = proxies.id
    )
    SELECT row_to_json(j) FROM ids JOIN {schema}.job j ON j.id = ids.id
    UNION ALL SELECT row_to_json(d) FROM ids JOIN {schema}.done d ON d.id = ids.id;
  END
  $$;

  -- Jobs at their callbacks in an agent of one process of which another has written last.
  CREATE FUNCTION {schema}.ended_elsewhere() RETURNS SETOF json LANGUAGE plpgsql ${planning} AS $$
  BEGIN
    RETURN QUERY SELECT row_to_json(j) FROM {schema}.job j CROSS JOIN LATERAL (
      SELECT by FROM {schema}.line WHERE s <= j.last_seq ORDER BY s DESC LIMIT 1
    ) AS l WHERE j.dispatcher IS NOT NULL AND j.state = 'callbacks' AND split_part(l.by, '#', 2)::bigint <> j.epoch;
  END
  $$;
`;
