/** Plans are made for indexes whatever the statistics say, and a look at all columns of a busy table takes a tenth of the server. */
const analyzedSeldom = 'autovacuum_analyze_threshold = 200000, autovacuum_analyze_scale_factor = 1';

/** How long a row may be before the server compresses it, which takes longer than to write it. Bytes, with its head. */
const plainRow = 'toast_tuple_target = 8160';

/** What comes and goes with every round is cleaned up often: a claim passes over what is dead. */
export const busy = `autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0, ${analyzedSeldom}`;

/** How a day of each table is kept. */
export const daySettings: { readonly [table: string]: string } = {
  job: analyzedSeldom,
  done: analyzedSeldom,
  tag: analyzedSeldom,
  line: `${plainRow}, ${analyzedSeldom}`,
};

/** The columns of a record of any kind but job. */
export const record =
  'id text COLLATE "C" PRIMARY KEY, rev bigint NOT NULL, last_seq bigint NOT NULL, body json NOT NULL';

/** A run of waiting jobs. */
const run = `lane integer NOT NULL,
    line integer NOT NULL,              -- 0: put back, 2: the others; those that are parked under a key: 4 * room.line more
    turn bigint NOT NULL,               -- twice the seq of its first job; one less for those that became due before that
    at float8 NOT NULL,                 -- the instant at which they became ready; of several that came to one turn, the first
    late float8,                        -- of those that are parked: the first instant at which one of them is too late
    q bigint[],                         -- the newest entry of each; null: turn / 2, turn / 2 + 1 …
    ids text[] COLLATE "C" NOT NULL`;

/**
 * The tables. A job is written when it is put, and by a plain life never again: each commit adds one row that says what becomes of it.
 * `{schema}` is replaced by the quoted name of the schema.
 */
