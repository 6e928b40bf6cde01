import { refuse, settings } from './settings.ts';

const leaveFunction = `
  -- Takes jobs of one line out of their runs, in the order of their turns. Who changes a job that waits locks its run first, so its row
  -- stays as it is.
  CREATE FUNCTION {schema}.leave(p_lane integer, p_line integer, p_ids text[], p_turns bigint[], p_revs bigint[]) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE i integer := 1; r record; kept integer[]; n integer;
  BEGIN
    WHILE i <= cardinality(p_ids) LOOP
      SELECT t.ctid, t.turn, t.ids, t.q INTO r FROM {schema}.ready t
        WHERE t.lane = p_lane AND t.line = p_line AND t.turn <= p_turns[i] ORDER BY t.turn DESC LIMIT 1 FOR UPDATE;
      IF NOT FOUND OR array_position(r.ids, p_ids[i]) IS NULL THEN ${refuse('p_ids[i]')} END IF;
      kept := ARRAY(SELECT u.n FROM unnest(r.ids) WITH ORDINALITY u (id, n) WHERE u.id <> ALL (p_ids[i : i + cardinality(r.ids) - 1]) ORDER BY u.n);
      n := cardinality(r.ids) - cardinality(kept);
      i := i + n;
      IF cardinality(kept) = 0 THEN DELETE FROM {schema}.ready t WHERE t.ctid = r.ctid;
      ELSIF r.q IS NULL AND kept[1] = n + 1 THEN
        UPDATE {schema}.ready t SET ids = r.ids[n + 1 :], turn = r.turn + 2 * n WHERE t.ctid = r.ctid;
      ELSE
        -- It may come back to its turn. What became due has one turn.
        UPDATE {schema}.ready t SET ids = ARRAY(SELECT r.ids[k] FROM unnest(kept) k),
          q = ARRAY(SELECT coalesce(r.q[k], r.turn / 2 + k - 1) FROM unnest(kept) k),
          turn = CASE WHEN r.turn % 2 = 0 THEN (SELECT coalesce(j.turn, j.seq * 2) FROM {schema}.job j WHERE j.id = r.ids[kept[1]]) ELSE r.turn END
        WHERE t.ctid = r.ctid;
      END IF;
    END LOOP;
    IF EXISTS (SELECT FROM unnest(p_ids, p_revs) AS u (id, rev) WHERE u.rev IS DISTINCT FROM (SELECT t.rev FROM {schema}.job t WHERE t.id = u.id))
    THEN ${refuse('p_ids[1]')} END IF;
  END $$;
`;

