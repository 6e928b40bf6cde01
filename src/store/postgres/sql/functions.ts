import { promotedShift } from '../commits/entries.ts';

/**
 * Plans are for the indexes, whatever the statistics say: without these settings the first calls of a connection sort all
 * waiting rows. They cost 4 µs a call.
 */
const settings = `SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan`;

/** A belief does not hold: the writer reads again. SQLSTATE. */
export const refusedCode = 'SB001';

const refuse = (what: string): string =>
  `RAISE EXCEPTION 'not as believed' USING ERRCODE = '${refusedCode}', DETAIL = ${what};`;

/** The functions: `{schema}` is replaced by the quoted name of the schema. */
export const functions = `
  CREATE FUNCTION {schema}.now(p_now float8) RETURNS float8 LANGUAGE sql AS $$
    SELECT coalesce(p_now, floor(extract(epoch FROM clock_timestamp()) * 1000))
  $$;

  -- Number of the row of the journal that has an entry; lines that came with a promotion have numbers below 0.
  CREATE FUNCTION {schema}.commit_of(p_seq bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT c FROM {schema}.line WHERE c = p_seq / 4096),
      (SELECT c FROM {schema}.line WHERE c <= p_seq - ${promotedShift} ORDER BY c DESC LIMIT 1))
  $$;

  -- Jobs that are due by now stand before the first that were put at their instant or later.
  CREATE FUNCTION {schema}.wake(p_now float8) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE r record; seqs bigint; at_turn bigint;
  BEGIN
    FOR r IN DELETE FROM {schema}.due d WHERE (d.at, d.id) IN (
        SELECT o.at, o.id FROM {schema}.due o WHERE o.at <= p_now ORDER BY o.at, o.id LIMIT 1000 FOR UPDATE SKIP LOCKED
      ) RETURNING d.* LOOP
      at_turn := coalesce((SELECT CASE WHEN l.c < 0 THEN l.c + ${promotedShift} ELSE l.c * 4096 END FROM {schema}.line l
          WHERE l.at >= r.at ORDER BY l.at, l.c LIMIT 1),
        (SELECT last_value + 1 FROM {schema}.commits) * 4096) * 2 - 1;
      SELECT j.seq INTO seqs FROM {schema}.job j WHERE j.id = r.id;
      INSERT INTO {schema}.ready AS o (lane, line, turn, at, ids, q) VALUES (r.lane, 2, at_turn, r.at, ARRAY[r.id], ARRAY[seqs])
        ON CONFLICT (lane, line, turn) DO UPDATE SET ids = o.ids || excluded.ids, q = o.q || excluded.q;
      UPDATE {schema}.job j SET turn = at_turn WHERE j.id = r.id;
    END LOOP;
  END $$;

  -- Locks what a commit believes in, and takes jobs out of the places that they leave. In the order of the list, which is that of ids.
  CREATE FUNCTION {schema}.expect(p_beliefs json, p_epoch bigint) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE b json; place json; r record; found_rev bigint; pos int; leaves boolean; chain text;
  BEGIN
    FOR b IN SELECT e FROM json_array_elements(p_beliefs) e LOOP
      CASE b ->> 'is'
      WHEN 'job' THEN
        place := b -> 'at';
        leaves := (b ->> 'leaves')::boolean;
        CASE place ->> 'in'
        WHEN 'ready' THEN
          SELECT t.ctid, t.turn, t.ids, t.q INTO r FROM {schema}.ready t
            WHERE t.lane = (place ->> 'lane')::int AND t.line = (place ->> 'line')::int AND t.turn <= (place ->> 'turn')::bigint
            ORDER BY t.turn DESC LIMIT 1 FOR UPDATE;
          pos := array_position(r.ids, b ->> 'id');
          IF NOT FOUND OR pos IS NULL THEN ${refuse(`b ->> 'id'`)} END IF;
          IF leaves AND cardinality(r.ids) = 1 THEN DELETE FROM {schema}.ready t WHERE t.ctid = r.ctid;
          ELSIF leaves THEN
            r.q := coalesce(r.q, ARRAY(SELECT r.turn / 2 + i FROM generate_series(0, cardinality(r.ids) - 1) i));
            -- It may come back to its turn. What became due has one turn.
            UPDATE {schema}.ready t SET ids = r.ids[: pos - 1] || r.ids[pos + 1 :], q = r.q[: pos - 1] || r.q[pos + 1 :],
              turn = CASE WHEN pos = 1 AND r.turn % 2 = 0 THEN (SELECT coalesce(j.turn, j.seq * 2) FROM {schema}.job j WHERE j.id = r.ids[2]) ELSE r.turn END
            WHERE t.ctid = r.ctid;
          END IF;
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
      WHEN 'late' THEN
        -- An earlier sending of this commit: it is refused when it arrives later, for what this one has changed.
        PERFORM pg_advisory_xact_lock((p_epoch << 40) + (b ->> 'n')::bigint);
        IF EXISTS (SELECT FROM {schema}.line l WHERE l.epoch = p_epoch AND l.n = (b ->> 'n')::bigint) THEN ${refuse(`b ->> 'n'`)} END IF;
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
        ) THEN ${refuse(`b ->> 'id'`)} END IF;
      ELSE
        EXECUTE format('SELECT t.rev FROM {schema}.%I t WHERE t.id = $1 FOR UPDATE', b ->> 'is') INTO found_rev USING b ->> 'id';
        IF coalesce(found_rev, 0) <> (b ->> 'rev')::bigint THEN ${refuse(`b ->> 'id'`)} END IF;
      END CASE;
    END LOOP;
  END $$;

  -- Makes room at a turn that a job comes back to, in all lanes of its level: a run that goes on behind it is cut in two.
  CREATE FUNCTION {schema}.part(p_lane integer, p_turn bigint) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE l record; r record; pos bigint;
  BEGIN
    FOR l IN SELECT o.id FROM {schema}.lane n JOIN {schema}.lane o ON o.queue = n.queue AND o.level = n.level WHERE n.id = p_lane ORDER BY o.id LOOP
      SELECT w.ctid, w.turn, w.at, w.ids, w.q INTO r FROM {schema}.ready w
        WHERE w.lane = l.id AND w.line = 2 AND w.turn < p_turn ORDER BY w.turn DESC LIMIT 1 FOR UPDATE;
      CONTINUE WHEN NOT FOUND OR r.q IS NULL OR r.turn % 2 <> 0;
      SELECT min(u.n) INTO pos FROM unnest(r.ids) WITH ORDINALITY u (id, n) JOIN {schema}.job j ON j.id = u.id WHERE coalesce(j.turn, j.seq * 2) > p_turn;
      CONTINUE WHEN pos IS NULL;
      INSERT INTO {schema}.ready (lane, line, turn, at, ids, q) VALUES (l.id, 2,
        (SELECT coalesce(j.turn, j.seq * 2) FROM {schema}.job j WHERE j.id = r.ids[pos]), r.at, r.ids[pos :], r.q[pos :]);
      UPDATE {schema}.ready t SET ids = r.ids[: pos - 1], q = r.q[: pos - 1] WHERE t.ctid = r.ctid;
    END LOOP;
  END $$;

  -- Writes records, and gives jobs their places. s: the seq of entry 0.
  CREATE FUNCTION {schema}.apply(p_changes json, s bigint, p_epoch bigint) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE b json; place json; kind text; r record;
  BEGIN
    FOR b IN SELECT e FROM json_array_elements(p_changes) e LOOP
      kind := b ->> 'is';
      IF kind = 'job' THEN
        IF (b ->> 'gone')::boolean THEN DELETE FROM {schema}.job t WHERE t.id = b ->> 'id'; CONTINUE; END IF;
        IF (b ->> 'flag')::boolean THEN
          UPDATE {schema}.job t SET rev = t.rev + 1, doc = t.doc || ',' || (b ->> 'doc') WHERE t.id = b ->> 'id';
          CONTINUE;
        END IF;
        place := b -> 'to';
        IF (b ->> 'rev')::int = 0 THEN
          INSERT INTO {schema}.job (id, seq, lane, turn, parent, waiting_on, doc) VALUES (b ->> 'id', s + (b ->> 'seq')::int,
            (b ->> 'lane')::int, s * 2 + (place ->> 'turn')::bigint, b ->> 'parent', b ->> 'waitingOn', b ->> 'doc');
        ELSIF b ->> 'doc' IS NOT NULL THEN
          UPDATE {schema}.job t SET rev = t.rev + 1, seq = s + (b ->> 'seq')::int, lane = (b ->> 'lane')::int,
            turn = coalesce((place ->> 'turnIs')::bigint, s * 2 + (place ->> 'turn')::bigint), parent = b ->> 'parent', waiting_on = b ->> 'waitingOn',
            doc = CASE WHEN (b ->> 'isWhole')::boolean THEN b ->> 'doc' ELSE t.doc || ',' || (b ->> 'doc') END
          WHERE t.id = b ->> 'id';
        END IF;
        CASE place ->> 'in'
        WHEN 'ready' THEN
          IF (place ->> 'line')::int = 2 AND place ->> 'turnIs' IS NOT NULL THEN PERFORM {schema}.part((b ->> 'lane')::int, (place ->> 'turnIs')::bigint); END IF;
          INSERT INTO {schema}.ready AS o (lane, line, turn, at, ids, q) VALUES ((b ->> 'lane')::int, (place ->> 'line')::int,
            coalesce((place ->> 'turnIs')::bigint, s * 2 + (place ->> 'turn')::bigint), (place ->> 'at')::float8, ARRAY[b ->> 'id'], ARRAY[s + (b ->> 'seq')::int])
            ON CONFLICT (lane, line, turn) DO UPDATE SET ids = o.ids || excluded.ids,
              q = coalesce(o.q, ARRAY(SELECT o.turn / 2 + i FROM generate_series(0, cardinality(o.ids) - 1) i)) || excluded.q;
        WHEN 'stays' THEN
          -- The run says which entry of each is the newest.
          SELECT t.ctid, t.turn, t.ids, t.q INTO r FROM {schema}.ready t
            WHERE t.lane = (b ->> 'lane')::int AND t.line = (place ->> 'line')::int AND t.turn <= (place ->> 'turnIs')::bigint
            ORDER BY t.turn DESC LIMIT 1;
          r.q := coalesce(r.q, ARRAY(SELECT r.turn / 2 + i FROM generate_series(0, cardinality(r.ids) - 1) i));
          r.q[array_position(r.ids, b ->> 'id')] := s + (b ->> 'seq')::int;
          UPDATE {schema}.ready t SET q = r.q WHERE t.ctid = r.ctid;
        WHEN 'due' THEN
          INSERT INTO {schema}.due (at, id, lane) VALUES ((place ->> 'at')::float8, b ->> 'id', (b ->> 'lane')::int);
        WHEN 'aside' THEN
          INSERT INTO {schema}.aside (id, state, epoch) VALUES (b ->> 'id', place ->> 'state', p_epoch)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, epoch = excluded.epoch;
        WHEN 'done' THEN
          INSERT INTO {schema}.done (id, seq, lane, ending, patch) VALUES (b ->> 'id', s + (b ->> 'seq')::int, (b ->> 'lane')::int,
            (place ->> 'ending')::smallint, place ->> 'patch')
            ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, ending = excluded.ending, patch = excluded.patch;
        ELSE NULL; -- with a lease, or where it was
        END CASE;
      ELSIF kind = 'lease' THEN
        INSERT INTO {schema}.lease (token, epoch, queue, dispatcher, agent, ids, seqs, lanes)
        SELECT (b ->> 'token')::bigint, p_epoch, b ->> 'queue', b ->> 'dispatcher', b ->> 'agent',
          array_agg(h ->> 0), array_agg(s + (h ->> 1)::int), array_agg(coalesce((h ->> 2)::int, 0)) FROM json_array_elements(b -> 'jobs') h;
      ELSIF kind = 'room' THEN
        UPDATE {schema}.room t SET used = t.used + (b ->> 'by')::int WHERE t.id = b ->> 'id';
        IF (b ->> 'by')::int > 0 AND EXISTS (SELECT FROM {schema}.room t JOIN {schema}.quota q ON q.id = t.id WHERE t.id = b ->> 'id' AND t.used > q.size)
        THEN ${refuse(`b ->> 'id'`)} END IF;
      ELSIF b -> 'body' IS NULL THEN
        EXECUTE format('DELETE FROM {schema}.%I t WHERE t.id = $1', kind) USING b ->> 'id';
      ELSIF (b ->> 'isNew')::boolean THEN
        EXECUTE format('INSERT INTO {schema}.%I (id, rev, last_seq, body) VALUES ($1, $2, $3, $4)', kind)
          USING b ->> 'id', (b ->> 'rev')::bigint, s + (b ->> 'seq')::int, b -> 'body';
        IF kind = 'quota' THEN INSERT INTO {schema}.room (id) VALUES (b ->> 'id') ON CONFLICT DO NOTHING; END IF;
      ELSE
        EXECUTE format('UPDATE {schema}.%I t SET rev = $2, last_seq = $3, body = $4 WHERE t.id = $1', kind)
          USING b ->> 'id', (b ->> 'rev')::bigint, s + (b ->> 'seq')::int, b -> 'body';
        IF kind = 'queue' THEN UPDATE {schema}.queue t SET marks = t.marks + 1 WHERE t.id = b ->> 'id'; END IF;
      END IF;
    END LOOP;
  END $$;

  -- A commit, and the claim that its freed slots make room for. One row of the journal tells all of it.
  CREATE FUNCTION {schema}.commit(
    p_epoch bigint, p_n bigint, p_by text, p_mv text, p_is_synced boolean, p_now float8,
    -- Leases as the writer knows them, and what stays in each: null is nothing.
    p_tokens bigint[], p_revs integer[], p_left text[], p_left_seqs text[], p_left_lanes text[],
    -- Other beliefs, other changes: JSON; null in a plain life.
    p_beliefs json, p_changes json,
    -- New jobs that wait: the entry of the first; lane of each, or one of all; instant of those that are not due; runs of the others.
    p_new text[], p_docs text[], p_new_at integer[], p_new_lanes integer[], p_due float8[], p_firsts integer[], p_counts integer[], p_ready float8[],
    -- Jobs that are over.
    p_done text[], p_done_at integer[], p_patches text[], p_done_lanes integer[], p_endings smallint[],
    -- A quota for each slot that is free.
    p_freed text[],
    -- Rows of the journal, with the number of entries in each.
    p_entries text[], p_sizes integer[],
    -- The claim: queue, dispatcher, agent; the record of the agent, its seq and the size that it gives; lanes and their quotas; how many.
    p_place text[], p_agent_seq bigint, p_size integer, p_lanes integer[], p_quotas text[], p_most integer, p_after bigint, p_until bigint, p_width integer,
    p_token bigint, p_claim text,
    -- The marks of the queue that it knows. Where priorities are in use, all lanes that it knows; of several levels also that of each
    -- of its lanes, behind which turn it begins there, and what a level is worth, null: a lower one goes first.
    p_marks integer, p_known integer[], p_levels float8[], p_afters bigint[], p_aging float8
  ) RETURNS text LANGUAGE plpgsql ${settings} SET lock_timeout = '5s' AS $$
  #variable_conflict use_column
  DECLARE
    c bigint; s bigint; moment float8 := {schema}.now(p_now); i integer; r record; held integer; room integer := coalesce(p_most, 0);
    agent_seq bigint; marks integer; lasts bigint[] := p_afters; taken tid[]; refusal text; last bigint := coalesce(p_after, -1); got text[]; got_q bigint[]; got_lanes integer[]; n integer;
    docs text; annotated text; rows integer; size integer; last_c bigint; width integer; seen integer; runs integer := 0;
  BEGIN
    IF NOT p_is_synced THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
    -- Only a second sending of this very commit waits here.
    PERFORM pg_advisory_xact_lock((p_epoch << 40) + p_n);
    -- The fence.
    FOR i IN 1 .. coalesce(cardinality(p_tokens), 0) LOOP
      IF p_left[i] IS NULL THEN DELETE FROM {schema}.lease l WHERE l.token = p_tokens[i] AND l.rev = p_revs[i];
      ELSE UPDATE {schema}.lease l SET ids = p_left[i]::text[], seqs = p_left_seqs[i]::bigint[], lanes = p_left_lanes[i]::integer[], rev = l.rev + 1
        WHERE l.token = p_tokens[i] AND l.rev = p_revs[i]; END IF;
      IF NOT FOUND THEN ${refuse('p_tokens[i]::text')} END IF;
    END LOOP;
    IF p_beliefs IS NOT NULL THEN PERFORM {schema}.expect(p_beliefs, p_epoch); END IF;
    IF p_place IS NOT NULL THEN
      SELECT a.last_seq, (SELECT q.marks FROM {schema}.queue q WHERE q.id = p_place[1]) INTO agent_seq, marks FROM {schema}.agent a WHERE a.id = concat(p_place[1], '/', p_place[2], '/', p_place[3]) FOR KEY SHARE;
      IF agent_seq IS NULL THEN refusal := 'gone';
      ELSIF agent_seq <> p_agent_seq THEN refusal := 'changed';
      ELSIF EXISTS (SELECT FROM {schema}.representation p WHERE p.id = concat(p_place[1], '/', p_place[2])
        AND NOT coalesce(p.epoch = p_epoch AND p.live_until >= moment, false)) THEN refusal := 'dead';
      ELSIF marks IS DISTINCT FROM p_marks THEN refusal := 'marks'; END IF;
      SELECT coalesce(sum(cardinality(l.ids)), 0) INTO held FROM {schema}.lease l
        WHERE l.queue = p_place[1] AND l.dispatcher = p_place[2] AND l.agent = p_place[3];
      room := CASE WHEN refusal IS NULL THEN least(room, p_size - held) ELSE 0 END;
    END IF;
    -- Slots: locked in order of id, freed first.
    IF p_freed IS NOT NULL OR p_quotas IS NOT NULL THEN
      PERFORM FROM {schema}.room t WHERE t.id = ANY (coalesce(p_freed, '{}') || coalesce(p_quotas, '{}')) ORDER BY t.id FOR NO KEY UPDATE;
      UPDATE {schema}.room t SET used = t.used - f.count FROM (SELECT id, count(*) FROM unnest(p_freed) AS u (id) GROUP BY id) f WHERE t.id = f.id;
      room := least(room, (SELECT min(q.size - t.used) FROM {schema}.room t JOIN {schema}.quota q ON q.id = t.id WHERE t.id = ANY (p_quotas)));
    END IF;
    IF room > 0 THEN
      IF EXISTS (SELECT FROM {schema}.due d WHERE d.at <= moment) THEN PERFORM {schema}.wake(moment); last := -1; END IF;
      IF p_known IS NOT NULL AND EXISTS (SELECT FROM {schema}.lane l WHERE l.queue = p_place[1] AND l.id <> ALL (p_known)
        AND EXISTS (SELECT FROM {schema}.ready t WHERE t.lane = l.id)) THEN refusal := 'stale'; room := 0; END IF;
    END IF;
    IF room > 0 AND p_levels IS NOT NULL THEN
      -- Of each level in the order of turns, and of their heads the one that counts as ready first: by the running maximum within a level.
      LOOP
      taken := NULL;
      FOR r IN SELECT o.*, x.ctid, x.ids, x.q FROM (
            SELECT s.*, row_number() OVER w AS place, coalesce(sum(s.size) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM (
              SELECT l.n, l.lane, l.level, h.turn, h.at, h.size, max(h.at) OVER (PARTITION BY l.level ORDER BY h.turn, h.at, l.lane) AS top
              FROM unnest(p_lanes, p_levels, lasts) WITH ORDINALITY AS l (lane, level, after, n) CROSS JOIN LATERAL (
                SELECT t.turn, t.at, cardinality(t.ids) AS size FROM {schema}.ready t WHERE t.lane = l.lane AND t.line = 2 AND t.turn > l.after ORDER BY t.turn LIMIT room
              ) AS h
            ) AS s WINDOW w AS (ORDER BY CASE WHEN p_aging IS NULL THEN s.level ELSE s.top + s.level * p_aging END, s.level, s.turn, s.at, s.lane)
          ) AS o CROSS JOIN LATERAL (
            SELECT t.ctid, t.ids, t.q FROM {schema}.ready t WHERE t.lane = o.lane AND t.line = 2 AND t.turn = o.turn FOR UPDATE SKIP LOCKED
          ) AS x WHERE o.before < room ORDER BY o.place LOOP
        n := least(room, cardinality(r.ids));
        IF n = cardinality(r.ids) THEN taken := taken || r.ctid;
        ELSIF r.q IS NULL THEN UPDATE {schema}.ready t SET turn = r.turn + 2 * n, ids = r.ids[n + 1 :] WHERE t.ctid = r.ctid;
        ELSE UPDATE {schema}.ready t SET ids = r.ids[n + 1 :], q = r.q[n + 1 :] WHERE t.ctid = r.ctid; END IF;
        got := got || r.ids[: n];
        got_q := got_q || coalesce(r.q[: n], ARRAY[-r.turn / 2, n]);
        got_lanes := got_lanes || array_fill(r.lane, ARRAY[n]);
        lasts[r.n] := CASE WHEN n = cardinality(r.ids) THEN r.turn ELSE r.turn - 1 END;
        runs := runs + 1;
        room := room - n;
        EXIT WHEN room = 0;
      END LOOP;
      DELETE FROM {schema}.ready t WHERE t.ctid = ANY (taken);
      EXIT WHEN room = 0 OR taken IS NULL;
      END LOOP;
    ELSIF room > 0 THEN
      -- Of several lanes as many runs as could be wanted, since any may be first; of one as many as will do, so that others find some.
      width := CASE WHEN cardinality(p_lanes) = 1 THEN p_width ELSE room END;
      LOOP
      seen := 0;
      FOR r IN SELECT o.* FROM unnest(p_lanes) AS l (lane) CROSS JOIN LATERAL (
            SELECT t.ctid, t.lane, t.turn, t.ids, t.q FROM {schema}.ready t
            WHERE t.lane = l.lane AND t.line = 2 AND t.turn > last AND t.turn < p_until
            ORDER BY t.turn LIMIT width FOR UPDATE SKIP LOCKED
          ) AS o ORDER BY o.turn LOOP
        seen := seen + 1;
        n := least(room, cardinality(r.ids));
        IF n = cardinality(r.ids) THEN DELETE FROM {schema}.ready t WHERE t.ctid = r.ctid;
        ELSIF r.q IS NULL THEN UPDATE {schema}.ready t SET turn = r.turn + 2 * n, ids = r.ids[n + 1 :] WHERE t.ctid = r.ctid;
        ELSE UPDATE {schema}.ready t SET ids = r.ids[n + 1 :], q = r.q[n + 1 :] WHERE t.ctid = r.ctid; END IF;
        got := got || r.ids[: n];
        got_q := got_q || coalesce(r.q[: n], ARRAY[-r.turn / 2, n]);
        got_lanes := got_lanes || array_fill(r.lane, ARRAY[n]);
        last := CASE WHEN n = cardinality(r.ids) THEN r.turn ELSE r.turn - 1 END;
        runs := runs + 1;
        room := room - n;
        EXIT WHEN room = 0;
      END LOOP;
      EXIT WHEN room = 0 OR seen < width;
      END LOOP;
    END IF;
    IF p_entries IS NULL AND got IS NULL THEN
      RETURN json_build_object('refusal', refusal, 'held', held, 'last', last, 'at', moment, 'isAny',
        EXISTS (SELECT FROM unnest(p_lanes) AS l (lane) CROSS JOIN LATERAL (SELECT FROM {schema}.ready t WHERE t.lane = l.lane LIMIT 1) o));
    END IF;
    -- The number comes when everything is locked; followers wait for a transaction that has a number, so the transaction has an id by then.
    PERFORM pg_current_xact_id();
    -- A row of the journal has a number; those of one commit follow each other.
    rows := greatest(1, coalesce(cardinality(p_entries), 0));
    LOOP
      c := nextval('{schema}.commits');
      EXIT WHEN rows = 1;
      SELECT max(nextval('{schema}.commits')) INTO last_c FROM generate_series(2, rows);
      EXIT WHEN last_c = c + rows - 1;
    END LOOP;
    s := c * 4096;
    size := CASE WHEN p_entries IS NULL THEN 0 ELSE p_sizes[rows] END;
    INSERT INTO {schema}.job (id, seq, lane, doc)
      SELECT u.id, s + u.at, p_new_lanes[least(u.n, cardinality(p_new_lanes))], u.doc FROM unnest(p_new, p_docs, p_new_at) WITH ORDINALITY u (id, doc, at, n);
    IF p_due IS NOT NULL THEN
      INSERT INTO {schema}.due (at, id, lane) SELECT u.at, u.id, p_new_lanes[least(u.n, cardinality(p_new_lanes))]
      FROM unnest(p_new, p_due) WITH ORDINALITY u (id, at, n) WHERE u.at IS NOT NULL;
    END IF;
    INSERT INTO {schema}.ready (lane, line, turn, at, ids, q)
      SELECT p_new_lanes[least(u.first + 1, cardinality(p_new_lanes))], 2, (s + p_new_at[u.first + 1]) * 2, u.at, p_new[u.first + 1 : u.first + u.count],
        CASE WHEN p_new_at[u.first + u.count] - p_new_at[u.first + 1] >= u.count THEN ARRAY(SELECT s + e FROM unnest(p_new_at[u.first + 1 : u.first + u.count]) WITH ORDINALITY AS e (e, n) ORDER BY n) END
      FROM unnest(p_firsts, p_counts, p_ready) u (first, count, at);
    INSERT INTO {schema}.done (id, seq, lane, ending, patch)
      SELECT u.id, s + u.entry, u.lane, u.ending, u.patch FROM unnest(p_done, p_done_at, p_done_lanes, p_endings, p_patches) u (id, entry, lane, ending, patch);
    IF p_changes IS NOT NULL THEN PERFORM {schema}.apply(p_changes, s, p_epoch); END IF;
    IF got IS NOT NULL THEN
      n := cardinality(got);
      INSERT INTO {schema}.lease (token, epoch, queue, dispatcher, agent, ids, seqs, lanes, claim)
        VALUES (p_token, p_epoch, p_place[1], p_place[2], p_place[3], got,
          ARRAY(SELECT s + (rows - 1) * 4096 + size + 2 * i FROM generate_series(0, n - 1) i), got_lanes, p_claim);
      UPDATE {schema}.room t SET used = t.used + n WHERE t.id = ANY (p_quotas);
      docs := array_to_string(ARRAY(SELECT (SELECT concat('[', j.rev, ',', j.seq, ',', j.doc, ']') FROM {schema}.job j WHERE j.id = u.id)
        FROM unnest(got) WITH ORDINALITY u (id, n) ORDER BY u.n), ',');
      IF EXISTS (SELECT FROM {schema}.annotation) THEN
        annotated := array_to_json(ARRAY(SELECT u.id FROM unnest(got) u (id)
          WHERE EXISTS (SELECT FROM {schema}.annotation a WHERE a.id >= u.id || '/' AND a.id < u.id || '0')));
      END IF;
    END IF;
    IF rows > 1 THEN
      INSERT INTO {schema}.line (c, epoch, n, at, by, mv, count, entries)
        SELECT c + i - 1, p_epoch, p_n, moment, p_by, p_mv, p_sizes[i], p_entries[i] FROM generate_series(1, rows - 1) i;
    END IF;
    INSERT INTO {schema}.line (c, epoch, n, at, by, mv, count, entries, claim, ids, q)
      VALUES (c + rows - 1, p_epoch, p_n, moment, p_by, p_mv, size + 2 * coalesce(cardinality(got), 0), p_entries[rows],
        CASE WHEN got IS NOT NULL THEN p_claim END, got, got_q);
    RETURN concat('{"c":', c, ',"at":', moment, ',"runs":', runs, ',"last":', last, ',"lasts":', coalesce(array_to_json(lasts)::text, 'null'), ',"held":', coalesce(held::text, 'null'), ',"refusal":', coalesce(to_json(refusal)::text, 'null'),
      ',"isAny":true,"ids":', coalesce(array_to_json(got)::text, '[]'), ',"lanes":', coalesce(array_to_json(got_lanes)::text, '[]'),
      ',"annotated":', coalesce(annotated, '[]'), ',"jobs":[', docs, ']}');
  END $$;

  -- Where jobs stand, with what there is of each: one statement.
  CREATE FUNCTION {schema}.read(p_ids text[]) RETURNS TABLE (
    id text, rev integer, seq bigint, lane integer, doc text, place text, done_seq bigint, patch text,
    token bigint, lease_rev integer, epoch bigint, queue text, dispatcher text, agent text, held_seq bigint, claim text,
    line smallint, turn bigint, due_at float8
  ) LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE j record; r record; k smallint;
  BEGIN
    FOR j IN SELECT t.* FROM unnest(p_ids) AS u (id) JOIN {schema}.job t ON t.id = u.id LOOP
      id := j.id; rev := j.rev; seq := j.seq; lane := j.lane; doc := j.doc; line := NULL; turn := NULL; due_at := NULL; token := NULL;
      lease_rev := NULL; epoch := NULL; queue := NULL; dispatcher := NULL; agent := NULL; held_seq := NULL; claim := NULL;
      SELECT 'done', t.seq, t.patch INTO place, done_seq, patch FROM {schema}.done t WHERE t.id = j.id;
      IF place IS NULL THEN
        SELECT 'lease', t.token, t.rev, t.epoch, t.queue, t.dispatcher, t.agent, t.seqs[array_position(t.ids, j.id)], t.claim
          INTO place, token, lease_rev, epoch, queue, dispatcher, agent, held_seq, claim FROM {schema}.lease t WHERE t.ids @> ARRAY[j.id] LIMIT 1;
      END IF;
      IF place IS NULL THEN SELECT 'aside' INTO place FROM {schema}.aside t WHERE t.id = j.id; END IF;
      IF place IS NULL AND j.lane IS NOT NULL THEN
        FOREACH k IN ARRAY '{2,0,1}'::smallint[] LOOP
          SELECT t.line, t.ids INTO r FROM {schema}.ready t
            WHERE t.lane = j.lane AND t.line = k AND t.turn <= coalesce(j.turn, j.seq * 2) ORDER BY t.turn DESC LIMIT 1;
          IF FOUND AND r.ids @> ARRAY[j.id] THEN place := 'ready'; line := r.line; turn := coalesce(j.turn, j.seq * 2); EXIT; END IF;
        END LOOP;
      END IF;
      IF place IS NULL THEN SELECT 'due', t.at INTO place, due_at FROM {schema}.due t WHERE t.id = j.id; END IF;
      RETURN NEXT;
    END LOOP;
  END $$;

  -- A write of an opening: its commit flushes the log.
  CREATE FUNCTION {schema}.touch(p_epoch bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE {schema}.opening SET seen_at = seen_at WHERE epoch = p_epoch
  $$;

  -- The lanes of a queue with the head of each line. Before them the turn behind all that was put by now, when something becomes due,
  -- the marks and the record of the queue, and whether it has lanes of priorities. What is due is woken first.
  CREATE FUNCTION {schema}.heads(p_queue text, p_now float8) RETURNS TABLE (
    lane integer, key text, line smallint, turn bigint, due float8, marks integer, body json, is_leveled boolean
  ) LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  BEGIN
    IF EXISTS (SELECT FROM {schema}.due d WHERE d.at <= {schema}.now(p_now)) THEN PERFORM {schema}.wake({schema}.now(p_now)); END IF;
    RETURN QUERY SELECT NULL::integer, NULL::text, NULL::smallint, ((SELECT last_value FROM {schema}.commits) + 1) * 8192, (SELECT d.at FROM {schema}.due d ORDER BY d.at LIMIT 1),
      q.marks, q.body, EXISTS (SELECT FROM {schema}.lane l WHERE l.queue = p_queue AND l.level <> 0)
      FROM (VALUES (0)) AS one LEFT JOIN {schema}.queue q ON q.id = p_queue;
    RETURN QUERY SELECT l.id, l.key, o.line, o.turn, NULL::float8, NULL::integer, NULL::json, NULL::boolean FROM {schema}.lane l CROSS JOIN (VALUES (0::smallint), (1::smallint), (2::smallint)) AS k (line)
      CROSS JOIN LATERAL (SELECT t.line, t.turn FROM {schema}.ready t WHERE t.lane = l.id AND t.line = k.line ORDER BY t.turn LIMIT 1) o
      WHERE l.queue = p_queue;
  END $$;
`;
