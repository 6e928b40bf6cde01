import type { ActorRecord, MessageRecord } from '../../../model/records/records.ts';
import type { ActorPage, ActorPageRequest } from '../../reader.ts';
import type { Tables } from '../tables.ts';
import { isInState } from './actor-indexes.ts';

/** How many actors a page has at most. */
export const mostActors = 200;

/** Active actors of some machines that are due, earliest first. */
export function dueActors(
  tables: Reads,
  machines: readonly string[],
  now: number,
  most: number,
): readonly string[] {
  const found: ActorRecord[] = [];
  for (const machine of new Set(machines))
    for (const id of first(tables.actors.due(machine, now), most))
      found.push(tables.get('actor', id) as ActorRecord);
  return found
    .sort((one, other) => (one.dueAt as number) - (other.dueAt as number) || byId(one.id, other.id))
    .slice(0, Math.max(0, most))
    .map(({ id }) => id);
}

/** Actors of some machines that have mail and are not suspended, in order of id. */
export function mailed(
  { mail }: Reads,
  machines: readonly string[],
  after: string,
  most: number,
): readonly string[] {
  const found = new Set<string>();
  for (const machine of new Set(machines))
    for (const id of first(mail.mailed(machine, after), most)) found.add(id);
  return [...found].sort(byId).slice(0, Math.max(0, most));
}

/** The first waiting messages of an actor. */
export function mailOf(tables: Reads, actor: string, most: number): readonly MessageRecord[] {
  return first(tables.mail.of(actor), most).map((id) => tables.get('message', id) as MessageRecord);
}

export function deadLetters(tables: Reads, most: number): readonly MessageRecord[] {
  return first(tables.mail.dead.latest(), most).map((id) => tables.get('message', id) as MessageRecord);
}

export function actorsPage(tables: Reads, request: ActorPageRequest): ActorPage {
  const { machine, after = '' } = request;
  const limit = Math.min(Math.max(1, request.limit), mostActors);
  const found: ActorRecord[] = [];
  for (const each of machine === undefined ? tables.actors.machines() : [machine]) {
    let n = 0;
    for (const id of tables.actors.ids(each, after)) {
      const actor = tables.get('actor', id) as ActorRecord;
      if (!isWanted(actor, request)) continue;
      found.push(actor);
      n += 1;
      // One more shows that the list goes on.
      if (n > limit) break;
    }
  }
  const page = found.sort((one, other) => byId(one.id, other.id)).slice(0, limit);
  return { actors: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null };
}

type Reads = Pick<Tables, 'actors' | 'mail' | 'get'>;

function isWanted(actor: ActorRecord, { status, state }: ActorPageRequest): boolean {
  return (
    (status === undefined || status.includes(actor.status)) &&
    (state === undefined || isInState(actor, state))
  );
}

function first(ids: Iterable<string>, most: number): string[] {
  const found: string[] = [];
  if (most <= 0) return found;
  for (const id of ids) {
    found.push(id);
    if (found.length >= most) break;
  }
  return found;
}

function byId(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
