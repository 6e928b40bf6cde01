import { jobColumnNames } from './job-rows.ts';
import { entriesOfRow } from './journal.ts';

/** Cached plans must not depend on how many rows there were when they were made. */
export const planning = `SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
  SET plan_cache_mode = force_generic_plan`;

/** The columns that a step on the fast path may set, in the order of the bits of its mask, with the type of each. */
export const stepColumns = {
  attempts: 'bigint',
  last_failure: 'json',
  active_start: 'double precision',
  active_end: 'double precision',
  callbacks_end: 'double precision',
  waiting_on: 'text',
  retry_data: 'json',
  outcome: 'json',
  ending: 'text',
} as const;

const names = Object.keys(stepColumns) as readonly (keyof typeof stepColumns)[];
/** The bit that says: its quota slots are free. */
export const freesQuotas = 2 ** names.length;

/** What a column is after a step: what is given, or what it was. */
function value(column: string, row: string): string {
  const bit = (names as readonly string[]).indexOf(column);
  if (bit >= 0)
    return `CASE WHEN step.mask & ${2 ** bit} > 0 THEN step.new_${column} ELSE ${row}.${column} END`;
  if (column === 'quotas') return `CASE WHEN step.mask & ${freesQuotas} > 0 THEN '{}' ELSE ${row}.quotas END`;
  if (column === 'state') return 'step.to_state';
  if (column === 'rev') return `${row}.rev + step.entries`;
  if (column === 'last_seq') return 'step.seq + step.entries - 1';
  return `${row}.${column}`;
}

/** The columns of a waiting job that can differ from job to job. */
const read = [
  ['id', 'text'],
  ['v', 'integer'],
  ['rev', 'bigint'],
  ['last_seq', 'bigint'],
  ['created_seq', 'bigint'],
  ['state', 'text'],
  ['name', 'text'],
  ['args', 'json'],
  ['begin_after', 'double precision'],
  ['failure_log_level', 'text'],
  ['retry_policy', 'text'],
  ['retry_data', 'json'],
  ['line', 'text'],
  ['place', 'bigint'],
  ['assigner', 'text'],
  ['epoch', 'bigint'],
  ['claim', 'bigint'],
  ['attempts', 'bigint'],
  ['last_failure', 'json'],
  ['priority', 'double precision'],
  ['due_at', 'double precision'],
  ['unique_key', 'text'],
] as const;

/** How many jobs share a row of the journal: each has two entries. */
export const jobsOfLine = entriesOfRow / 2;

const stepped = ['state', 'rev', 'last_seq', 'quotas', ...names];

/**
 * Functions, since the server keeps their plans: a statement as long as theirs takes longer to plan than to execute. Also
 * behind a pooler, which keeps no prepared statements.
 */
