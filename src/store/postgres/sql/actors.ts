import { expectation } from './expect.ts';
import { refuse } from './settings.ts';
import { busy, record } from './tables.ts';

/**
 * Actors and messages: rows as those of other kinds, with the columns that they are found by. `{schema}` is replaced by the quoted
 * name of the schema.
 */
const actorTables = `
  CREATE TABLE {schema}.actor (${record},
    machine text COLLATE "C" GENERATED ALWAYS AS (body ->> 'machine') STORED,
    status text COLLATE "C" GENERATED ALWAYS AS (body ->> 'status') STORED,
    state text COLLATE "C" GENERATED ALWAYS AS (body ->> 'state') STORED,
    due_at float8 GENERATED ALWAYS AS ((body ->> 'dueAt')::float8) STORED,
    finished_at float8 GENERATED ALWAYS AS ((body ->> 'finishedAt')::float8) STORED
  ) WITH (fillfactor = 80, ${busy});
  CREATE INDEX actor_machine ON {schema}.actor (machine, id);
  CREATE INDEX actor_due ON {schema}.actor (due_at, id) INCLUDE (machine) WHERE status = 'active' AND due_at IS NOT NULL;
  CREATE INDEX actor_finished ON {schema}.actor (finished_at) WHERE finished_at IS NOT NULL;

  CREATE TABLE {schema}.message (${record},
    actor text COLLATE "C" GENERATED ALWAYS AS (body ->> 'actor') STORED,
    machine text COLLATE "C" GENERATED ALWAYS AS (body ->> 'machine') STORED,
    state text COLLATE "C" GENERATED ALWAYS AS (body ->> 'state') STORED,
    -- When it was over, or sent.
    at float8 GENERATED ALWAYS AS (coalesce((body ->> 'endedAt')::float8, (body ->> 'at')::float8)) STORED
  ) WITH (${busy});
  CREATE INDEX message_of ON {schema}.message (actor, last_seq) WHERE state = 'waiting';
  CREATE INDEX message_mailed ON {schema}.message (machine, actor) WHERE state = 'waiting';
  CREATE INDEX message_dead ON {schema}.message (last_seq) WHERE state = 'dead';
  CREATE INDEX message_over ON {schema}.message (state, at) WHERE state <> 'waiting';
`;

/** Neither locks the row of an actor: who sends to it waits for no step of it. */
const beliefs = `
      WHEN 'noMail' THEN
        IF EXISTS (SELECT FROM {schema}.message t WHERE t.actor = b ->> 'id' AND t.state = 'waiting'
          AND t.id <> ALL (ARRAY(SELECT json_array_elements_text(b -> 'but')))) THEN ${refuse(`b ->> 'id'`)} END IF;
      WHEN 'accepts' THEN
        IF NOT EXISTS (SELECT FROM {schema}.actor t WHERE t.id = b ->> 'id' AND t.status IN ('active', 'suspended')) THEN ${refuse(`b ->> 'id'`)} END IF;`;

/** The migration that brings actors. */
export const actorsMigration = `${actorTables}\n${expectation('CREATE OR REPLACE', beliefs)}`;
