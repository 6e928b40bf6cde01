import type { EventObject } from 'xstate';
import { SignalboxError, shown, TimeoutError } from '../../../errors.ts';
import { storableText } from '../../../model/checks/storable-text.ts';
import { snapshotOf } from '../../../model/durable/thaw.ts';
import type { ActorRecord } from '../../../model/records/records.ts';
import type { ResolveJob } from '../../../model/values/values.ts';
import { type Duration, durationMs, durationText } from '../../../time.ts';
import type { Answer, EventItem, Item, Receipt } from '../../actors/actor-items.ts';
import { takeWithin } from '../../actors/in-unit.ts';
import { checkMessageId } from '../../actors/messages.ts';
import { sendMail } from '../../actors/send-mail.ts';
import { ExternalTransactionUnit, type UnitOfWork } from '../../commits/unit-of-work.ts';
import type { MachineLike } from '../../definitions/machines.ts';
import { checkForMachine } from '../../definitions/validation.ts';
import { answeredWithin } from '../../environment/reactor/time-limits.ts';
import { currentRun } from '../../execution/run.ts';
import { servicesOf } from '../services.ts';

// The commands of a handle on an actor. The methods of `DurableActor` document what they promise.

/** What a handle knows of its actor. */
export interface ActorAt {
  readonly work: UnitOfWork;
  readonly id: string;
  /** The machine as the caller knows it; null: only the id is known. */
  readonly machine: MachineLike | null;
}

/** The id of an actor of a machine. @throws SignalboxError `INVALID_OPTION`. */
export function actorId(machine: string, key: unknown): string {
  if (
    typeof key === 'string' &&
    key.length >= 1 &&
    key.length <= 200 &&
    storableText(key) === key &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
    !/[/#\u0000-\u001f\u007f]/.test(key)
  )
    return `${machine}/${key}`;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'key',
    expected: 'text of 1 to 200 characters without /, # and control characters',
    actual: shown(key),
  });
}

/** Refuses what no program may send. @throws SignalboxError `EVENT_RESERVED`, `INVALID_OPTION`. */
export function checkEvent(event: unknown): EventObject {
  const type = (event as EventObject | null | undefined)?.type;
  if (typeof event !== 'object' || event === null || typeof type !== 'string' || type === '')
    throw new SignalboxError('INVALID_OPTION', {
      option: 'event',
      expected: "an event such as { type: 'order.approve' }",
      actual: shown(event),
    });
  if (/^(xstate|signalbox)\./.test(type) || type.includes('*'))
    throw new SignalboxError('EVENT_RESERVED', { event: type });
  return event as EventObject;
}

/** Options of `send`. */
export interface SendOptions<Input = unknown> {
  /** Names the message: the same id again is acknowledged within a day, and changes nothing. */
  readonly id?: string;
  /** The input with which the actor is started in the same commit when it is not there. */
  readonly start?: Input;
  /** A connection of the package `pg` in an open transaction of yours: the message is sent when that commits. */
  readonly client?: unknown;
}

/** Options of `ask`. */
export interface AskOptions {
  /** Names the message: the same id again within a day makes no second step, and gives the snapshot as it is. */
  readonly id?: string;
  /** How long to wait. Default: no limit. */
  readonly timeout?: Duration;
}

/** Sends an event. Resolves when it is on disk: taken, or in the mailbox. */
export async function send(at: ActorAt, event: unknown, options: SendOptions): Promise<Receipt> {
  const item: EventItem = {
    kind: 'event',
    event: checkEvent(event),
    id: options.id === undefined ? null : checkMessageId(options.id),
    asks: false,
    start: 'start' in options ? { input: options.start } : null,
  };
  const pending = checkSchemas(at, item);
  if (pending !== undefined) await pending;
  if (options.client !== undefined) {
    const direct = servicesOf(at.work.context).work;
    return sendMail(new ExternalTransactionUnit(direct, options.client), await mailbox(at), item, {
      from: null,
    });
  }
  if (at.work.isPartial && item.start === null)
    return sendMail(at.work, await mailbox(at), item, { from: currentRun.getStore()?.job.id ?? null });
  const machine = await knownMachine(at);
  if (machine === null) return mailed(at, item);
  return (await perform(at, machine, item)).receipt;
}