/** `more`: further kinds of beliefs. */
export function expectation(create: 'CREATE' | 'CREATE OR REPLACE', more: string): string {
  return `
  -- Locks what a commit believes in, and takes jobs out of the places that they leave. In the order of the list, which is that of ids.
  ${create} FUNCTION {schema}.expect(p_beliefs json, p_epoch bigint, p_now float8) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE b json; place json; r record; found_rev bigint; found_seq bigint; leaves boolean; chain text;
  BEGIN
    FOR b IN SELECT e FROM json_array_elements(p_beliefs) e LOOP
      CASE b ->> 'is'
      WHEN 'job' THEN
        place := b -> 'at';
        leaves := (b ->> 'leaves')::boolean;
        CASE place ->> 'in'
        WHEN 'ready' THEN
          SELECT t.ids INTO r FROM {schema}.ready t
            WHERE t.lane = (place ->> 'lane')::int AND t.line = (place ->> 'line')::int AND t.turn <= (place ->> 'turn')::bigint
            ORDER BY t.turn DESC LIMIT 1 FOR UPDATE;
          IF NOT FOUND OR array_position(r.ids, b ->> 'id') IS NULL THEN ${refuse(`b ->> 'id'`)} END IF;
        WHEN 'due' THEN
          PERFORM FROM {schema}.due t WHERE t.at = (place ->> 'at')::float8 AND t.id = b ->> 'id' FOR UPDATE;
          IF NOT FOUND THEN ${refuse(`b ->> 'id'`)} END IF;
          IF leaves THEN DELETE FROM {schema}.due t WHERE t.at = (place ->> 'at')::float8 AND t.id = b ->> 'id'; END IF;
        WHEN 'aside' THEN
          PERFORM FROM {schema}.aside t WHERE t.id = b ->> 'id' FOR UPDATE;
          IF NOT FOUND THEN ${refuse(`b ->> 'id'`)} END IF;
          IF leaves THEN DELETE FROM {schema}.aside t WHERE t.id = b ->> 'id'; END IF;
        WHEN 'done' THEN
          SELECT t.seq INTO found_rev FROM {schema}.done t WHERE t.id = b ->> 'id' FOR UPDATE;
          IF NOT FOUND OR found_rev <> (place ->> 'seq')::bigint THEN ${refuse(`b ->> 'id'`)} END IF;
          IF leaves THEN DELETE FROM {schema}.done t WHERE t.id = b ->> 'id'; END IF;
        ELSE NULL; -- in a lease, which was looked at; or in none yet
        END CASE;
        SELECT t.rev INTO found_rev FROM {schema}.job t WHERE t.id = b ->> 'id' FOR NO KEY UPDATE;
        IF coalesce(found_rev, 0) <> (b ->> 'rev')::bigint THEN ${refuse(`b ->> 'id'`)} END IF;
      WHEN 'leave' THEN
        PERFORM {schema}.leave((b ->> 'lane')::int, (b ->> 'line')::int, ARRAY(SELECT json_array_elements_text(b -> 'ids')),
          ARRAY(SELECT e::bigint FROM json_array_elements_text(b -> 'turns') e), ARRAY(SELECT e::bigint FROM json_array_elements_text(b -> 'revs') e));
      WHEN 'name' THEN
        -- A name that nobody has: it is obtained before anything else is written. Who comes second waits for the end of the first.
        INSERT INTO {schema}.unique (id, rev, last_seq, body) VALUES (b ->> 'id', 0, 0, '{}') ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN ${refuse(`b ->> 'id'`)} END IF;
      WHEN 'late' THEN
        -- An earlier sending of this commit: it is refused when it arrives later, for what this one has changed.
        PERFORM pg_advisory_xact_lock((p_epoch << 40) + (b ->> 'n')::bigint);
        IF EXISTS (SELECT FROM {schema}.line l WHERE l.epoch = p_epoch AND l.n = (b ->> 'n')::bigint) THEN ${refuse(`b ->> 'n'`)} END IF;
      WHEN 'soon' THEN
        -- Jobs begin under a rate when they are committed, and were counted when they were judged.
        IF p_now > (b ->> 'until')::float8 THEN ${refuse(`'late'`)} END IF;
      WHEN 'holds' THEN
        -- A claim locks the agent that it is for.
        PERFORM FROM {schema}.agent t WHERE t.id >= b ->> 'agents' AND starts_with(t.id, b ->> 'agents') ORDER BY t.id FOR UPDATE;
        IF (SELECT coalesce(sum(cardinality(t.ids)), 0) FROM {schema}.lease t WHERE t.queue = b ->> 'queue' AND t.dispatcher = b ->> 'dispatcher')
          <> (b ->> 'count')::bigint THEN ${refuse(`b ->> 'dispatcher'`)} END IF;
      WHEN 'chain' THEN
        -- Of two jobs that are to wait for each other the second must see that the first does.
        PERFORM pg_advisory_xact_lock(hashtextextended('{schema} chains', 0));
        IF EXISTS (
          WITH RECURSIVE chain (id) AS (
            SELECT (b ->> 'on') COLLATE "C" UNION SELECT j.waiting_on FROM {schema}.job j JOIN chain ON j.id = chain.id WHERE j.waiting_on IS NOT NULL
          ) SELECT FROM chain WHERE chain.id = b ->> 'id'
        ) THEN ${refuse(`b ->> 'id'`)} END IF;${more}
      ELSE
        EXECUTE format('SELECT t.rev, t.last_seq FROM {schema}.%I t WHERE t.id = $1 FOR UPDATE', b ->> 'is') INTO found_rev, found_seq USING b ->> 'id';
        -- A limit that said nothing was dropped, and may have been made anew.
        IF coalesce(found_rev, 0) <> (b ->> 'rev')::bigint OR found_seq <> (b ->> 'seq')::bigint THEN ${refuse(`b ->> 'id'`)} END IF;
      END CASE;
    END LOOP;
  END $$;
`;
}

/** What a commit believes in. `{schema}` is replaced by the quoted name of the schema. */
export const expectFunction = `${leaveFunction}${expectation('CREATE', '')}`;
