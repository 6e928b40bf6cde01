import type { ActorParent } from '../../../machines/actor.machine.ts';
import type { Failure, Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import type { Transition } from '../../model/jobs/step.ts';
import type { Change } from '../../store/store.ts';

/** A message before it is stored. */
export interface Letter {
  /** Id of the actor. */
  readonly actor: string;
  /** The name of its machine. */
  readonly machine: string;
  readonly event: Json;
  readonly from: string | null;
  readonly run: number | null;
  readonly at: number;
}

/** Ids of messages that the machinery makes begin with it. Those of programs do not. */
export const ownMark = '~';

/** The change that puts a message in a mailbox, under an id within it. */
export function putLetter({ actor, machine, event, from, run, at }: Letter, id: string): Change {
  return {
    ...{ kind: 'message', id: `${actor}#${id}`, event: 'message.put', from: null, to: 'waiting' },
    patch: {
      ...{ actor, machine, event, at },
      ...(from === null ? {} : { from }),
      ...(run === null ? {} : { run }),
    },
  };
}

/** What an actor gave that has ended, in stored form. */
export type StoredOutcome =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly failure: Failure };

/** The message that brings the outcome of a child to its parent, named as XState names it. One for each run of it. */
export function outcomeLetter(parent: ActorParent, from: string, outcome: StoredOutcome, at: number): Change {
  const { actor, machine, child, run } = parent;
  const event: Json = outcome.ok
    ? { type: `xstate.done.actor.${child}`, output: outcome.value, actorId: child }
    : { type: `xstate.error.actor.${child}`, error: outcome.failure as unknown as Json, actorId: child };
  return putLetter({ actor, machine, event, from, run, at }, `${ownMark}${child}.${run}`);
}

/**
 * Changes with a message for each outcome among them that an actor waits for: in the same commit, so an outcome reaches its actor
 * exactly once, whichever way it came about. The chart of jobs names `announceOutcome` on each of these ways.
 */
export function withReplies(
  changes: readonly (Change | Transition)[],
  now: () => number,
): readonly (Change | Transition)[] {
  let all: (Change | Transition)[] | null = null;
  for (const change of changes) {
    if (!('effects' in change) || change.job?.reply == null) continue;
    const outcome = change.patch?.outcome as Outcome | null | undefined;
    if (outcome == null || !change.effects.some(({ type }) => type === 'announceOutcome')) continue;
    all ??= [...changes];
    all.push(outcomeLetter(change.job.reply, change.id, outcome, now()));
  }
  return all ?? changes;
}
