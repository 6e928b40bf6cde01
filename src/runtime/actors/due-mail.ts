import type { EventObject } from 'xstate';
import type { Json } from '../../../machines/json.ts';
import { StepError } from '../../model/durable/machine.ts';
import { dueTimers } from '../../model/durable/timers.ts';
import type { MessageRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { decodeValue, type ResolveJob } from '../../model/values/values.ts';
import type { Change } from '../../store/store.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText } from '../environment/logging.ts';
import { type DeadReason, dead, stopLetterId, taken } from './messages.ts';
import { type ActorInTurn, argOf } from './turn.ts';

/** How many messages one turn takes. */
export const mostMail = 32;

/** Takes what an actor has to take by itself in a turn: timers that are due, and its mail. */
export class DueMail {
  /** The ends of the messages. */
  readonly changes: Change[] = [];
  /** Messages that wait no more. */
  readonly ended: MessageRecord[] = [];
  readonly #context: RuntimeContext;
  readonly #actor: ActorInTurn;
  readonly #now: number;
  readonly #decode: (event: Json) => EventObject;

  constructor(
    context: RuntimeContext,
    actor: ActorInTurn,
    now: number,
    decode: (event: Json) => EventObject,
  ) {
    this.#context = context;
    this.#actor = actor;
    this.#now = now;
    this.#decode = decode;
  }

  /** Timers and mail by instant: a timer that is due when a message is committed comes before it. */
  async takeAll(mail: readonly MessageRecord[]): Promise<void> {
    const stop = await this.#stopMessage(mail);
    if (stop !== null) {
      if (this.#isOwnStop(stop)) this.#actor.stop(null);
      this.#taken(stop);
    }
    for (const message of mail) {
      if (message.id === stop?.id) continue;
      await this.takeTimers(message.at);
      if (this.#actor.isSuspended) return;
      await this.#message(message);
      if (this.#actor.isSuspended) return;
    }
    if (this.#actor.status === 'active') await this.takeTimers();
  }

  /** A message that stops the actor overtakes all others. */
  async #stopMessage(mail: readonly MessageRecord[]): Promise<MessageRecord | null> {
    const id = `${this.#actor.id}#${stopLetterId}`;
    const found = mail.find((message) => message.id === id);
    if (found !== undefined || mail.length < mostMail) return found ?? null;
    const message = await this.#context.store.get('message', id);
    return message?.state === 'waiting' ? message : null;
  }

  /** A stop is meant for one run of a child. */
  #isOwnStop({ run }: MessageRecord): boolean {
    const { record, isAlive } = this.#actor;
    return isAlive && (run === null || record?.parent?.run === run);
  }

  async takeTimers(until = this.#now): Promise<void> {
    for (;;) {
      if (this.#actor.status !== 'active') return;
      const [timer] = dueTimers(this.#actor.there, Math.min(until, this.#now));
      if (timer === undefined) return;
      try {
        await this.#actor.takeTimer(timer);
      } catch (error) {
        this.#refusedByMachine(error);
      }
    }
  }

  async #message(message: MessageRecord): Promise<void> {
    const actor = this.#actor;
    if (!actor.isAlive) {
      const reason =
        actor.status === 'absent' ? 'unknown' : actor.status === 'stopped' ? 'stopped' : 'finished';
      if (message.run === null) this.#dead(message, reason);
      else this.#taken(message);
      return;
    }
    const { event, run, from } = message;
    // The outcome of an earlier run.
    if (run !== null && !this.#isPresentRun(message)) {
      this.#taken(message);
      return;
    }
    const given = event as { readonly type: string; readonly [key: string]: Json };
    try {
      await actor.take(this.#decode(given), argOf(given).arg);
      this.#taken(message);
    } catch (error) {
      if (run === null && (from === null || !from.includes('/'))) {
        const failure = failureOf(error);
        this.#dead(message, 'threw', failure);
        this.#context.log.events(
          'ERROR',
          () =>
            `actor ${this.#actor.id} could not take "${given.type}", which is a dead letter now: ${errorText(failure)}`,
          { err: failure.toError() },
        );
      } else this.#refusedByMachine(error, message);
    }
  }

  #isPresentRun({ run, from }: MessageRecord): boolean {
    const children = Object.values(this.#actor.there.children ?? {});
    return children.some((child) => child.run === run && child.id === from);
  }

  /** What the flow cannot do without has thrown: the actor waits for a repair, or has failed. */
  #refusedByMachine(error: unknown, message?: MessageRecord): void {
    const failure = failureOf(error);
    const actor = this.#actor;
    const { log } = this.#context;
    log.events('ERROR', () => `actor ${this.#actor.id} cannot go on: ${errorText(failure)}`, {
      err: failure.toError(),
    });
    if (actor.machine.settings.onError === 'suspend') actor.suspend(failure);
    else {
      actor.fail(failure);
      if (message !== undefined) this.#taken(message);
    }
  }

  /** The message at the head is dead, or the timer that is due first is dropped: what comes first of the two. */
  async skip(): Promise<void> {
    const now = this.#now;
    const [message] = await this.#context.store.mail(this.#actor.id, 1);
    const [timer] = dueTimers(this.#actor.there, Math.min(message?.at ?? now, now));
    if (timer !== undefined) this.#actor.dropTimer(timer);
    else if (message !== undefined) this.#dead(message, 'skipped');
  }

  #taken(message: MessageRecord): void {
    this.changes.push(taken(message, this.#now));
    this.ended.push(message);
  }

  #dead(message: MessageRecord, reason: DeadReason, failure: Failure | null = null): void {
    this.changes.push(dead(message, reason, this.#now, failure?.data ?? null));
    this.ended.push(message);
  }
}

/** An event as a machine gets it. The failure of a child is data of its own. */
export function decodedEvent(event: Json, resolve: ResolveJob): EventObject {
  const { error, ...rest } = event as { readonly type: string; readonly [key: string]: Json };
  if (!rest.type.startsWith('xstate.error.')) return decodeValue(event, resolve) as EventObject;
  const decoded = decodeValue(rest, resolve) as EventObject;
  return { ...decoded, error: new Failure(error as never) } as EventObject;
}

function failureOf(error: unknown): Failure {
  return error instanceof StepError ? error.failure : Failure.from(error);
}
