import type { Failure } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { nextEvents, wouldTake } from '../../model/durable/look.ts';
import type { PreparedMachine } from '../../model/durable/machine.ts';
import { strangersIn } from '../../model/durable/migrate.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import type { StoreReader } from '../../store/reader.ts';
import { isAtWork } from '../agent-conditions.ts';
import type { KnownNames } from '../explanation.ts';
import type {
  ActorChildState,
  ActorExplanation,
  NextActorEvent,
  WaitingMessage,
  WaitingTimer,
} from './actor-explanation.ts';
import { verdictOnActor } from './actor-verdict.ts';

/** How many timers, children and messages are listed. */
const [mostTimers, mostChildren, mostMail] = [100, 100, 10];

/**
 * Explains where a durable actor is: what it may take next, what it waits for, and what blocks it. Changes nothing, and reads a store
 * that is open as well as one that is not. Undefined when there is no such actor. In a process that has the store open,
 * `box.explainActor(id)` knows more.
 *
 * @param names - what the program knows by name. Default null: nothing, so what may come next is not known.
 * @param blockedBy - why this process could not take its mail. Default null: it could, or that is not known.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineMachine, memoryStore } from 'signalbox';
 * import { explainActor } from 'signalbox/reading';
 * import { setup } from 'xstate';
 *
 * const door = defineMachine(
 *   setup({ types: { events: {} as { type: 'open' } } }).createMachine({
 *     id: 'door',
 *     version: '1',
 *     initial: 'closed',
 *     states: { closed: { on: { open: 'open' } }, open: {} },
 *   }),
 * );
 * const box = await createSignalbox({ store: memoryStore(), machines: [door] });
 * await box.actor(door, 'front').start();
 * const explanation = await explainActor(box.store, 'door/front', box.known);
 * console.log(explanation?.verdict.text); // => it waits for an event: open
 * await box.stop();
 * ```
 */
export async function explainActor(
  reader: StoreReader,
  id: string,
  names: KnownNames | null = null,
  blockedBy: Failure | null = null,
): Promise<ActorExplanation | undefined> {
  const actor = await reader.get('actor', id);
  if (actor === undefined || actor.status === 'absent') return undefined;
  const now = reader.now();
  const known = names === null ? null : (names.machine(actor.machine)?.prepared ?? null);
  const machine = known === null ? null : steppingMachine(known, actor);
  const next = machine === null ? null : nextOf(machine, actor);
  const timers = timersOf(actor, now);
  const mail = { count: await reader.mailCount(id), first: await mailOf(reader, id) };
  const children = await childrenOf(reader, actor);
  const explanation = {
    ...{ actor: id, machine: actor.machine, version: actor.version, status: actor.status },
    ...{ state: actor.state, at: now, startedAt: actor.startedAt, finishedAt: actor.finishedAt },
    ...{ failure: actor.failure, next, mail, children },
    childCount: Object.keys(actor.children ?? {}).length,
    timers: timers.slice(0, mostTimers),
    timerCount: timers.length,
    parent: actor.parent === null ? null : { actor: actor.parent.actor, child: actor.parent.child },
  };
  const isDelayed = mail.count > 0 || timers[0]?.inMs === 0;
  const verdict = verdictOnActor(explanation, {
    ...{ isKnown: names === null ? null : known !== null, isReducer: machine?.kind === 'reducer', blockedBy },
    isAtWork: isDelayed && actor.status === 'active' ? await someIsAtWork(reader) : null,
  });
  return { ...explanation, verdict };
}

/** The machine that makes the next step of an actor as it is stored; null: it is migrated first, or its version is not known. */
export function steppingMachine(machine: PreparedMachine, actor: ActorRecord): PreparedMachine | null {
  const all = [machine, ...machine.previous];
  const found = all.find(({ version }) => version === actor.version);
  return found !== undefined && strangersIn(found, actor).length === 0 ? found : null;
}

function nextOf(machine: PreparedMachine, actor: ActorRecord): readonly NextActorEvent[] {
  if (actor.status !== 'active' && actor.status !== 'suspended') return [];
  return nextEvents(machine, actor).map((each) => ({ ...each, isOpen: wouldTake(machine, actor, each) }));
}

function timersOf({ timers, status }: ActorRecord, now: number): readonly WaitingTimer[] {
  if (status !== 'active' && status !== 'suspended') return [];
  return Object.entries(timers ?? {})
    .sort(([, [dueAt, seq]], [, [otherDueAt, otherSeq]]) => dueAt - otherDueAt || seq - otherSeq)
    .map(([id, [dueAt, , event, to]]) => ({
      ...{ id, dueAt, to, event: typeOf(event) },
      inMs: Math.max(0, dueAt - now),
    }));
}

async function mailOf(reader: StoreReader, id: string): Promise<readonly WaitingMessage[]> {
  return (await reader.mail(id, mostMail)).map(({ id: message, event, from, at }) => ({
    ...{ id: message, from, at },
    event: typeOf(event),
  }));
}

/** The type of an event; null: a codec has encoded it that is not here. */
export function typeOf(event: Json): string | null {
  const type = (event as { readonly type?: Json } | null)?.type;
  return typeof type === 'string' ? type : null;
}

async function childrenOf(reader: StoreReader, actor: ActorRecord): Promise<readonly ActorChildState[]> {
  const states: ActorChildState[] = [];
  const children = Object.entries(actor.children ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  for (const [name, { kind, src, id, run }] of children.slice(0, mostChildren)) {
    const child = { name, kind, src, id, run };
    if (kind === 'job') {
      const job = await reader.get('job', id);
      states.push({ ...child, state: job?.state ?? null, ending: job?.ending ?? null, at: null });
    } else {
      const found = await reader.get('actor', id);
      states.push({ ...child, state: found?.status ?? null, ending: null, at: found?.state ?? null });
    }
  }
  return states;
}

/** Whether any process takes work from this store: each delivers mail and timers of the machines that it knows. */
async function someIsAtWork(reader: StoreReader): Promise<boolean> {
  const all = await reader.list('representation', '');
  return all.some((each) => isAtWork(each, reader.now()));
}
