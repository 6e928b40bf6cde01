import type { ActorStatus } from '../../../../machines/actor.machine.ts';
import type { MessageRecord } from '../../../model/records/records.ts';
import type { ActorCount, ActorPage, ActorPageRequest } from '../../reader.ts';
import { mostActors } from '../../rules/actors/actor-reads.ts';
import { recordOf } from '../commits/working-set.ts';
import { idsOf, type Records } from './records.ts';

const ofRecord = 'id, rev, last_seq, body';

export async function dueActors(
  { schema, query }: Records,
  machines: readonly string[],
  now: number,
  most: number,
): Promise<readonly string[]> {
  const text = `SELECT id FROM ${schema}.actor WHERE status = 'active' AND due_at <= $2 AND machine = ANY ($1)
    ORDER BY due_at, id LIMIT $3`;
  return idsOf(await query(text, [machines, now, most]));
}

/** Goes from one actor to the next: what is read of the mail of each is one message, however many it has. */
export async function mailed(
  { schema, query }: Records,
  machines: readonly string[],
  after: string,
  most: number,
): Promise<readonly string[]> {
  const next = (behind: string): string =>
    `(SELECT t.actor FROM ${schema}.message t WHERE t.machine = m.name AND t.state = 'waiting' AND t.actor > ${behind}
      ORDER BY t.actor LIMIT 1)`;
  const text = `SELECT DISTINCT o.actor COLLATE "C" AS id FROM unnest($1::text[]) AS m (name) CROSS JOIN LATERAL (
      WITH RECURSIVE mailed (actor) AS (
        SELECT ${next('$2')} UNION ALL SELECT ${next('mailed.actor')} FROM mailed WHERE mailed.actor IS NOT NULL
      ) SELECT actor FROM mailed WHERE actor IS NOT NULL
        AND NOT EXISTS (SELECT FROM ${schema}.actor a WHERE a.id = mailed.actor AND a.status = 'suspended') LIMIT $3
    ) AS o ORDER BY id LIMIT $3`;
  return idsOf(await query(text, [machines, after, most]));
}

export async function mailOf(
  { schema, query }: Records,
  actor: string,
  most: number,
): Promise<readonly MessageRecord[]> {
  const text = `SELECT ${ofRecord} FROM ${schema}.message WHERE actor = $1 AND state = 'waiting' ORDER BY last_seq LIMIT $2`;
  return (await query(text, [actor, most])).map((row) => recordOf('message', row));
}

export async function mailCount({ schema, query }: Records, actor: string): Promise<number> {
  const text = `SELECT count(*) AS count FROM ${schema}.message WHERE actor = $1 AND state = 'waiting'`;
  return Number((await query(text, [actor]))[0]?.count);
}

export async function actorsPage({ schema, query }: Records, request: ActorPageRequest): Promise<ActorPage> {
  const { machine = null, status = null, state = null, after = '' } = request;
  const limit = Math.min(Math.max(1, request.limit), mostActors);
  const rows = await query(
    `SELECT ${ofRecord} FROM ${schema}.actor WHERE id > $1 AND ($2::text IS NULL OR machine = $2)
       AND ($3::text[] IS NULL OR status = ANY ($3)) AND ($4::text IS NULL OR NOT EXISTS (
         SELECT FROM unnest(string_to_array($4, '|')) AS w (path) WHERE NOT EXISTS (
           SELECT FROM unnest(string_to_array(state, '|')) AS l (leaf) WHERE leaf = path OR starts_with(leaf, path || '.')
         )
       )) ORDER BY id LIMIT $5`,
    // One more shows that the list goes on.
    [after, machine, status, state, limit + 1],
  );
  const actors = rows.slice(0, limit).map((row) => recordOf('actor', row));
  return { actors, next: rows.length > limit ? (actors.at(-1)?.id ?? null) : null };
}

export async function actorCounts({ schema, query }: Records): Promise<readonly ActorCount[]> {
  const rows = await query(
    `SELECT machine, status, state, count(*) AS n FROM ${schema}.actor GROUP BY machine, status, state
     ORDER BY machine, status, state`,
  );
  return rows.map(({ machine, status, state, n }) => ({
    machine: String(machine),
    status: status as ActorStatus,
    state: String(state),
    n: Number(n),
  }));
}

export async function deadLetters(
  { schema, query }: Records,
  most: number,
): Promise<readonly MessageRecord[]> {
  const text = `SELECT ${ofRecord} FROM ${schema}.message WHERE state = 'dead' ORDER BY last_seq DESC LIMIT $1`;
  return (await query(text, [most])).map((row) => recordOf('message', row));
}