/** Refuses what the schemas of the machine refuse. A promise when one is asynchronous. @throws SignalboxError `EVENT_INVALID`. */
export function checkSchemas({ machine }: ActorAt, item: Item): Promise<void> | undefined {
  if (machine === null) return undefined;
  const { name, settings } = machine;
  const { input, events } = settings.schemas;
  const start = item.kind === 'start' ? item : item.kind === 'event' ? item.start : null;
  const checkItsEvent = (): Promise<void> | undefined => {
    if (item.kind !== 'event' || events === undefined) return undefined;
    const { type } = item.event;
    return checkForMachine(events[type], { machine: name, what: `event "${type}"` }, item.event);
  };
  if (start === null) return checkItsEvent();
  const pending = checkForMachine(input, { machine: name, what: 'the input' }, start.input);
  return pending === undefined ? checkItsEvent() : pending.then(checkItsEvent);
}

/** A process that does not know the machine can send, and take nothing. */
async function mailed(at: ActorAt, item: EventItem): Promise<Receipt> {
  const box = await mailbox(at);
  if (item.start !== null) servicesOf(at.work.context).actors.machines.mustKnow(box.machine);
  return sendMail(at.work, box, item, { from: null });
}

async function mailbox({ work, id, machine }: ActorAt): Promise<{ id: string; machine: string }> {
  if (machine !== null) return { id, machine: machine.name };
  const record = await work.read('actor', id);
  if (record === undefined) throw new SignalboxError('ACTOR_NOT_FOUND', { id });
  return { id, machine: record.machine };
}

/** The machine of the actor, if this process takes its events; null: it does not. */
async function knownMachine({ work, id, machine }: ActorAt): Promise<string | null> {
  const { machines } = servicesOf(work.context).actors;
  const name = machine?.name ?? (await work.read('actor', id))?.machine;
  if (name === undefined) throw new SignalboxError('ACTOR_NOT_FOUND', { id });
  return machines.get(name) === undefined ? null : name;
}

/** Carries out what this process can only do itself. @throws SignalboxError `UNKNOWN_MACHINE`, `ACTOR_NOT_FOUND`, and what it leads to. */
export async function command(at: ActorAt, item: Item): Promise<Answer> {
  const machine = await knownMachine(at);
  if (machine === null) {
    const name = at.machine?.name ?? (await at.work.read('actor', at.id))?.machine ?? '';
    servicesOf(at.work.context).actors.machines.mustKnow(name);
  }
  return perform(at, machine as string, item);
}

function perform({ work, id }: ActorAt, machine: string, item: Item): Promise<Answer> {
  const { lines, turns } = servicesOf(work.context).actors;
  return work.isPartial
    ? takeWithin(turns, work, { id, machine, item }, lines)
    : lines.add(id, machine, item);
}

/** The record as it is synced. @throws SignalboxError `ACTOR_NOT_FOUND`. */
export async function recordOf({ work, id }: ActorAt): Promise<ActorRecord> {
  const record = await work.readChecked('actor', id);
  if (record === undefined || record.status === 'absent') throw new SignalboxError('ACTOR_NOT_FOUND', { id });
  return record;
}

/** Sends an event and gives the record after it. @throws SignalboxError `EVENT_REFUSED`, `ACTOR_SUSPENDED`, and what `send` throws. */
export async function ask(
  at: ActorAt,
  event: unknown,
  { id: given, timeout }: AskOptions = {},
): Promise<ActorRecord> {
  const id = given === undefined ? null : checkMessageId(given);
  const limit = timeout === undefined ? null : durationMs(timeout, 'timeout');
  const item = { kind: 'event', event: checkEvent(event), id, asks: true, start: null } as const;
  await checkSchemas(at, item);
  const asked = command(at, item);
  if (limit === null) return (await asked).record as ActorRecord;
  // The step may still be made: what is asked again under its id is known then.
  const answer = await answeredWithin(at.work.context.reactor, asked, limit);
  if (answer !== undefined) return answer.record as ActorRecord;
  asked.catch(() => {});
  throw new TimeoutError({ what: `actor ${at.id} to take "${item.event.type}"`, limit: durationText(limit) });
}

/** Makes handles of the jobs in what an actor holds. */
export function resolverOf({ work }: ActorAt): ResolveJob {
  const { handles } = servicesOf(work.context);
  return (id) => handles.reference(work.handles, id);
}

/** The snapshot of a record. @throws SignalboxError `UNKNOWN_MACHINE`. */
export function thawed(at: ActorAt, record: ActorRecord): unknown {
  const machine = at.machine ?? servicesOf(at.work.context).actors.machines.mustKnow(record.machine);
  const { prepared } = machine;
  const pinned = prepared.previous.find(({ version }) => version === record.version);
  return snapshotOf(pinned ?? prepared, record, resolverOf(at));
}
