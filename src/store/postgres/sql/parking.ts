import { settings } from './settings.ts';

/** How many keys one look lets go on, and jobs of one key. */
const page = 200;
const mostOfKey = 1000;

/** The keys of a job, by its document: a list, as JSON. */
export function keysOf(doc: string): string {
  return `(SELECT p.v -> 'keys' AS keys FROM json_array_elements(('[' || ${doc} || ']')::json) WITH ORDINALITY p (v, n)
    WHERE json_typeof(p.v -> 'keys') = 'array' ORDER BY p.n DESC LIMIT 1)`;
}

/**
 * Jobs that are parked under a key stand in lines of their lane that no claim looks at: four times the line of the key, and the line
 * that they came from. `{schema}` is replaced by the quoted name of the schema.
 */
export const parkingFunctions = `
  CREATE FUNCTION {schema}.quota_of(p_id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT concat(split_part(p_id, '/', 1), '/', split_part(p_id, '/', 2))
  $$;

  -- Makes room at a turn that a job comes back to: a run that goes on behind it is cut in two.
  CREATE FUNCTION {schema}.cut(p_lane integer, p_line integer, p_turn bigint) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE r record; pos bigint;
  BEGIN
    SELECT w.ctid, w.turn, w.at, w.late, w.ids, w.q INTO r FROM {schema}.ready w
      WHERE w.lane = p_lane AND w.line = p_line AND w.turn < p_turn ORDER BY w.turn DESC LIMIT 1 FOR UPDATE;
    IF NOT FOUND OR r.q IS NULL OR r.turn % 2 <> 0 THEN RETURN; END IF;
    SELECT min(u.n) INTO pos FROM unnest(r.ids) WITH ORDINALITY u (id, n) JOIN {schema}.job j ON j.id = u.id WHERE coalesce(j.turn, j.seq * 2) > p_turn;
    IF pos IS NULL THEN RETURN; END IF;
    INSERT INTO {schema}.ready (lane, line, turn, at, late, ids, q) VALUES (p_lane, p_line,
      (SELECT coalesce(j.turn, j.seq * 2) FROM {schema}.job j WHERE j.id = r.ids[pos]), r.at, r.late, r.ids[pos :], r.q[pos :]);
    UPDATE {schema}.ready t SET ids = r.ids[: pos - 1], q = r.q[: pos - 1] WHERE t.ctid = r.ctid;
  END $$;

  -- The same in line 2 of all lanes of its level.
  CREATE FUNCTION {schema}.part(p_lane integer, p_turn bigint) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE l record;
  BEGIN
    FOR l IN SELECT o.id FROM {schema}.lane n JOIN {schema}.lane o ON o.queue = n.queue AND o.level = n.level WHERE n.id = p_lane ORDER BY o.id LOOP
      PERFORM {schema}.cut(l.id, 2, p_turn);
    END LOOP;
  END $$;

  -- Puts neighbours into a line, at the turn of the first. Those that became due between two commits share a turn, in the order of
  -- their instants.
  CREATE FUNCTION {schema}.stand(p_lane integer, p_line integer, p_turn bigint, p_at float8, p_late float8, p_ids text[], p_q bigint[])
  RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE r record;
  BEGIN
    IF p_turn % 2 = 0 THEN PERFORM {schema}.cut(p_lane, p_line, p_turn); END IF;
    INSERT INTO {schema}.ready AS o (lane, line, turn, at, late, ids, q) VALUES (p_lane, p_line, p_turn, p_at, p_late, p_ids, p_q)
      ON CONFLICT (lane, line, turn) DO UPDATE SET ids = o.ids || excluded.ids, q = o.q || excluded.q, at = least(o.at, excluded.at), late = least(o.late, excluded.late)
      RETURNING o.ctid, o.ids, o.q INTO r;
    IF cardinality(r.ids) = cardinality(p_ids) THEN RETURN; END IF;
    UPDATE {schema}.ready t SET (ids, q) = (
      SELECT array_agg(s.id ORDER BY s.at, s.id), array_agg(s.q ORDER BY s.at, s.id) FROM (
        SELECT u.id, u.q, (SELECT (p.v ->> 'beginAfter')::float8 FROM json_array_elements(('[' || j.doc || ']')::json) WITH ORDINALITY p (v, n)
          WHERE p.v ->> 'beginAfter' IS NOT NULL ORDER BY p.n DESC LIMIT 1) AS at
        FROM unnest(r.ids, r.q) u (id, q) JOIN {schema}.job j ON j.id = u.id
      ) s
    ) WHERE t.ctid = r.ctid;
  END $$;

  -- Of each lane the first jobs that are parked under a key go back to their places. The caller has locked its room.
  CREATE FUNCTION {schema}.unpark(p_id text, p_most bigint) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE own integer; l record; r record; n integer; wanted bigint; is_any boolean := false;
  BEGIN
    SELECT t.line INTO own FROM {schema}.room t WHERE t.id = p_id;
    IF own IS NULL THEN RETURN; END IF;
    FOR l IN SELECT o.id, b.line FROM {schema}.lane o CROSS JOIN (VALUES (0), (2)) b (line)
        WHERE o.queue = split_part(p_id, '/', 1) AND o.is_keyed ORDER BY o.id, b.line LOOP
      wanted := p_most;
      LOOP
        SELECT t.ctid, t.turn, t.at, t.late, t.ids, t.q INTO r FROM {schema}.ready t
          WHERE t.lane = l.id AND t.line = 4 * own + l.line ORDER BY t.turn LIMIT 1 FOR UPDATE;
        EXIT WHEN NOT FOUND;
        is_any := is_any OR wanted = 0;
        EXIT WHEN wanted = 0;
        n := least(wanted, cardinality(r.ids));
        wanted := wanted - n;
        IF n = cardinality(r.ids) THEN DELETE FROM {schema}.ready t WHERE t.ctid = r.ctid;
        ELSE
          UPDATE {schema}.ready t SET ids = r.ids[n + 1 :], q = r.q[n + 1 :], turn = CASE WHEN r.turn % 2 <> 0 THEN r.turn WHEN r.q IS NULL THEN r.turn + 2 * n
            ELSE (SELECT coalesce(j.turn, j.seq * 2) FROM {schema}.job j WHERE j.id = r.ids[n + 1]) END
          WHERE t.ctid = r.ctid;
        END IF;
        PERFORM {schema}.stand(l.id, l.line, r.turn, r.at, NULL, r.ids[: n], r.q[: n]);
      END LOOP;
    END LOOP;
    IF NOT is_any THEN UPDATE {schema}.room t SET line = NULL, opens = NULL WHERE t.id = p_id; END IF;
  END $$;

  -- A job that was offered for a key has left, and the key may have room for the next one.
  CREATE FUNCTION {schema}.pass_on(p_ids text[]) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE r record;
  BEGIN
    FOR r IN SELECT t.id FROM {schema}.room t LEFT JOIN {schema}.quota q ON q.id = {schema}.quota_of(t.id)
        WHERE t.id = ANY (p_ids) AND t.line IS NOT NULL AND coalesce(t.used < q.size, true) ORDER BY t.id FOR NO KEY UPDATE OF t LOOP
      PERFORM {schema}.unpark(r.id, 1);
    END LOOP;
  END $$;

  -- Takes slots of the keys of waiting jobs in their order, up to the first job of which a key has no room, is locked, or is one of a
  -- limit that time opens. The caller has locked the jobs. Gives how many jobs there are before that one, and the keys of each as JSON.
  CREATE FUNCTION {schema}.enter_keys(p_queue text, p_ids text[], OUT fitting integer, OUT slots text[]) LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE jobs integer[]; keys text[]; sizes integer[];
  BEGIN
    SELECT array_agg(o.n), array_agg(o.id), array_agg(o.size) INTO jobs, keys, sizes FROM (
      SELECT u.n, concat(p_queue, '/', k.key) AS id,
        CASE WHEN q.body ->> 'rate' IS NULL AND q.opens_after IS NULL AND NOT EXISTS (SELECT FROM {schema}.limit l WHERE l.id = concat(p_queue, '/', k.key)) THEN q.size ELSE 0 END AS size
      FROM unnest(p_ids) WITH ORDINALITY u (id, n) JOIN {schema}.job j ON j.id = u.id CROSS JOIN LATERAL ${keysOf('j.doc')} d
      CROSS JOIN LATERAL json_array_elements_text(d.keys) WITH ORDINALITY k (key, m)
      JOIN {schema}.quota q ON q.id = concat(p_queue, '/', split_part(k.key, '/', 1)) AND (q.body ->> 'keyed')::boolean
      ORDER BY u.n, k.m
    ) o;
    INSERT INTO {schema}.room (id) SELECT DISTINCT u.id FROM unnest(keys) u (id) WHERE NOT EXISTS (SELECT FROM {schema}.room t WHERE t.id = u.id)
      ORDER BY u.id ON CONFLICT DO NOTHING;
    -- A locked row is not waited for: who frees a slot has locked it, and waits for jobs. Only who makes the same new key at the same
    -- moment is, above: all do that in the order of ids.
    WITH locked AS (SELECT t.id, t.used FROM {schema}.room t WHERE t.id = ANY (keys) ORDER BY t.id FOR NO KEY UPDATE SKIP LOCKED)
    SELECT coalesce(min(o.n) - 1, cardinality(p_ids)) INTO fitting FROM (
      SELECT u.n, t.used + row_number() OVER (PARTITION BY u.id ORDER BY u.n) <= u.size AS fits
      FROM unnest(jobs, keys, sizes) u (n, id, size) LEFT JOIN locked t ON t.id = u.id
    ) o WHERE o.fits IS NOT TRUE;
    UPDATE {schema}.room t SET used = t.used + o.count
      FROM (SELECT u.id, count(*) FROM unnest(jobs, keys) u (n, id) WHERE u.n <= fitting GROUP BY u.id) o WHERE t.id = o.id;
    SELECT array_agg(coalesce(o.ids, '[]') ORDER BY g.n) INTO slots FROM generate_series(1, fitting) g (n) LEFT JOIN (
      SELECT u.n, json_agg(u.id ORDER BY u.m)::text AS ids FROM unnest(jobs, keys) WITH ORDINALITY u (n, id, m) GROUP BY u.n
    ) o ON o.n = g.n;
  END $$;

  -- Parks jobs for which a claim has found no room. Nothing is parked under a key that has room by now. Each limit has the instant at
  -- which time opens it, with the revisions of its quota and of its record that say so; without one a slot has to become free. Jobs are
  -- in the order of their places; each has the number of its limit. passed: keys that one of them leaves to others. Gives how many.
  CREATE FUNCTION {schema}.park(
    p_limits text[], p_opens float8[], p_quota_revs bigint[], p_revs bigint[],
    p_ids text[], p_lanes integer[], p_lines integer[], p_turns bigint[], p_to integer[], p_late float8[], p_passed text[]
  ) RETURNS integer LANGUAGE plpgsql ${settings} SET lock_timeout = '5s' AS $$
  #variable_conflict use_column
  DECLARE own integer[]; i integer; a integer; b integer; r record; quota record; room record; is_full boolean; under integer[]; late float8; parked integer := 0;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    INSERT INTO {schema}.room (id) SELECT u.id FROM unnest(p_limits) u (id) WHERE NOT EXISTS (SELECT FROM {schema}.room t WHERE t.id = u.id)
      ORDER BY u.id ON CONFLICT DO NOTHING;
    PERFORM FROM {schema}.room t WHERE t.id = ANY (p_limits || p_passed) ORDER BY t.id FOR NO KEY UPDATE;
    FOR i IN 1 .. cardinality(p_limits) LOOP
      SELECT q.rev, q.size INTO quota FROM {schema}.quota q WHERE q.id = {schema}.quota_of(p_limits[i]) FOR KEY SHARE;
      SELECT t.used, t.line INTO room FROM {schema}.room t WHERE t.id = p_limits[i];
      IF p_opens[i] IS NULL THEN is_full := room.used >= quota.size;
      ELSE
        PERFORM FROM {schema}.limit t WHERE t.id = p_limits[i] FOR KEY SHARE;
        is_full := quota.rev = p_quota_revs[i] AND coalesce((SELECT t.rev FROM {schema}.limit t WHERE t.id = p_limits[i]), 0) = p_revs[i];
      END IF;
      CONTINUE WHEN is_full IS NOT TRUE;
      own[i] := coalesce(room.line, nextval('{schema}.room_line'));
      UPDATE {schema}.room t SET line = own[i], opens = coalesce(p_opens[i], t.opens) WHERE t.id = p_limits[i];
    END LOOP;
    i := 1;
    WHILE i <= cardinality(p_ids) LOOP
      SELECT t.ctid, t.lane, t.line, t.turn, t.at, t.ids, t.q INTO r FROM {schema}.ready t
        WHERE t.lane = p_lanes[i] AND t.line = p_lines[i] AND t.turn <= p_turns[i] ORDER BY t.turn DESC LIMIT 1 FOR UPDATE SKIP LOCKED;
      -- One that has left meanwhile.
      IF NOT FOUND OR array_position(r.ids, p_ids[i]) IS NULL THEN i := i + 1; CONTINUE; END IF;
      under := ARRAY(SELECT own[p_to[i - 1 + array_position(p_ids[i : i + cardinality(r.ids) - 1], u.id)]] FROM unnest(r.ids) WITH ORDINALITY u (id, n) ORDER BY u.n);
      late := (SELECT min(e) FROM unnest(p_late[i : i + cardinality(r.ids) - 1]) e);
      WHILE p_ids[i] = ANY (r.ids) LOOP i := i + 1; END LOOP;
      CONTINUE WHEN array_remove(under, NULL) = '{}';
      DELETE FROM {schema}.ready t WHERE t.ctid = r.ctid;
      a := 1;
      WHILE a <= cardinality(r.ids) LOOP
        b := a;
        WHILE b < cardinality(r.ids) AND under[b + 1] IS NOT DISTINCT FROM under[a] LOOP b := b + 1; END LOOP;
        PERFORM {schema}.stand(r.lane, r.line + 4 * coalesce(under[a], 0), CASE WHEN r.turn % 2 <> 0 THEN r.turn WHEN r.q IS NULL THEN r.turn + 2 * (a - 1)
            ELSE (SELECT coalesce(n.turn, n.seq * 2) FROM {schema}.job n WHERE n.id = r.ids[a]) END,
          r.at, CASE WHEN under[a] IS NOT NULL THEN late END, r.ids[a : b], r.q[a : b]);
        IF under[a] IS NOT NULL THEN parked := parked + b - a + 1; END IF;
        a := b + 1;
      END LOOP;
    END LOOP;
    PERFORM {schema}.pass_on(p_passed);
    RETURN parked;
  END $$;

  -- Whether time, or a changed quota, has made room for jobs that are parked.
  CREATE FUNCTION {schema}.has_opened(p_now float8) RETURNS boolean LANGUAGE plpgsql STABLE ${settings} AS $$
  BEGIN
    RETURN EXISTS (SELECT FROM {schema}.room t WHERE t.opens <= p_now) OR EXISTS (SELECT FROM {schema}.quota q WHERE q.opens_after IS NOT NULL)
      OR EXISTS (SELECT FROM {schema}.ready t WHERE t.late < p_now);
  END $$;

  -- Offers jobs again where that is so, and those that are too late: so many keys at a time. Who is at the same is passed over.
  CREATE FUNCTION {schema}.open(p_now float8) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE r record; k record; last text;
  BEGIN
    FOR r IN SELECT t.id, least((q.body #>> '{rate,burst}')::bigint, q.size - t.used, ${mostOfKey}) AS most FROM {schema}.room t
        LEFT JOIN {schema}.quota q ON q.id = {schema}.quota_of(t.id)
        WHERE t.opens <= p_now ORDER BY t.opens LIMIT ${page} FOR NO KEY UPDATE OF t SKIP LOCKED LOOP
      UPDATE {schema}.room t SET opens = NULL WHERE t.id = r.id;
      PERFORM {schema}.unpark(r.id, greatest(1, r.most));
    END LOOP;
    FOR r IN SELECT q.id, q.opens_after, least((q.body #>> '{rate,burst}')::bigint, q.size, ${mostOfKey}) AS most FROM {schema}.quota q
        WHERE q.opens_after IS NOT NULL FOR NO KEY UPDATE SKIP LOCKED LOOP
      last := NULL;
      FOR k IN SELECT t.id FROM {schema}.room t WHERE t.line IS NOT NULL AND t.id > greatest(r.opens_after, r.id || '/') AND t.id < r.id || '0'
          ORDER BY t.id LIMIT ${page} FOR NO KEY UPDATE LOOP
        PERFORM {schema}.unpark(k.id, greatest(1, r.most));
        last := k.id;
      END LOOP;
      UPDATE {schema}.quota q SET opens_after = last WHERE q.id = r.id;
    END LOOP;
    FOR r IN SELECT t.ctid, t.* FROM {schema}.ready t WHERE t.late < p_now LIMIT ${mostOfKey} FOR UPDATE SKIP LOCKED LOOP
      DELETE FROM {schema}.ready t WHERE t.ctid = r.ctid;
      PERFORM {schema}.stand(r.lane, r.line % 4, r.turn, r.at, NULL, r.ids, r.q);
    END LOOP;
  END $$;

  -- What a poll does for jobs that nobody takes: of keys that have room one more of each lane is offered. Gives the last key that it
  -- has looked at; null: it has come to the end.
  CREATE FUNCTION {schema}.offer_more(p_queue text, p_after text, p_now float8) RETURNS text LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE r record; seen integer := 0; last text;
  BEGIN
    FOR r IN SELECT t.id, coalesce(t.used < q.size, true) AND coalesce(t.opens <= p_now, true) AS has_room FROM {schema}.room t
        LEFT JOIN {schema}.quota q ON q.id = {schema}.quota_of(t.id)
        WHERE t.line IS NOT NULL AND t.id > greatest(p_after, p_queue || '/') AND t.id < p_queue || '0'
        ORDER BY t.id LIMIT ${page} FOR NO KEY UPDATE OF t SKIP LOCKED LOOP
      IF r.has_room THEN PERFORM {schema}.unpark(r.id, 1); END IF;
      seen := seen + 1;
      last := r.id;
    END LOOP;
    RETURN CASE WHEN seen = ${page} THEN last END;
  END $$;
`;
