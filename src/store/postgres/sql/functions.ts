import { promotedShift } from '../commits/entries.ts';
import { applyFunction } from './apply.ts';
import { commitFunction } from './commit.ts';
import { endedFunction } from './ended.ts';
import { expectFunction } from './expect.ts';
import { keysOf, parkingFunctions } from './parking.ts';
import { settings } from './settings.ts';

/** What wakes jobs, and finds them. */
const findingFunctions = `
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

  -- Where jobs stand, with what there is of each: one statement.
  CREATE FUNCTION {schema}.read(p_ids text[]) RETURNS TABLE (
    id text, rev integer, seq bigint, lane integer, doc text, place text, done_seq bigint, patch text,
    token bigint, lease_rev integer, epoch bigint, queue text, dispatcher text, agent text, held_seq bigint, claim text, own text,
    line integer, turn bigint, due_at float8
  ) LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE j record; r record; k integer;
  BEGIN
    FOR j IN SELECT t.* FROM unnest(p_ids) AS u (id) JOIN {schema}.job t ON t.id = u.id LOOP
      id := j.id; rev := j.rev; seq := j.seq; lane := j.lane; doc := j.doc; line := NULL; turn := NULL; due_at := NULL; token := NULL;
      lease_rev := NULL; epoch := NULL; queue := NULL; dispatcher := NULL; agent := NULL; held_seq := NULL; claim := NULL; own := NULL;
      SELECT 'done', t.seq, t.patch INTO place, done_seq, patch FROM {schema}.done t WHERE t.id = j.id;
      IF place IS NULL THEN
        SELECT 'lease', t.token, t.rev, t.epoch, t.queue, t.dispatcher, t.agent, t.seqs[array_position(t.ids, j.id)], t.claim, t.own ->> j.id
          INTO place, token, lease_rev, epoch, queue, dispatcher, agent, held_seq, claim, own FROM {schema}.lease t WHERE t.ids @> ARRAY[j.id] LIMIT 1;
      END IF;
      IF place IS NULL THEN SELECT 'aside' INTO place FROM {schema}.aside t WHERE t.id = j.id; END IF;
      IF place IS NULL AND j.lane IS NOT NULL THEN
        FOREACH k IN ARRAY '{2,0}'::integer[] LOOP
          SELECT t.line, t.ids INTO r FROM {schema}.ready t
            WHERE t.lane = j.lane AND t.line = k AND t.turn <= coalesce(j.turn, j.seq * 2) ORDER BY t.turn DESC LIMIT 1;
          IF FOUND AND r.ids @> ARRAY[j.id] THEN place := 'ready'; line := r.line; turn := coalesce(j.turn, j.seq * 2); EXIT; END IF;
        END LOOP;
      END IF;
      IF place IS NULL AND j.lane IS NOT NULL THEN
        -- Parked under one of its keys.
        FOR r IN SELECT 4 * t.line + b.line AS line FROM {schema}.lane l
            CROSS JOIN LATERAL ${keysOf('j.doc')} d
            CROSS JOIN LATERAL json_array_elements_text(d.keys) u (key)
            JOIN {schema}.room t ON t.id = concat(l.queue, '/', u.key) AND t.line IS NOT NULL CROSS JOIN (VALUES (0), (2)) b (line)
            WHERE l.id = j.lane AND l.is_keyed LOOP
          IF EXISTS (SELECT FROM (SELECT t.ids FROM {schema}.ready t
              WHERE t.lane = j.lane AND t.line = r.line AND t.turn <= coalesce(j.turn, j.seq * 2) ORDER BY t.turn DESC LIMIT 1) o WHERE o.ids @> ARRAY[j.id]) THEN
            place := 'ready'; line := r.line; turn := coalesce(j.turn, j.seq * 2);
            EXIT;
          END IF;
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

  -- Which commits of an opening are still there, of those with these numbers and keys. One look at each: as a statement of its own it
  -- was planned in each call, or, with a join, while the journal was short, and then read all of it.
  CREATE FUNCTION {schema}.there(p_epoch bigint, p_c bigint[], p_n bigint[]) RETURNS bigint[] LANGUAGE plpgsql ${settings} AS $$
  BEGIN
    RETURN ARRAY(SELECT (SELECT l.c FROM {schema}.line l WHERE l.c = u.c AND l.n = u.n AND l.epoch = p_epoch) FROM unnest(p_c, p_n) AS u (c, n));
  END $$;

  -- The lanes of a queue with the head of each line. Before them the turn behind all that was put by now, when something becomes due,
  -- the marks and the record of the queue, and whether it has lanes of priorities. What is due is woken first. p_polled: the key behind
  -- which a poll offers more, null: it is none; the row gives the last one.
  CREATE FUNCTION {schema}.heads(p_queue text, p_now float8, p_polled text) RETURNS TABLE (
    lane integer, key text, line integer, turn bigint, due float8, marks integer, body json, is_leveled boolean
  ) LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE moment float8 := {schema}.now(p_now); polled text;
  BEGIN
    IF EXISTS (SELECT FROM {schema}.due d WHERE d.at <= moment) THEN PERFORM {schema}.wake(moment); END IF;
    IF {schema}.has_opened(moment) THEN PERFORM {schema}.open(moment); END IF;
    IF p_polled IS NOT NULL AND EXISTS (SELECT FROM {schema}.room t WHERE t.line IS NOT NULL) THEN polled := {schema}.offer_more(p_queue, p_polled, moment); END IF;
    RETURN QUERY SELECT NULL::integer, polled, NULL::integer, ((SELECT last_value FROM {schema}.commits) + 1) * 8192,
      CASE WHEN {schema}.has_opened(moment) THEN moment ELSE least((SELECT d.at FROM {schema}.due d ORDER BY d.at LIMIT 1), (SELECT t.opens FROM {schema}.room t WHERE t.opens IS NOT NULL ORDER BY t.opens LIMIT 1)) END,
      q.marks, q.body, EXISTS (SELECT FROM {schema}.lane l WHERE l.queue = p_queue AND l.level <> 0)
      FROM (VALUES (0)) AS one LEFT JOIN {schema}.queue q ON q.id = p_queue;
    RETURN QUERY SELECT l.id, l.key, o.line, o.turn, NULL::float8, NULL::integer, NULL::json, NULL::boolean FROM {schema}.lane l CROSS JOIN (VALUES (0), (2)) AS k (line)
      CROSS JOIN LATERAL (SELECT t.line, t.turn FROM {schema}.ready t WHERE t.lane = l.id AND t.line = k.line ORDER BY t.turn LIMIT 1) o
      WHERE l.queue = p_queue;
  END $$;
`;

/** The functions: `{schema}` is replaced by the quoted name of the schema. */
export const functions = [
  findingFunctions,
  expectFunction,
  parkingFunctions,
  applyFunction,
  commitFunction,
  endedFunction,
].join('\n');
