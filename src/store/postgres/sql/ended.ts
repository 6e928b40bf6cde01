/** What is over, newest first. `{schema}` is replaced by the quoted name of the schema. */
export const endedFunction = `
  -- Jobs that are over, before an entry, of some lanes or of all: at most so many, among so many that are looked at. The last row is no
  -- job: it says how many were looked at, and up to which entry; null: there are none before. An index by seq would cost each job what it
  -- costs to file it, so the newest are found by the ranges of blocks, in windows that grow until they hold enough. Those that failed
  -- have an index.
  CREATE FUNCTION {schema}.ended(p_before bigint, p_is_failed boolean, p_lanes integer[], p_most bigint, p_look bigint)
  RETURNS TABLE (id text, seq bigint, n bigint) LANGUAGE plpgsql SET enable_seqscan = off AS $$
  #variable_conflict use_column
  DECLARE r record; jobs refcursor; least_width bigint := 64 * 4096; width bigint := least_width; hi bigint := p_before; lo bigint; mid bigint;
    seen bigint := 0; given bigint := 0; is_gap boolean;
  BEGIN
    LOOP
      lo := CASE WHEN p_is_failed THEN 0 ELSE greatest(0, hi - width) END;
      is_gap := false;
      WHILE NOT p_is_failed AND NOT EXISTS (SELECT FROM {schema}.done d WHERE d.seq >= lo AND d.seq < hi) LOOP
        EXIT WHEN lo = 0;
        is_gap := true;
        hi := lo;
        width := width * 4;
        lo := greatest(0, hi - width);
      END LOOP;
      -- Behind a gap the window is far too wide.
      WHILE is_gap AND hi - lo > least_width LOOP
        mid := (lo + hi) / 2;
        IF EXISTS (SELECT FROM {schema}.done d WHERE d.seq >= mid AND d.seq < hi) THEN lo := mid; ELSE hi := mid; END IF;
        width := least_width;
      END LOOP;
      IF p_is_failed THEN
        OPEN jobs FOR SELECT d.id, d.seq, d.lane FROM {schema}.done d WHERE d.seq < hi AND d.ending <> 0 AND d.ending <> 4 ORDER BY d.seq DESC;
      ELSE
        OPEN jobs FOR SELECT d.id, d.seq, d.lane FROM {schema}.done d WHERE d.seq >= lo AND d.seq < hi ORDER BY d.seq DESC;
      END IF;
      WHILE given < p_most AND seen < p_look LOOP
        FETCH jobs INTO r;
        EXIT WHEN NOT FOUND;
        seen := seen + 1;
        id := r.id;
        seq := r.seq;
        n := seen;
        CONTINUE WHEN p_lanes IS NOT NULL AND NOT coalesce(r.lane, 0) = ANY (p_lanes);
        RETURN NEXT;
        given := given + 1;
      END LOOP;
      CLOSE jobs;
      EXIT WHEN given = p_most OR seen = p_look OR lo = 0;
      hi := lo;
      width := width * 4;
    END LOOP;
    IF given < p_most AND seen < p_look THEN seq := NULL; END IF;
    id := NULL;
    n := seen;
    RETURN NEXT;
  END $$;
`;
