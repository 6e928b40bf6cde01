import { refuse, settings } from './settings.ts';

/** The one statement of a round. `{schema}` is replaced by the quoted name of the schema. */
export const commitFunction = `
  -- A commit, and the claim that its freed slots make room for. One row of the journal tells all of it.
  CREATE FUNCTION {schema}.commit(
    p_epoch bigint, p_n bigint, p_by text, p_mv text, p_is_synced boolean, p_now float8,
    -- Leases as the writer knows them, and what stays in each: null is nothing.
    p_tokens bigint[], p_revs integer[], p_left text[], p_left_seqs text[], p_left_lanes text[],
    -- Other beliefs, other changes: JSON; null in a plain life.
    p_beliefs json, p_changes json,
    -- New jobs that wait: the entry of each; its lane, or one of all; instant of those that are not due; run of the others, and when each run became ready.
    p_new text[], p_docs text, p_new_at integer[], p_new_lanes integer[], p_due float8[], p_runs integer[], p_ready float8[],
    -- Jobs that are over.
    p_done text[], p_done_at integer[], p_patches text, p_done_lanes integer[], p_endings smallint[],
    -- A quota for each slot that is free.
    p_freed text[],
    -- Rows of the journal, with the number of entries in each. Documents, patches and these rows stand on a line of text each.
    p_entries text, p_sizes integer[],
    -- The claim: queue, dispatcher, agent; the record of the agent, its seq and the size that it gives; lanes and their quotas; how many.
    p_place text[], p_agent_seq bigint, p_size integer, p_lanes integer[], p_quotas text[], p_most integer, p_after bigint, p_until bigint, p_width integer,
    p_token bigint, p_claim text,
    -- Whether its jobs may have keys, which they enter.
    p_is_keyed boolean,
    -- The marks of the queue that it knows. All lanes that it knows, where priorities are in use or its own puts are all that it
    -- knows. Of several levels also that of each of its lanes, behind which turn it begins there, and what a level is worth, null: a lower one goes first.
    p_marks integer, p_known integer[], p_levels float8[], p_afters bigint[], p_aging float8
  ) RETURNS text LANGUAGE plpgsql ${settings} SET lock_timeout = '5s' AS $$
  #variable_conflict use_column
  DECLARE
    c bigint; s bigint; from_turn bigint; moment float8 := {schema}.now(p_now); i integer; r record; held integer; room integer := coalesce(p_most, 0);
    agent_seq bigint; marks integer; lasts bigint[] := p_afters; taken tid[]; refusal text; last bigint := coalesce(p_after, -1); got text[]; got_q bigint[]; got_lanes integer[]; n integer;
    locked tid[]; wanted text[]; slots text[]; is_held boolean := false;
    docs text; annotated text; entries text[] := string_to_array(p_entries, E'\\n'); rows integer; size integer; last_c bigint; is_cut boolean; width_of_others integer; runs integer := 0;
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
    -- Who takes slots beside the statement of its claim locks them before the jobs: who frees one moves jobs after it.
    IF p_place IS NULL AND p_quotas IS NOT NULL THEN
      PERFORM FROM {schema}.room t WHERE t.id = ANY (coalesce(p_freed, '{}') || p_quotas) ORDER BY t.id FOR NO KEY UPDATE;
    END IF;
    IF p_beliefs IS NOT NULL THEN PERFORM {schema}.expect(p_beliefs, p_epoch, moment); END IF;
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
      IF EXISTS (SELECT FROM {schema}.room t WHERE t.id = ANY (p_freed) AND t.line IS NOT NULL) THEN
        FOR r IN SELECT u.id, count(*) AS count FROM unnest(p_freed) u (id) GROUP BY u.id ORDER BY u.id LOOP PERFORM {schema}.unpark(r.id, r.count); END LOOP;
      END IF;
      room := least(room, (SELECT min(q.size - t.used) FROM {schema}.room t JOIN {schema}.quota q ON q.id = t.id WHERE t.id = ANY (p_quotas)));
    END IF;
    IF room > 0 THEN
      IF EXISTS (SELECT FROM {schema}.due d WHERE d.at <= moment) THEN PERFORM {schema}.wake(moment); last := -1; END IF;
      IF p_known IS NOT NULL AND EXISTS (SELECT FROM {schema}.lane l WHERE l.queue = p_place[1] AND l.id <> ALL (p_known)
        AND EXISTS (SELECT FROM {schema}.ready t WHERE t.lane = l.id AND t.line <= 2)) THEN refusal := 'stale'; room := 0; END IF;
    END IF;
    IF room > 0 AND p_is_keyed THEN
      -- The first jobs are locked; those are taken whose keys have room, up to the first of which one has none: by the same order below.
      -- It begins at the first job of all: one that was parked comes back to its place.
      last := -1;
      from_turn := last;
      LOOP
      is_cut := false;
      FOR r IN SELECT o.* FROM unnest(p_lanes) AS l (lane) CROSS JOIN LATERAL (SELECT f.*, row_number() OVER () AS place FROM (
            SELECT t.ctid, t.lane, t.turn, t.at, t.ids FROM {schema}.ready t WHERE t.lane = l.lane AND t.line = 2 AND t.turn > from_turn AND t.turn < p_until AND (locked IS NULL OR t.ctid <> ALL (locked))
            ORDER BY t.turn LIMIT p_width FOR UPDATE SKIP LOCKED
          ) AS f) AS o ORDER BY o.turn, o.at, o.lane LOOP
        locked := locked || r.ctid;
        wanted := wanted || r.ids;
        from_turn := r.turn - 1;
        is_cut := r.place = p_width;
        EXIT WHEN is_cut OR cardinality(wanted) >= room;
      END LOOP;
      EXIT WHEN NOT is_cut OR cardinality(wanted) >= room;
      END LOOP;
      IF wanted IS NULL THEN room := 0;
      ELSE
        SELECT e.fitting, e.slots INTO n, slots FROM {schema}.enter_keys(p_place[1], wanted[: room]) e;
        is_held := n < least(room, cardinality(wanted));
        room := n;
      END IF;
    END IF;
    IF room > 0 AND p_levels IS NOT NULL THEN
      -- Of each level in the order of turns, and of their heads the one that counts as ready first: by the running maximum within a level.
      -- Of the first lane as many runs as will do, and one of each other, since each that is looked at is locked; where the last of them
      -- is taken, the next ones are looked at.
      width_of_others := 1;
      LOOP
      taken := NULL;
      is_cut := false;
      FOR r IN SELECT o.* FROM (
            SELECT l.n, l.level, h.*, row_number() OVER (PARTITION BY l.n ORDER BY h.turn) AS place, max(h.at) OVER (PARTITION BY l.level ORDER BY h.turn, h.at, l.lane) AS top
            FROM unnest(p_lanes, p_levels, lasts) WITH ORDINALITY AS l (lane, level, after, n) CROSS JOIN LATERAL (
              SELECT t.ctid, t.lane, t.turn, t.at, t.ids, t.q FROM {schema}.ready t WHERE t.lane = l.lane AND t.line = 2 AND t.turn > l.after
              ORDER BY t.turn LIMIT CASE WHEN l.n = 1 THEN p_width ELSE width_of_others END FOR UPDATE SKIP LOCKED
            ) AS h
          ) AS o ORDER BY CASE WHEN p_aging IS NULL THEN o.level ELSE o.top + o.level * p_aging END, o.level, o.turn, o.at, o.lane LOOP
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
        is_cut := r.place = CASE WHEN r.n = 1 THEN p_width ELSE width_of_others END;
        EXIT WHEN room = 0 OR is_cut;
      END LOOP;
      DELETE FROM {schema}.ready t WHERE t.ctid = ANY (taken);
      EXIT WHEN room = 0 OR taken IS NULL;
      width_of_others := p_width;
      END LOOP;
    ELSIF room > 0 THEN
      -- Of each lane as many runs as will do, so that others find some; where the last of them is taken, the next ones are looked at.
      LOOP
      is_cut := false;
      FOR r IN SELECT o.* FROM unnest(p_lanes) AS l (lane) CROSS JOIN LATERAL (SELECT f.*, row_number() OVER () AS place FROM (
            SELECT t.ctid, t.lane, t.turn, t.at, t.ids, t.q FROM {schema}.ready t
            WHERE t.lane = l.lane AND t.line = 2 AND t.turn > last AND t.turn < p_until AND (locked IS NULL OR t.ctid = ANY (locked))
            ORDER BY t.turn LIMIT p_width FOR UPDATE SKIP LOCKED
          ) AS f) AS o ORDER BY o.turn, o.at, o.lane LOOP
        n := least(room, cardinality(r.ids));
        IF n = cardinality(r.ids) THEN DELETE FROM {schema}.ready t WHERE t.ctid = r.ctid;
        ELSIF r.q IS NULL THEN UPDATE {schema}.ready t SET turn = r.turn + 2 * n, ids = r.ids[n + 1 :] WHERE t.ctid = r.ctid;
        ELSE UPDATE {schema}.ready t SET ids = r.ids[n + 1 :], q = r.q[n + 1 :] WHERE t.ctid = r.ctid; END IF;
        got := got || r.ids[: n];
        got_q := got_q || coalesce(r.q[: n], ARRAY[-r.turn / 2, n]);
        got_lanes := got_lanes || array_fill(r.lane, ARRAY[n]);
        -- Another lane may have a run at the same turn.
        last := CASE WHEN n = cardinality(r.ids) AND cardinality(p_lanes) = 1 THEN r.turn ELSE r.turn - 1 END;
        runs := runs + 1;
        room := room - n;
        is_cut := r.place = p_width;
        EXIT WHEN room = 0 OR is_cut;
      END LOOP;
      EXIT WHEN room = 0 OR NOT is_cut;
      END LOOP;
    END IF;
    IF p_entries IS NULL AND got IS NULL THEN
      RETURN json_build_object('refusal', refusal, 'held', held, 'last', last, 'at', moment, 'isHeld', is_held, 'isAny',
        EXISTS (SELECT FROM unnest(p_lanes) AS l (lane) CROSS JOIN LATERAL (SELECT FROM {schema}.ready t WHERE t.lane = l.lane AND t.line <= 2 LIMIT 1) o));
    END IF;
    -- The number comes when everything is locked; followers wait for a transaction that has a number, so the transaction has an id by then.
    PERFORM pg_current_xact_id();
    -- A row of the journal has a number; those of one commit follow each other.
    rows := greatest(1, coalesce(cardinality(entries), 0));
    LOOP
      c := nextval('{schema}.commits');
      EXIT WHEN rows = 1;
      SELECT max(nextval('{schema}.commits')) INTO last_c FROM generate_series(2, rows);
      EXIT WHEN last_c = c + rows - 1;
    END LOOP;
    s := c * 4096;
    size := CASE WHEN p_entries IS NULL THEN 0 ELSE p_sizes[rows] END;
    INSERT INTO {schema}.job (id, seq, lane, doc)
      SELECT u.id, s + u.at, coalesce(u.lane, p_new_lanes[1]), u.doc FROM unnest(p_new, string_to_array(p_docs, E'\\n'), p_new_at, p_new_lanes) u (id, doc, at, lane);
    IF p_due IS NOT NULL THEN
      INSERT INTO {schema}.due (at, id, lane) SELECT u.at, u.id, coalesce(u.lane, p_new_lanes[1]) FROM unnest(p_new, p_due, p_new_lanes) u (id, at, lane) WHERE u.at IS NOT NULL;
    END IF;
    -- A slice of an array that has come as a parameter copies all of it first.
    INSERT INTO {schema}.ready (lane, line, turn, at, ids, q)
      SELECT coalesce(o.lane, p_new_lanes[1]), 2, (s + o.first) * 2, p_ready[o.run], o.ids, CASE WHEN o.last - o.first >= cardinality(o.ids) THEN o.q END FROM (
        SELECT u.run, min(u.lane) AS lane, min(u.at) AS first, max(u.at) AS last, array_agg(u.id ORDER BY u.at) AS ids, array_agg(s + u.at ORDER BY u.at) AS q
        FROM unnest(p_new, p_new_at, p_new_lanes, p_runs) u (id, at, lane, run) WHERE u.run IS NOT NULL GROUP BY u.run
      ) o;
    INSERT INTO {schema}.done (id, seq, lane, ending, patch)
      SELECT u.id, s + u.entry, u.lane, u.ending, u.patch FROM unnest(p_done, p_done_at, p_done_lanes, p_endings, string_to_array(p_patches, E'\\n')) u (id, entry, lane, ending, patch);
    IF p_changes IS NOT NULL THEN PERFORM {schema}.apply(p_changes, s, p_epoch); END IF;
    IF got IS NOT NULL THEN
      n := cardinality(got);
      INSERT INTO {schema}.lease (token, epoch, queue, dispatcher, agent, ids, seqs, lanes, claim, own)
        VALUES (p_token, p_epoch, p_place[1], p_place[2], p_place[3], got,
          ARRAY(SELECT s + (rows - 1) * 4096 + size + 2 * i FROM generate_series(0, n - 1) i), got_lanes, p_claim,
          (SELECT json_object_agg(u.id, concat('{"quotas":', u.slots, '}')) FROM unnest(got, slots) u (id, slots) WHERE p_is_keyed));
      UPDATE {schema}.room t SET used = t.used + n WHERE t.id = ANY (p_quotas);
      -- One look for all of them, in the order of the index.
      docs := array_to_string(ARRAY(SELECT concat('[', to_json(j.id), ',', j.rev, ',', j.seq, ',', j.doc, ']') FROM {schema}.job j WHERE j.id = ANY (got)), ',');
    END IF;
    IF EXISTS (SELECT FROM {schema}.annotation) THEN
      annotated := array_to_json(ARRAY(SELECT u.id FROM unnest(
          got || ARRAY(SELECT h ->> 0 FROM json_array_elements(p_changes) e CROSS JOIN json_array_elements(e -> 'jobs') h WHERE e ->> 'is' = 'lease')) u (id)
        WHERE EXISTS (SELECT FROM {schema}.annotation a WHERE a.id >= u.id || '/' AND a.id < u.id || '0')));
    END IF;
    IF rows > 1 THEN
      INSERT INTO {schema}.line (c, epoch, n, at, by, mv, count, entries)
        SELECT c + i - 1, p_epoch, p_n, moment, p_by, p_mv, p_sizes[i], entries[i] FROM generate_series(1, rows - 1) i;
    END IF;
    INSERT INTO {schema}.line (c, epoch, n, at, by, mv, count, entries, claim, ids, q, slots)
      VALUES (c + rows - 1, p_epoch, p_n, moment, p_by, p_mv, size + 2 * coalesce(cardinality(got), 0), entries[rows],
        CASE WHEN got IS NOT NULL THEN p_claim END, got, got_q, '[' || array_to_string(slots, ',') || ']');
    RETURN concat('{"c":', c, ',"at":', moment, ',"runs":', runs, ',"last":', last, ',"lasts":', coalesce(array_to_json(lasts)::text, 'null'), ',"held":', coalesce(held::text, 'null'), ',"refusal":', coalesce(to_json(refusal)::text, 'null'),
      ',"isAny":true,"isHeld":', to_json(is_held), ',"slots":[', array_to_string(slots, ','), '],"ids":', coalesce(array_to_json(got)::text, '[]'), ',"lanes":', coalesce(array_to_json(got_lanes)::text, '[]'),
      ',"annotated":', coalesce(annotated, '[]'), ',"jobs":[', docs, ']}');
  END $$;
`;
