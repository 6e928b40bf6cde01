import { plainRowBytes } from './journal.ts';
import { leftFunctions } from './left-functions.ts';
import { plainFunctions } from './plain-functions.ts';

/** Plans are made for indexes whatever the statistics say, and a look at all columns of a busy table takes a tenth of the server. */
const analyzedSeldom = 'autovacuum_analyze_threshold = 200000, autovacuum_analyze_scale_factor = 1';

/** How a partition of jobs that are done with is kept. */
export const settledSettings = analyzedSeldom;

/** How a partition of the journal is kept. */
export const lineSettings = `toast_tuple_target = ${plainRowBytes}, ${analyzedSeldom}`;

/**
 * What builds the schema, in order. A migration that was released is never edited: a change is a new one at the end.
 * `{schema}` is replaced by the quoted name of the schema.
 */
export const migrations: readonly string[] = [
  `
  CREATE SEQUENCE {schema}.seq AS bigint;

  -- The numbers of journal entries. Consecutive ones for each call; those that others took in between are thrown away.
  CREATE FUNCTION {schema}.take_seqs(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    first bigint;
    last bigint;
  BEGIN
    LOOP
      SELECT min(taken), max(taken) INTO first, last
      FROM (SELECT nextval('{schema}.seq') AS taken FROM generate_series(1, wanted)) AS numbers;
      IF last - first + 1 = wanted THEN
        RETURN first;
      END IF;
    END LOOP;
  END
  $$;

  CREATE TABLE {schema}.store          (id text COLLATE "C" PRIMARY KEY, rev bigint, last_seq bigint, body json);
  CREATE TABLE {schema}.queue          (id text COLLATE "C" PRIMARY KEY, rev bigint, last_seq bigint, body json);
  CREATE TABLE {schema}.quota          (id text COLLATE "C" PRIMARY KEY, rev bigint, last_seq bigint, body json);
  CREATE TABLE {schema}.representation (id text COLLATE "C" PRIMARY KEY, rev bigint, last_seq bigint, body json);
  CREATE TABLE {schema}.agent          (id text COLLATE "C" PRIMARY KEY, rev bigint, last_seq bigint, body json);
  CREATE TABLE {schema}.annotation     (id text COLLATE "C" PRIMARY KEY, rev bigint, last_seq bigint, body json);
  CREATE TABLE {schema}.proxy          (id text COLLATE "C" PRIMARY KEY, rev bigint, last_seq bigint, body json);
  CREATE INDEX proxy_parent ON {schema}.proxy ((body #>> '{parent,job}'));

  -- A job of which something can still become. Instants are epoch milliseconds, durations milliseconds.
  CREATE TABLE {schema}.job (
    id text COLLATE "C" NOT NULL,
    v integer NOT NULL,
    rev bigint NOT NULL,
    last_seq bigint NOT NULL,
    created_seq bigint NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    args json NOT NULL,
    quota_names text[] NOT NULL,
    begin_after double precision,
    begin_by double precision,
    failure_log_level text,
    retry_policy text,
    retry_data json,
    -- Where it stands: in a queue, with an agent, or under a job, a callback proxy or a system job.
    queue text COLLATE "C",
    dispatcher text COLLATE "C",
    agent text COLLATE "C",
    parent_job text COLLATE "C",
    parent_proxy text COLLATE "C",
    parent_system text COLLATE "C",
    -- Its place there: the line, and the number that orders it.
    line text COLLATE "C",
    place bigint,
    -- What a claim walks by: waiting jobs of one definition and one set of quotas, each line of them in its order.
    lane text COLLATE "C",
    turn double precision,
    assigner text,
    epoch bigint NOT NULL,
    claim bigint NOT NULL,
    quotas text[] NOT NULL,
    attempts bigint NOT NULL,
    last_failure json,
    active_start double precision,
    active_end double precision,
    callbacks_end double precision,
    waiting_on text COLLATE "C",
    outcome json,
    ending text,
    due_at double precision,
    priority double precision NOT NULL,
    unique_key text,
    PRIMARY KEY (id)
  ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
          autovacuum_vacuum_cost_delay = 0);
  CREATE INDEX job_waiting ON {schema}.job (queue, lane, line, turn, id) WHERE lane IS NOT NULL;
  -- Those that a full quota does not hold back: with a deadline, or with slots that they have kept.
  CREATE INDEX job_exempt ON {schema}.job (queue, lane, line, turn, id)
    WHERE lane IS NOT NULL AND (begin_by IS NOT NULL OR quotas <> '{}');
  CREATE INDEX job_due ON {schema}.job (begin_after) WHERE line = 'held';
  CREATE INDEX job_held ON {schema}.job (queue, dispatcher, agent) WHERE dispatcher IS NOT NULL;
  CREATE INDEX job_parent ON {schema}.job (parent_job) WHERE parent_job IS NOT NULL;
  CREATE INDEX job_proxy ON {schema}.job (parent_proxy) WHERE parent_proxy IS NOT NULL;
  CREATE INDEX job_waiter ON {schema}.job (waiting_on) WHERE waiting_on IS NOT NULL;
  CREATE INDEX job_slots ON {schema}.job USING gin (quotas) WITH (fastupdate = off) WHERE quotas <> '{}';

  -- A job that is done with, by the day on which it was: whole days are dropped.
  CREATE TABLE {schema}.done (
    LIKE {schema}.job,
    day date NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC')::date,
    PRIMARY KEY (id, day)
  ) PARTITION BY RANGE (day);
  CREATE INDEX done_filed ON {schema}.done (queue, dispatcher, agent, last_seq) WHERE dispatcher IS NOT NULL;
  CREATE INDEX done_parent ON {schema}.done (parent_job) WHERE parent_job IS NOT NULL;
  CREATE INDEX done_proxy ON {schema}.done (parent_proxy) WHERE parent_proxy IS NOT NULL;
  CREATE TABLE {schema}.done_default PARTITION OF {schema}.done DEFAULT;

  -- The journal: a commit is a row, or several when it is long, by the day on which it was made.
  CREATE TABLE {schema}.line (
    s bigint NOT NULL,
    n bigint NOT NULL,
    at double precision NOT NULL,
    by text NOT NULL,
    mv text NOT NULL,
    entries json NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    day date NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC')::date,
    PRIMARY KEY (s, day)
  ) PARTITION BY RANGE (day);
  CREATE TABLE {schema}.line_default PARTITION OF {schema}.line DEFAULT;

  -- Processes that have the store open, with their last sign of life.
  CREATE TABLE {schema}.opening (
    epoch bigint PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );

  INSERT INTO {schema}.store (id, rev, last_seq, body) VALUES ('store', 0, 0, '{"v":1,"epoch":0}');
  `,
  `
  -- Entries are written and read whole: as text they are not parsed on the way in.
  ALTER TABLE {schema}.line ALTER COLUMN entries TYPE text;
  -- Who begins to follow looks for transactions that were under way.
  CREATE INDEX line_xid ON {schema}.line (xid);
  ALTER TABLE {schema}.line_default SET (${lineSettings});
  ALTER TABLE {schema}.done_default SET (${settledSettings});
  ALTER TABLE {schema}.job SET (${analyzedSeldom});
  ${plainFunctions}
  `,
  leftFunctions,
];
