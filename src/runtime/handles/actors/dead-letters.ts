import { SignalboxError } from '../../../errors.ts';
import type { MessageRecord } from '../../../model/records/records.ts';
import { Failure } from '../../../model/values/failure.ts';
import { decodeValue } from '../../../model/values/values.ts';
import { freeLetterId } from '../../actors/messages.ts';
import { putLetter } from '../../commits/letters.ts';
import { ifUnchanged } from '../../commits/preconditions.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';
import { servicesOf } from '../services.ts';

/** A message that no actor has taken, and none will. */
export interface DeadLetter {
  readonly id: string;
  /** Id of the actor. */
  readonly actor: string;
  readonly event: unknown;
  /** The actor or the job that has sent it; null: a program. */
  readonly from: string | null;
  readonly at: Date;
  /** `threw`: the step that should have taken it did. `skipped`, `stopped`, `finished`, `unknown`: the actor was not there. */
  readonly reason: string;
  /** Why the step threw. */
  readonly failure: Failure | null;
}

/** The messages that no actor has taken. They are kept for 30 days. Made by `box.deadLetters`. */
export class DeadLetters {
  readonly #work: UnitOfWork;

  constructor(work: UnitOfWork) {
    this.#work = work;
  }

  /** The newest of them, at most so many. Default 50. */
  async list(limit = 50): Promise<readonly DeadLetter[]> {
    const { store } = this.#work.context;
    const letters = await store.deadLetters(limit);
    await store.settled();
    return letters.map((message) => this.#shown(message));
  }

  /** Sends it again, to the same actor. @throws SignalboxError `MESSAGE_NOT_FOUND`, `ACTOR_NOT_FOUND`, `ACTOR_FINISHED`. */
  async resend(id: string): Promise<void> {
    const message = await this.#read(id);
    const { context } = this.#work;
    const { actor, machine, event, from, run } = message;
    const letter = { actor, machine, event, from, run, at: context.store.now() };
    await this.#work.submit(
      [gone(message), putLetter(letter, freeLetterId(context.ids.newId()))],
      [ifUnchanged(message, 'message'), { check: 'accepts', id: actor }],
    );
  }

  /** Forgets it. @throws SignalboxError `MESSAGE_NOT_FOUND`. */
  async drop(id: string): Promise<void> {
    const message = await this.#read(id);
    await this.#work.submit([gone(message)], [ifUnchanged(message, 'message')]);
  }

  async #read(id: string): Promise<MessageRecord> {
    const message = await this.#work.readChecked('message', id);
    if (message?.state !== 'dead') throw new SignalboxError('MESSAGE_NOT_FOUND', { id });
    return message;
  }

  #shown({ id, actor, event, from, at, reason, failure }: MessageRecord): DeadLetter {
    const { handles } = servicesOf(this.#work.context);
    return {
      ...{ id, actor, from, at: new Date(at), reason: reason ?? '' },
      event: decodeValue(event, (job) => handles.reference(this.#work.handles, job)),
      failure: failure === null ? null : new Failure(failure),
    };
  }
}

function gone({ id }: MessageRecord) {
  const subject = { kind: 'message', id, event: 'message.dropped', from: 'dead' } as const;
  return { ...subject, to: null, patch: null, gone: true };
}
