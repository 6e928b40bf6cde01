import type { ActorRecord } from '../../simulate/oracle/events.ts';
import type { Tree } from './tree.ts';

/**
 * What tells one state of a tree from another: what its actors are and have, which timers they have in which order, and which jobs
 * have no outcome. `folded`: what the program says of the root instead of its context; null: nothing. Pure.
 */
export function stateKey({ actors, jobs }: Tree, folded: string | null): string {
  const parts = [...actors].flatMap(([id, { record }], place) =>
    place === 0 || isAlive(record) ? [[id, ...partsOf(record, place === 0 ? folded : null)]] : [],
  );
  return JSON.stringify([parts, [...jobs.keys()].sort()]);
}

function isAlive({ status }: ActorRecord): boolean {
  return status === 'active' || status === 'suspended';
}

function partsOf(record: ActorRecord, folded: string | null): readonly unknown[] {
  const { status, state, history, timers, children } = record;
  const pending = Object.entries(timers ?? {}).sort(
    ([, [dueAt, seq]], [, [otherDueAt, otherSeq]]) => dueAt - otherDueAt || seq - otherSeq,
  );
  const names = Object.entries(children ?? {}).map(([name, { src }]) => [name, src]);
  const known = [status, state, folded ?? contextOf(record), history];
  return [...known, pending.map(([id, [, , event, to]]) => [id, event, to]), names.sort()];
}

/** What an actor has in its context, as it is stored. */
export function contextOf(record: ActorRecord): readonly unknown[] {
  return Object.entries(record)
    .filter(([key]) => key.startsWith('c:'))
    .sort(([one], [other]) => (one < other ? -1 : 1));
}
