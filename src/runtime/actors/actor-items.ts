import type { EventObject } from 'xstate';
import type { ActorRecord } from '../../model/records/records.ts';

/** Where a message is: taken, or in the mailbox. */
export interface Receipt {
  /** Id of the actor. */
  readonly actor: string;
  /** Whether its machine has a transition for the event; null: it waits in the mailbox, so that is not known yet. */
  readonly taken: boolean | null;
  /** A message with this id was acknowledged before: this one changes nothing. */
  readonly isDuplicate: boolean;
}

/** An event for an actor, and what its sender wants. */
export interface EventItem {
  readonly kind: 'event';
  readonly event: EventObject;
  /** The id that the sender gave; null: none. */
  readonly id: string | null;
  /** Its sender waits for the snapshot after it, and an event that nothing takes is refused. */
  readonly asks: boolean;
  /** The input with which the actor is started when it is not there. */
  readonly start: { readonly input: unknown } | null;
}

/** What to do with an actor that is there already. */
export type IfExists = 'refuse' | 'return' | 'restart';

/** A start. */
export interface StartItem {
  readonly kind: 'start';
  readonly input: unknown;
  readonly ifExists: IfExists;
}

/** What an operator does. */
export interface CommandItem {
  readonly kind: 'stop' | 'suspend' | 'resume' | 'skip';
  readonly reason: string;
}

/** What stands in the line of an actor. */
export type Item = EventItem | StartItem | CommandItem;

/** What an item gives: for an event its receipt, and always the record after it. Undefined: nothing is known of the actor here. */
export interface Answer {
  readonly receipt: Receipt;
  readonly record: ActorRecord | undefined;
}
