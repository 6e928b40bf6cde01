import { encodeValue } from '../../model/values/values.ts';
import type { Precondition } from '../../store/store.ts';
import { putLetter } from '../commits/letters.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { storedJobOnly } from '../jobs/job-drafts.ts';
import type { EventItem, Receipt } from './actor-items.ts';
import { freeLetterId, ifNew } from './messages.ts';

/** Who sends. */
export interface Sender {
  /** The job that sends; null: a program. */
  readonly from: string | null;
}

/**
 * Puts an event in the mailbox of an actor, as part of what a unit commits. A program learns when no actor can take it; what a job
 * sends then becomes a dead letter, since its code has gone on.
 * @throws SignalboxError `ACTOR_NOT_FOUND`, `ACTOR_FINISHED`, `MAILBOX_FULL`; ConflictError when the id was used before.
 */
export async function sendMail(
  work: UnitOfWork,
  { id, machine }: { readonly id: string; readonly machine: string },
  item: EventItem,
  { from }: Sender,
): Promise<Receipt> {
  const { context } = work;
  const event = encodeValue(item.event, 'event', storedJobOnly, context.limits);
  if (item.id !== null && (await work.read('message', `${id}#${item.id}`)) !== undefined)
    return { actor: id, taken: null, isDuplicate: true };
  const letterId = item.id ?? freeLetterId(context.ids.newId());
  const letter = putLetter({ actor: id, machine, event, from, run: null, at: context.store.now() }, letterId);
  const expect: Precondition[] = [];
  if (item.id !== null) expect.push(ifNew(id, item.id));
  if (from === null) {
    expect.push({ check: 'accepts', id });
    if (context.limits.mail < Number.POSITIVE_INFINITY)
      expect.push({ check: 'atMost', of: 'mail', id, most: context.limits.mail });
  }
  await work.submit([letter], expect);
  return { actor: id, taken: null, isDuplicate: false };
}
