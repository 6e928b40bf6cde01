import { settings } from './settings.ts';

/**
 * When something becomes due next. Each offer of work asks, so its plan is kept: to make one took the server fifteen times as long as to
 * answer. `{schema}` is replaced by the quoted name of the schema.
 */
export const dueMigration = `
  CREATE FUNCTION {schema}.due_after(p_since float8) RETURNS float8 LANGUAGE plpgsql STABLE ${settings} AS $$
  BEGIN
    RETURN (SELECT min(o.at) FROM (
      SELECT (SELECT d.at FROM {schema}.due d WHERE d.at > p_since ORDER BY d.at LIMIT 1) AS at
      UNION ALL SELECT (SELECT s.next_at FROM {schema}.schedule s WHERE s.next_at > p_since ORDER BY s.next_at LIMIT 1)
      UNION ALL SELECT (SELECT a.due_at FROM {schema}.actor a WHERE a.status = 'active' AND a.due_at > p_since ORDER BY a.due_at LIMIT 1)
      UNION ALL SELECT (p ->> 'until')::float8 FROM {schema}.queue q CROSS JOIN LATERAL json_array_elements(q.body -> 'pauses') p
        WHERE json_array_length(q.body -> 'pauses') > 0
      UNION ALL SELECT (a.body #>> '{paused,until}')::float8 FROM {schema}.agent a WHERE a.body #>> '{paused,at}' IS NOT NULL
      UNION ALL SELECT (SELECT t.opens FROM {schema}.room t WHERE t.opens > p_since ORDER BY t.opens LIMIT 1)
    ) AS o WHERE o.at > p_since);
  END $$;
`;
