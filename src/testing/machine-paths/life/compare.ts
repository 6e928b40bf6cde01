import { isDeepStrictEqual } from 'node:util';
import type { ActorRecord } from '../../simulate/oracle/events.ts';
import { contextOf } from '../model/state-key.ts';
import type { Moved } from '../model/tree.ts';

/** What an actor did: the event, and where it was after that. */
export type Move = Pick<Moved, 'event' | 'to'>;

/** How what happened stands to what was to happen. */
export type Progress =
  | { readonly is: 'waiting' | 'there' }
  /** From here on something else has happened: this is the first of it. */
  | { readonly is: 'elsewhere'; readonly place: number };

/** Compares what an actor has done with what it is to do. Pure. */
export function progressOf(done: readonly Move[], expected: readonly Move[]): Progress {
  const place = done.findIndex(
    ({ event, to }, at) => event !== expected[at]?.event || to !== expected[at]?.to,
  );
  if (place !== -1) return { is: 'elsewhere', place };
  return { is: done.length < expected.length ? 'waiting' : 'there' };
}

/** Says in which parts an actor is not as its machine gives it; null: in none. Instants and the ids of jobs are not compared. Pure. */
export function differenceOf(found: ActorRecord, expected: ActorRecord): string | null {
  const [one, other] = [partsOf(found), partsOf(expected)];
  const differing = Object.keys(other).filter((key) => !isDeepStrictEqual(one[key], other[key]));
  if (differing.length === 0) return null;
  return differing
    .map((key) => `${key}: expected ${JSON.stringify(other[key])}, got ${JSON.stringify(one[key])}`)
    .join('; ');
}

function partsOf(record: ActorRecord): { readonly [part: string]: unknown } {
  const { status, state, history, timers, children, output } = record;
  const parts = {
    status,
    state,
    context: contextOf(record),
    history,
    timers: Object.fromEntries(
      Object.entries(timers ?? {}).map(([id, [, , event, to]]) => [id, [event, to]]),
    ),
    children: Object.fromEntries(
      Object.entries(children ?? {}).map(([name, { kind, src, run }]) => [name, [kind, src, run]]),
    ),
    output: output ?? null,
  };
  return JSON.parse(JSON.stringify(parts)) as typeof parts;
}