export const plainFunctions = `
  -- The numbers of journal entries. Consecutive ones for each call, none for none; those that others took are left out.
  CREATE OR REPLACE FUNCTION {schema}.take_seqs(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    first bigint := 0;
    last bigint;
    taken bigint;
  BEGIN
    IF wanted > 0 THEN
      -- Who has numbers has an id of his transaction: that is what others wait for.
      PERFORM pg_current_xact_id();
      first := nextval('{schema}.seq');
      last := first;
      WHILE last - first + 1 < wanted LOOP
        taken := nextval('{schema}.seq');
        IF taken <> last + 1 THEN
          first := taken;
        END IF;
        last := taken;
      END LOOP;
    END IF;
    RETURN first;
  END
  $$;

  -- Makes steps of jobs by their holders: those whose rows are as they believe. The rows are locked first, in order of id, so
  -- callbacks are looked for when nobody can add one any more. A job that is done with moves to the jobs of its day.
  CREATE FUNCTION {schema}.step_jobs(
    ids text[], epochs bigint[], claims bigint[], authors text[], from_states text[], to_states text[],
    ends_callbacks boolean[], masks int[], texts text[], next_texts text[], instant double precision, machines text,
    ${names.map((name) => `given_${name} ${stepColumns[name]}[]`).join(', ')}
  ) RETURNS TABLE (place bigint, seq bigint, line bigint, q bigint, freed text, xid text) LANGUAGE plpgsql ${planning} AS $$
  #variable_conflict use_column
  DECLARE
    places tid[];
  BEGIN
    -- A row that is locked stays where it is: from here on it is found by its place.
    SELECT array_agg(l.ctid ORDER BY i.n) INTO places
    FROM (SELECT * FROM unnest(ids) WITH ORDINALITY AS u (id, n) ORDER BY u.id COLLATE "C") AS i
    LEFT JOIN LATERAL (SELECT j.ctid FROM {schema}.job j WHERE j.id = i.id FOR UPDATE) AS l ON true;
    RETURN QUERY WITH input AS MATERIALIZED (
      SELECT i.* FROM unnest(ids, places, epochs, claims, authors, from_states, to_states, ends_callbacks, masks, texts, next_texts,
        ${names.map((name) => `given_${name}`).join(', ')}) WITH ORDINALITY
        AS i (id, at_place, epoch, claim, author, from_state, to_state, ends, mask, entry, next_entry,
          ${names.map((name) => `new_${name}`).join(', ')}, place)
    ), found AS MATERIALIZED (
      SELECT i.*, CASE WHEN i.next_entry IS NULL THEN 1 ELSE 2 END AS entries, j.last_seq AS q, j.queue
      FROM input i CROSS JOIN LATERAL (
        SELECT j.last_seq, j.queue FROM {schema}.job j
        WHERE j.ctid = i.at_place AND j.epoch = i.epoch AND j.claim = i.claim AND j.state = i.from_state AND NOT (i.ends AND (
          EXISTS (SELECT FROM {schema}.job c WHERE c.parent_job = i.id)
          OR EXISTS (SELECT FROM {schema}.proxy p WHERE p.body #>> '{parent,job}' = i.id)))
        OFFSET 0
      ) AS j
    ), taken AS MATERIALIZED (
      SELECT {schema}.take_seqs(coalesce(sum(f.entries), 0)) AS first FROM found f
    ), step AS MATERIALIZED (
      SELECT f.*, t.first + sum(f.entries) OVER (ORDER BY f.author, f.place) - f.entries AS seq,
        (row_number() OVER (PARTITION BY f.author ORDER BY f.place) - 1) / ${jobsOfLine} AS part
      FROM found f, taken t
    ), told AS (
      INSERT INTO {schema}.line (s, n, at, by, mv, entries)
      SELECT min(step.seq), sum(step.entries), instant, step.author, machines, ('[' || string_agg(
        step.entry || step.q || '}' || coalesce(',' || step.next_entry || step.seq || '}', ''), ',' ORDER BY step.seq) || ']')
      FROM step GROUP BY step.author, step.part
    ), kept AS (
      UPDATE {schema}.job j SET ${stepped.map((column) => `${column} = ${value(column, 'j')}`).join(', ')}
      FROM step WHERE step.to_state <> 'completed' AND j.ctid = step.at_place
    ), gone AS (
      DELETE FROM {schema}.job j USING step WHERE step.to_state = 'completed' AND j.ctid = step.at_place
      RETURNING ${jobColumnNames.map((column) => `${value(column, 'j')} AS ${column}`).join(', ')}
    ), filed AS (
      INSERT INTO {schema}.done (${jobColumnNames.join(', ')}) SELECT ${jobColumnNames.join(', ')} FROM gone
    )
    SELECT step.place, step.seq::bigint, (min(step.seq) OVER (PARTITION BY step.author, step.part))::bigint, step.q,
      CASE WHEN step.mask & ${freesQuotas} > 0 THEN step.queue END, pg_current_xact_id()::text FROM step;
  END
  $$;

  -- Takes waiting jobs for an agent that takes what comes: when it is an agent of this opening, and when nothing in the queue
  -- needs more judgement than the order of its lines. The first row says whether; the others are the jobs as they were.
  CREATE FUNCTION {schema}.claim_jobs(
    of_queue text, of_representation text, of_agent text, of_seq bigint, of_epoch bigint, plain text[], refused text[],
    instant double precision, most bigint, size bigint, known_states text[], to_dispatcher text, to_agent text, started_at double precision, to_state text,
    author text, machines text, claim_text text, start_text text
  ) RETURNS TABLE (verdict json, is_annotated boolean, seq bigint, ${read.map(([name, type]) => `${name} ${type}`).join(', ')})
  LANGUAGE plpgsql ${planning} AS $$
  #variable_conflict use_column
  DECLARE
    lanes text[];
    known text[];
    is_plain boolean;
    first_seq bigint;
    taken tid[];
    is_any boolean := false;
    representation json;
    held bigint;
  BEGIN
    SELECT r.body INTO representation FROM {schema}.representation r WHERE r.id = of_representation FOR SHARE;
    is_plain := FOUND AND (representation ->> 'epoch')::bigint = of_epoch;
    PERFORM FROM {schema}.agent a WHERE a.id = of_agent AND (of_seq IS NULL OR a.last_seq = of_seq) FOR SHARE;
    is_plain := is_plain AND FOUND;
    -- Nothing stands before, between and after the lanes that are known: looked at from the end of each, not through its jobs.
    lanes := '{}';
    SELECT array_agg(k.lane ORDER BY k.lane COLLATE "C") INTO known FROM unnest(ARRAY[''] || plain || refused) AS k (lane);
    IF EXISTS (
      SELECT FROM unnest(known[:cardinality(known) - 1], known[2:]) AS gap (low, high)
      CROSS JOIN LATERAL (
        SELECT FROM {schema}.job j WHERE j.queue = of_queue AND j.lane > gap.low AND j.lane < gap.high LIMIT 1
      ) AS other
    ) OR EXISTS (
      SELECT FROM {schema}.job j WHERE j.queue = of_queue AND j.lane > known[cardinality(known)]
    ) THEN
    -- Lanes are found one after the other in the index, however many jobs stand in each.
    WITH RECURSIVE lane AS (
      (SELECT j.lane FROM {schema}.job j WHERE j.queue = of_queue AND j.lane IS NOT NULL ORDER BY j.lane LIMIT 1)
      UNION ALL
      SELECT (SELECT j.lane FROM {schema}.job j WHERE j.queue = of_queue AND j.lane > l.lane ORDER BY j.lane LIMIT 1)
      FROM lane l WHERE l.lane IS NOT NULL
    )
    SELECT coalesce(array_agg(l.lane), '{}') INTO lanes FROM lane l
    WHERE l.lane IS NOT NULL AND l.lane <> ALL(plain) AND l.lane <> ALL(refused);
    END IF;
    is_plain := is_plain AND lanes = '{}' AND NOT EXISTS (
      SELECT FROM {schema}.job j WHERE j.queue = of_queue AND j.lane IS NOT NULL AND (j.begin_by IS NOT NULL OR j.quotas <> '{}')
    ) AND NOT EXISTS (
      SELECT FROM unnest(plain) AS l (lane) CROSS JOIN LATERAL (
        SELECT FROM {schema}.job j WHERE j.queue = of_queue AND j.lane = l.lane AND j.line = 'held' AND j.turn <= instant LIMIT 1
      ) AS due
    );
    IF is_plain AND size IS NOT NULL THEN
      held := {schema}.held_count(of_queue, to_dispatcher, to_agent, known_states);
      most := least(most, size - held);
    END IF;
    IF is_plain AND most > 0 THEN
      SELECT coalesce(array_agg(c.ctid), '{}') INTO taken FROM (
        SELECT found.ctid FROM unnest(plain) AS l (lane) CROSS JOIN (VALUES ('putBack'), ('now')) AS k (line)
        CROSS JOIN LATERAL (
          SELECT j.ctid, j.id, j.line, j.turn FROM {schema}.job j
          WHERE j.queue = of_queue AND j.lane = l.lane AND j.line = k.line AND coalesce(j.begin_after, 0) <= instant
            -- One that needs more judgement may have come since that was looked for.
            AND j.begin_by IS NULL AND j.quotas = '{}'
          ORDER BY j.turn, j.id LIMIT most FOR UPDATE SKIP LOCKED
        ) AS found
        ORDER BY found.line <> 'putBack', found.turn, found.id LIMIT most
      ) AS c;
      is_any := taken <> '{}' OR EXISTS (
        SELECT FROM {schema}.job j WHERE j.queue = of_queue AND j.lane = ANY(plain) AND j.line IN ('putBack', 'now')
          AND coalesce(j.begin_after, 0) <= instant AND j.begin_by IS NULL AND j.quotas = '{}'
      );
    END IF;
    IF taken <> '{}' THEN
      first_seq := {schema}.take_seqs(cardinality(taken) * 2);
    END IF;
    verdict := json_build_object('isPlain', is_plain, 'others', lanes, 'isAny', is_any, 'held', held,
      'representation', representation, 'xid', pg_current_xact_id_if_assigned());
    RETURN NEXT;
    IF first_seq IS NULL THEN
      RETURN;
    END IF;
    RETURN QUERY WITH before AS MATERIALIZED (
      SELECT j.ctid AS at_place, j.*, first_seq + (t.n - 1) * 2 AS seq FROM unnest(taken) WITH ORDINALITY AS t (place, n)
      JOIN {schema}.job j ON j.ctid = t.place
    ), claimed AS (
      UPDATE {schema}.job j SET state = to_state, dispatcher = to_dispatcher, agent = to_agent, line = 'claimed',
        place = b.seq, lane = NULL, turn = NULL, epoch = of_epoch, claim = j.claim + 1, active_start = started_at,
        attempts = j.attempts + 1, rev = j.rev + 2, last_seq = b.seq + 1
      FROM before b WHERE j.ctid = b.at_place
    ), told AS (
      INSERT INTO {schema}.line (s, n, at, by, mv, entries)
      SELECT min(b.seq), count(*) * 2, instant, author, machines, ('[' || string_agg(
        '{"kind":"job","id":' || to_json(b.id) || claim_text || b.claim + 1 || '},"gone":false,"q":' || b.last_seq
        || '},{"kind":"job","id":' || to_json(b.id) || start_text || b.attempts + 1 || '},"gone":false,"q":' || b.seq || '}',
        ',' ORDER BY b.seq) || ']')
      FROM before b GROUP BY (b.seq - first_seq) / ${2 * jobsOfLine}
    )
    SELECT NULL::json, EXISTS (SELECT FROM {schema}.annotation a WHERE a.id >= b.id || '/' AND a.id < b.id || '0'),
      b.seq, ${read.map(([name]) => `b.${name}`).join(', ')} FROM before b ORDER BY b.seq;
  END
  $$;

  -- What is asked between any two claims.
  CREATE FUNCTION {schema}.held_count(of_queue text, of_dispatcher text, of_agent text, known_states text[]) RETURNS bigint
  LANGUAGE plpgsql ${planning} AS $$
  BEGIN
    RETURN (SELECT count(*) FROM {schema}.job j WHERE j.queue = of_queue AND j.dispatcher = of_dispatcher
      AND j.agent = of_agent AND j.callbacks_end IS NULL AND j.state = ANY(known_states));
  END
  $$;

  -- Jobs that wait for the results of these.
  CREATE FUNCTION {schema}.waiters(jobs text[]) RETURNS SETOF json LANGUAGE plpgsql ${planning} AS $$
  BEGIN
    RETURN QUERY SELECT row_to_json(j) FROM {schema}.job j WHERE j.waiting_on = ANY(jobs);
  END
  $$;
`;
