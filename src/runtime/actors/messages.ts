import type { Failure } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError, shown } from '../../errors.ts';
import type { MessageRecord } from '../../model/records/records.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { type Letter, ownMark } from '../commits/letters.ts';

/** Why a message is dead: no actor takes it any more. */
export type DeadReason = 'threw' | 'skipped' | 'stopped' | 'finished' | 'unknown';

/** The event that stops an actor: it overtakes what waits. */
export const stopEvent = 'signalbox.stop';

/** The id of the message that stops an actor, within its mailbox. */
export const stopLetterId = `${ownMark}stop`;

/** The id of a message that its sender has given none. */
export const freeLetterId = (id: string): string => `${ownMark}${id}`;

/** Whether the sender has given the message an id, under which it is remembered for a day. */
const isNamed = ({ id, actor }: Pick<MessageRecord, 'id' | 'actor'>): boolean =>
  id[actor.length + 1] !== ownMark;

/** Refuses what cannot be the id of a message. @throws SignalboxError `INVALID_OPTION`. */
export function checkMessageId(id: unknown): string {
  if (
    typeof id === 'string' &&
    id.length >= 1 &&
    id.length <= 200 &&
    !id.startsWith(ownMark) &&
    id.isWellFormed() &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
    !/[\u0000-\u001f\u007f]/.test(id)
  )
    return id;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'id',
    expected: `text of 1 to 200 characters without control characters, not beginning with ${ownMark}`,
    actual: shown(id),
  });
}

/** The note that a message with an id of its sender was taken without having waited. */
export function takenLetter(
  { actor, machine, at }: Pick<Letter, 'actor' | 'machine' | 'at'>,
  id: string,
): Change {
  const subject = { kind: 'message', id: `${actor}#${id}`, event: 'message.taken' } as const;
  return { ...subject, from: null, to: 'taken', patch: { actor, machine, at, endedAt: at } };
}

/** The id of a message was not used before. */
export function ifNew(actor: string, id: string): Precondition {
  return { check: 'rev', kind: 'message', id: `${actor}#${id}`, rev: 0 };
}

/** The change that takes a message out of its mailbox. What it said is in the entry of the actor. */
export function taken(message: MessageRecord, at: number): Change {
  const subject = { kind: 'message', id: message.id, event: 'message.taken', from: 'waiting' } as const;
  if (isNamed(message)) return { ...subject, to: 'taken', patch: { event: null, endedAt: at } };
  return { ...subject, to: null, patch: null, gone: true };
}

/** The change after which no actor takes a message any more. */
export function dead(
  message: MessageRecord,
  reason: DeadReason,
  at: number,
  failure: Failure | null = null,
): Change {
  const patch = { reason, endedAt: at, ...(failure === null ? {} : { failure: failure as unknown as Json }) };
  return {
    ...{ kind: 'message', id: message.id, event: 'message.dead', from: 'waiting', to: 'dead' },
    patch,
  };
}
