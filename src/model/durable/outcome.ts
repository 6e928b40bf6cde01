import type { EventObject } from 'xstate';
import { getOwn } from '../checks/own-keys.ts';
import type { ActorRecord } from '../records/records.ts';
import type { Failure } from '../values/failure.ts';

/** How a child has ended. */
export type ChildOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: Failure };

const done = 'xstate.done.actor.';
const error = 'xstate.error.actor.';

/** The event by which a machine learns how a child has ended; null: that run is not its child any more. */
export function outcomeEvent(
  record: ActorRecord,
  child: string,
  run: number,
  outcome: ChildOutcome,
): EventObject | null {
  if (getOwn(record.children ?? {}, child)?.run !== run) return null;
  const event = outcome.ok
    ? { type: done + child, output: outcome.value, actorId: child }
    : { type: error + child, error: outcome.failure, actorId: child };
  return event;
}

/** The child of which an event says that it has ended; null: it is another event. */
export function endedChildOf({ type }: EventObject): string | null {
  if (!type.startsWith('xstate.')) return null;
  if (type.startsWith(done)) return type.slice(done.length);
  return type.startsWith(error) ? type.slice(error.length) : null;
}