export const tables = `
  -- The number of a commit. Its entry i has seq c * 4096 + i.
  CREATE SEQUENCE {schema}.commits AS bigint;

  CREATE TABLE {schema}.store (${record});
  -- marks: grows with each change of the record, and with each new lane of a priority; a claim brings the number that it knows.
  CREATE TABLE {schema}.queue (${record}, marks integer NOT NULL DEFAULT 0);
  CREATE INDEX queue_paused ON {schema}.queue (id) WHERE json_array_length(body -> 'pauses') > 0;
  -- opens_after: the quota was changed; its keys behind this one are still to be looked at.
  CREATE TABLE {schema}.quota (${record}, size integer GENERATED ALWAYS AS ((body ->> 'size')::integer) STORED, opens_after text COLLATE "C");
  CREATE INDEX quota_opens ON {schema}.quota (id) WHERE opens_after IS NOT NULL;
  CREATE TABLE {schema}.limit (${record});
  CREATE TABLE {schema}.schedule (${record}, next_at float8 GENERATED ALWAYS AS ((body ->> 'nextAt')::float8) STORED);
  CREATE INDEX schedule_next ON {schema}.schedule (next_at, id) WHERE next_at IS NOT NULL;
  CREATE TABLE {schema}.unique (${record});
  CREATE TABLE {schema}.representation (${record},
    epoch bigint GENERATED ALWAYS AS ((body ->> 'epoch')::bigint) STORED,
    -- Until when it lives without another sign; null while it is not activated.
    live_until float8 GENERATED ALWAYS AS (CASE WHEN body ->> 'state' = 'activated' THEN coalesce(
      greatest((body ->> 'activated')::float8, (body ->> 'lastPing')::float8) + (body ->> 'pingDeathInterval')::float8, 'infinity') END) STORED
  );
  CREATE TABLE {schema}.agent (${record});
  CREATE INDEX agent_paused ON {schema}.agent (id) WHERE body #>> '{paused,at}' IS NOT NULL;
  CREATE TABLE {schema}.annotation (${record});
  CREATE TABLE {schema}.proxy (${record}, job text COLLATE "C" GENERATED ALWAYS AS (body #>> '{parent,job}') STORED);
  CREATE INDEX proxy_job ON {schema}.proxy (job);

  CREATE TABLE {schema}.job (
    id text COLLATE "C" PRIMARY KEY,
    rev integer NOT NULL DEFAULT 1,     -- how often this row was written
    seq bigint NOT NULL,                -- the newest entry that doc knows
    lane integer,                       -- of one that waits, or has waited
    turn bigint,                        -- where it waits in its lane; null: at 2 * seq
    parent text COLLATE "C",            -- the job or the proxy under which it stands
    waiting_on text COLLATE "C",
    doc text NOT NULL                   -- the record as it was put, then patches: JSON objects with commas between
  ) PARTITION BY RANGE (id);
  CREATE INDEX job_parent ON {schema}.job (parent) WHERE parent IS NOT NULL;
  CREATE INDEX job_waiter ON {schema}.job (waiting_on) WHERE waiting_on IS NOT NULL;
  -- Ids that programs give.
  CREATE TABLE {schema}.job_low PARTITION OF {schema}.job FOR VALUES FROM (MINVALUE) TO ('1') WITH (${analyzedSeldom});
  CREATE TABLE {schema}.job_high PARTITION OF {schema}.job FOR VALUES FROM ('2') TO (MAXVALUE) WITH (${analyzedSeldom});
  CREATE TABLE {schema}.job_default PARTITION OF {schema}.job DEFAULT WITH (${analyzedSeldom});

  -- Tags of jobs. seq: of the entry that made the job, so the newest are found first.
  CREATE TABLE {schema}.tag (
    tag text COLLATE "C", seq bigint, id text COLLATE "C", PRIMARY KEY (tag, seq, id)
  ) PARTITION BY RANGE (id);
  CREATE TABLE {schema}.tag_low PARTITION OF {schema}.tag FOR VALUES FROM (MINVALUE) TO ('1') WITH (${analyzedSeldom});
  CREATE TABLE {schema}.tag_high PARTITION OF {schema}.tag FOR VALUES FROM ('2') TO (MAXVALUE) WITH (${analyzedSeldom});
  CREATE TABLE {schema}.tag_default PARTITION OF {schema}.tag DEFAULT WITH (${analyzedSeldom});

  -- Waiting jobs that a claim need not tell apart.
  CREATE TABLE {schema}.lane (
    id serial PRIMARY KEY, queue text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, level float8 NOT NULL DEFAULT 0,
    is_keyed boolean NOT NULL DEFAULT false, -- its jobs have keys of limits
    UNIQUE (queue, key)
  );

  -- Jobs of one put that wait next to each other.
  CREATE TABLE {schema}.ready (
    ${run},
    PRIMARY KEY (lane, line, turn)
  ) WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0, ${analyzedSeldom});
  CREATE INDEX ready_late ON {schema}.ready (late) WHERE late IS NOT NULL;

  CREATE TABLE {schema}.due (id text COLLATE "C" PRIMARY KEY, at float8 NOT NULL, lane integer NOT NULL);
  CREATE INDEX due_at ON {schema}.due (at, id);

  -- Jobs that stand in no queue and with no agent, and are not over. epoch: the opening that changed them last.
  CREATE TABLE {schema}.aside (id text COLLATE "C" PRIMARY KEY, state text NOT NULL, epoch bigint NOT NULL);
  CREATE INDEX aside_begun ON {schema}.aside (id) WHERE state <> 'new';

  -- What a claim took: the fence, and the lock for everything that is done to a job that an agent holds.
  CREATE TABLE {schema}.lease (
    token bigint PRIMARY KEY,           -- epoch * 2^32 and a count of the opening: never given twice
    epoch bigint NOT NULL,
    queue text COLLATE "C" NOT NULL, dispatcher text COLLATE "C" NOT NULL, agent text COLLATE "C" NOT NULL,
    rev integer NOT NULL DEFAULT 0,     -- grows with each change of what it holds, and of a job that it holds
    ids text[] COLLATE "C" NOT NULL,
    seqs bigint[] NOT NULL,             -- the entry by which each came into it
    lanes integer[] NOT NULL,
    -- What was set of each job since its doc: the two changes that a claim made of all, and by id the keys that one has entered with
    -- them; or, without them, all patches by id. Where neither has it, doc does.
    claim text, own json
  ) WITH (fillfactor = 50, ${plainRow}, ${busy});
  CREATE INDEX lease_holder ON {schema}.lease (queue, dispatcher, agent);

  -- How many slots of a quota are taken, or of a key of one: the lock of who takes them, frees them, or parks jobs for want of them.
  CREATE TABLE {schema}.room (
    id text COLLATE "C" PRIMARY KEY, used integer NOT NULL DEFAULT 0,
    line integer UNIQUE,                -- of the jobs that are parked under it; null: there are none
    opens float8                        -- when time makes room for one of these
  ) WITH (fillfactor = 50, ${busy});
  CREATE INDEX room_parked ON {schema}.room (id) WHERE line IS NOT NULL;
  CREATE INDEX room_opens ON {schema}.room (opens) WHERE opens IS NOT NULL;
  -- Numbers of these lines: one is free again by the time that its number comes again.
  CREATE SEQUENCE {schema}.room_line AS integer MAXVALUE 500000000 CYCLE;

  -- Jobs that are over.
  CREATE TABLE {schema}.done (
    id text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,                -- its newest entry
    lane integer,
    ending smallint NOT NULL,           -- 0: succeeded, 1: failed, 2: aborted, 3: expired, 4: cancelled
    patch text NOT NULL                 -- what was set since doc: JSON objects with commas between
  ) PARTITION BY RANGE (id);
  CREATE INDEX done_seq ON {schema}.done USING brin (seq) WITH (pages_per_range = 16, autosummarize = on);
  CREATE INDEX done_failed ON {schema}.done (seq) INCLUDE (lane, ending) WHERE ending <> 0;
  CREATE TABLE {schema}.done_low PARTITION OF {schema}.done FOR VALUES FROM (MINVALUE) TO ('1') WITH (${analyzedSeldom});
  CREATE TABLE {schema}.done_high PARTITION OF {schema}.done FOR VALUES FROM ('2') TO (MAXVALUE) WITH (${analyzedSeldom});
  CREATE TABLE {schema}.done_default PARTITION OF {schema}.done DEFAULT WITH (${analyzedSeldom});

  -- The journal: a row a commit.
  CREATE TABLE {schema}.line (
    c bigint PRIMARY KEY,
    epoch bigint NOT NULL, n bigint NOT NULL,   -- the key of the commit, by which its writer asks for it
    at float8 NOT NULL, by text NOT NULL, mv text NOT NULL,
    count integer NOT NULL,
    entries text,                       -- groups: what is common once
    claim text,                         -- the changes of each claimed job
    ids text[] COLLATE "C", q bigint[], -- the claimed jobs, and their entries before
    slots text,                         -- the keys that each has entered; null: it has none
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
  ) PARTITION BY RANGE (c);
  -- To compress it took a third of a round.
  ALTER TABLE {schema}.line ALTER COLUMN entries SET STORAGE EXTERNAL;
  CREATE INDEX line_key ON {schema}.line (epoch, n);
  CREATE INDEX line_at ON {schema}.line (at);
  CREATE INDEX line_xid ON {schema}.line (xid);
  -- Lines that come with a promotion, under numbers below 0.
  CREATE TABLE {schema}.line_promoted PARTITION OF {schema}.line FOR VALUES FROM (MINVALUE) TO (0) WITH (${daySettings.line});
  CREATE TABLE {schema}.line_default PARTITION OF {schema}.line DEFAULT WITH (${daySettings.line});

  -- Days of UTC, with the number that the next entry had when they began.
  CREATE TABLE {schema}.day (at float8 PRIMARY KEY, seq bigint NOT NULL);

  -- Processes that have the store open, with their last sign of life.
  CREATE TABLE {schema}.opening (epoch bigint PRIMARY KEY, seen_at timestamptz NOT NULL DEFAULT clock_timestamp());

  INSERT INTO {schema}.store (id, rev, last_seq, body) VALUES ('store', 0, 0, '{"v":1,"epoch":0}');
`;
