import { refuse, settings } from './settings.ts';

/** What a commit changes. `{schema}` is replaced by the quoted name of the schema. */
export const applyFunction = `
  -- Writes records, and gives jobs their places. s: the seq of entry 0.
  CREATE FUNCTION {schema}.apply(p_changes json, s bigint, p_epoch bigint) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  #variable_conflict use_column
  DECLARE b record; place json; kind text; r record;
  BEGIN
    FOR b IN SELECT * FROM json_to_recordset(p_changes) AS c (
        "is" text, id text, rev bigint, seq integer, body json, "isNew" boolean, opens float8,
        gone boolean, flag boolean, lane integer, parent text, "waitingOn" text, doc text, "isWhole" boolean, "to" json,
        token bigint, queue text, dispatcher text, agent text, jobs json) LOOP
      kind := b."is";
      IF kind = 'job' THEN
        IF b.gone THEN DELETE FROM {schema}.job t WHERE t.id = b.id; CONTINUE; END IF;
        IF b.flag THEN
          UPDATE {schema}.job t SET rev = t.rev + 1, doc = t.doc || ',' || (b.doc) WHERE t.id = b.id;
          CONTINUE;
        END IF;
        place := b."to";
        IF b.rev = 0 THEN
          INSERT INTO {schema}.job (id, seq, lane, turn, parent, waiting_on, doc) VALUES (b.id, s + b.seq,
            b.lane, s * 2 + (place ->> 'turn')::bigint, b.parent, b."waitingOn", b.doc);
        ELSIF b.doc IS NOT NULL THEN
          UPDATE {schema}.job t SET rev = t.rev + 1, seq = s + b.seq, lane = b.lane,
            turn = coalesce((place ->> 'turnIs')::bigint, s * 2 + (place ->> 'turn')::bigint), parent = b.parent, waiting_on = b."waitingOn",
            doc = CASE WHEN b."isWhole" THEN b.doc ELSE t.doc || ',' || (b.doc) END
          WHERE t.id = b.id;
        END IF;
        CASE place ->> 'in'
        WHEN 'ready' THEN
          IF (place ->> 'line')::int = 2 AND place ->> 'turnIs' IS NOT NULL THEN PERFORM {schema}.part(b.lane, (place ->> 'turnIs')::bigint); END IF;
          INSERT INTO {schema}.ready AS o (lane, line, turn, at, ids, q) VALUES (b.lane, (place ->> 'line')::int,
            coalesce((place ->> 'turnIs')::bigint, s * 2 + (place ->> 'turn')::bigint), (place ->> 'at')::float8, ARRAY[b.id], ARRAY[s + b.seq])
            ON CONFLICT (lane, line, turn) DO UPDATE SET ids = o.ids || excluded.ids,
              q = coalesce(o.q, ARRAY(SELECT o.turn / 2 + i FROM generate_series(0, cardinality(o.ids) - 1) i)) || excluded.q;
        WHEN 'stays' THEN
          -- The run says which entry of each is the newest.
          SELECT t.ctid, t.turn, t.ids, t.q INTO r FROM {schema}.ready t
            WHERE t.lane = b.lane AND t.line = (place ->> 'line')::int AND t.turn <= (place ->> 'turnIs')::bigint
            ORDER BY t.turn DESC LIMIT 1;
          r.q := coalesce(r.q, ARRAY(SELECT r.turn / 2 + i FROM generate_series(0, cardinality(r.ids) - 1) i));
          r.q[array_position(r.ids, b.id)] := s + b.seq;
          UPDATE {schema}.ready t SET q = r.q WHERE t.ctid = r.ctid;
        WHEN 'due' THEN
          INSERT INTO {schema}.due (at, id, lane) VALUES ((place ->> 'at')::float8, b.id, b.lane);
        WHEN 'aside' THEN
          INSERT INTO {schema}.aside (id, state, epoch) VALUES (b.id, place ->> 'state', p_epoch)
            ON CONFLICT (id) DO UPDATE SET state = excluded.state, epoch = excluded.epoch;
        WHEN 'done' THEN
          INSERT INTO {schema}.done (id, seq, lane, ending, patch) VALUES (b.id, s + b.seq, b.lane,
            (place ->> 'ending')::smallint, place ->> 'patch')
            ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, ending = excluded.ending, patch = excluded.patch;
        ELSE NULL; -- a new one with a lease, or where it was
        END CASE;
      ELSIF kind = 'lease' THEN
        INSERT INTO {schema}.lease (token, epoch, queue, dispatcher, agent, ids, seqs, lanes, own)
        SELECT b.token, p_epoch, b.queue, b.dispatcher, b.agent,
          array_agg(h ->> 0), array_agg(s + (h ->> 1)::int), array_agg(coalesce((h ->> 2)::int, 0)), b.body FROM json_array_elements(b.jobs) h;
      ELSIF kind = 'rooms' THEN
        INSERT INTO {schema}.room AS t (id, used) SELECT h ->> 0, (h ->> 1)::int FROM json_array_elements(b.jobs) h
          ON CONFLICT (id) DO UPDATE SET used = t.used + excluded.used;
        IF EXISTS (SELECT FROM (
            SELECT {schema}.quota_of(h ->> 0) AS quota, max((SELECT t.used FROM {schema}.room t WHERE t.id = h ->> 0)) AS used
            FROM json_array_elements(b.jobs) h GROUP BY 1 OFFSET 0) o
          WHERE o.used > (SELECT q.size FROM {schema}.quota q WHERE q.id = o.quota)) THEN ${refuse(`'room'`)} END IF;
      ELSIF kind = 'tag' AND b.gone THEN
        DELETE FROM {schema}.tag t USING json_array_elements(b.jobs) h WHERE t.tag = h ->> 0 AND t.seq = (h ->> 2)::bigint AND t.id = h ->> 1;
      ELSIF kind = 'tag' THEN
        INSERT INTO {schema}.tag (tag, seq, id) SELECT h ->> 0, coalesce((h ->> 2)::bigint, s + (h ->> 3)::int), h ->> 1 FROM json_array_elements(b.jobs) h;
      ELSIF kind = 'passed' THEN
        PERFORM {schema}.pass_on(ARRAY[b.id]);
      ELSIF b.body IS NULL THEN
        IF kind = 'quota' THEN
          FOR r IN SELECT t.id FROM {schema}.room t WHERE t.line IS NOT NULL AND t.id > b.id || '/' AND t.id < b.id || '0' ORDER BY t.id FOR NO KEY UPDATE LOOP
            PERFORM {schema}.unpark(r.id, 2147483647);
          END LOOP;
        END IF;
        EXECUTE format('DELETE FROM {schema}.%I t WHERE t.id = $1', kind) USING b.id;
      ELSIF b."isNew" THEN
        EXECUTE format('INSERT INTO {schema}.%I (id, rev, last_seq, body) VALUES ($1, $2, $3, $4)', kind)
          USING b.id, b.rev, s + b.seq, b.body;
        IF kind = 'quota' THEN INSERT INTO {schema}.room (id) VALUES (b.id) ON CONFLICT DO NOTHING; END IF;
      ELSE
        EXECUTE format('UPDATE {schema}.%I t SET rev = $2, last_seq = $3, body = $4 WHERE t.id = $1', kind)
          USING b.id, b.rev, s + b.seq, b.body;
        IF kind = 'queue' THEN UPDATE {schema}.queue t SET marks = t.marks + 1 WHERE t.id = b.id;
        ELSIF kind = 'quota' THEN UPDATE {schema}.quota t SET opens_after = '' WHERE t.id = b.id; END IF;
      END IF;
      IF kind = 'limit' THEN UPDATE {schema}.room t SET opens = coalesce(b.opens, 0) WHERE t.id = b.id AND t.line IS NOT NULL; END IF;
    END LOOP;
  END $$;
`;
