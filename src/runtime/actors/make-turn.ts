import type { EventObject } from 'xstate';
import type { Json } from '../../../machines/json.ts';
import { EventRefusedError, SignalboxError } from '../../errors.ts';
import { refusingGuards } from '../../model/durable/look.ts';
import { StepError } from '../../model/durable/machine.ts';
import { versionVerdict } from '../../model/durable/migrate.ts';
import type { ActorRecord, MessageRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { encodeValue } from '../../model/values/values.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { putLetter } from '../commits/letters.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { MachineLike, Machines } from '../definitions/machines.ts';
import { errorText } from '../environment/logging.ts';
import { storedJobOnly } from '../jobs/job-drafts.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import type { Answer, CommandItem, EventItem, Item, StartItem } from './actor-items.ts';
import { childJobId } from './child-jobs.ts';
import { DueMail, decodedEvent, mostMail } from './due-mail.ts';
import { freeLetterId, ifNew, takenLetter } from './messages.ts';
import { ActorInTurn, argOf, type JobTask, type TurnTools } from './turn.ts';

/** What turns are made with. */
export interface TurnDeps {
  readonly work: UnitOfWork;
  readonly handles: JobHandles;
  readonly machines: Machines;
  readonly jobTask: TurnTools['jobTask'];
  readonly carryOut: TurnTools['carryOut'];
  /** Asks the store anew when something becomes due. */
  readonly planDue: () => void;
}

/** What a turn comes to, before it is committed. */
export interface TurnPlan {
  /** The actor as it was read. */
  readonly read: ActorRecord | undefined;
  readonly changes: readonly Change[];
  readonly expect: readonly Precondition[];
  /** What its steps do with jobs: to be done on a unit that is committed with it. */
  readonly jobs: readonly JobTask[];
  /** What follows its commit. */
  readonly after: readonly (() => void)[];
  /** By the place of the item. Items without an answer are left for the next turn. */
  readonly answers: ReadonlyMap<number, Answer | Error>;
  /** Something may become due earlier than before. */
  readonly plansDue: boolean;
  /** There may be more mail. */
  readonly hasMore: boolean;
}

/** How a turn is made. */
export interface TurnOptions {
  /** Mail and what is due are taken, before the items. Otherwise the commit expects that there is no mail. */
  readonly readsMail: boolean;
  /** Events that no caller waits for go to the mailbox: others change the actor all the time. */
  readonly isMailed: boolean;
}

/** Makes the turn of an actor: reads its record and computes all that is to be committed. Nothing is written. */
export async function makeTurn(
  deps: TurnDeps,
  id: string,
  machine: string,
  items: readonly Item[],
  options: TurnOptions,
): Promise<TurnPlan> {
  const { work, machines } = deps;
  const record = await (work.isPartial ? work.readChecked('actor', id) : work.read('actor', id));
  // An actor that begins anew takes nothing that was sent to its earlier life.
  const readsMail = options.readsMail || (items[0]?.kind === 'start' && record !== undefined);
  const mail = readsMail ? await work.context.store.mail(id, mostMail) : [];
  const turn = new TurnInMaking(deps, machines.mustKnow(record?.machine ?? machine), id, record);
  await turn.make(items, mail, { ...options, readsMail });
  return turn.plan(mail.length === mostMail);
}

class TurnInMaking {
  readonly #deps: TurnDeps;
  readonly #actor: ActorInTurn;
  readonly #read: ActorRecord | undefined;
  readonly #tools: TurnTools;
  readonly #expect: Precondition[] = [];
  readonly #changes: Change[] = [];
  readonly #answers = new Map<number, Answer | Error>();
  readonly #ids = new Set<string>();
  readonly #due: DueMail;
  #isMailLeft = false;
  /** An event was noted as taken, whether or not it has changed anything. */
  #isNoted = false;

  constructor(deps: TurnDeps, machine: MachineLike, id: string, record: ActorRecord | undefined) {
    this.#deps = deps;
    this.#read = record;
    const { work, handles, machines } = deps;
    const { context } = work;
    const now = context.store.now();
    const at = {
      now,
      refer: storedJobOnly,
      resolve: (job: string) => handles.reference(work.handles, job),
      limits: context.limits,
      jobId: (actor: string, child: string, run: number) => childJobId(actor, child, run, now),
    };
    this.#tools = {
      at,
      checksSteps: machines.checksSteps,
      newId: () => context.ids.newId(),
      machine: (name) => machines.mustKnow(name),
      read: (actor) => work.read('actor', actor),
      jobTask: deps.jobTask,
      carryOut: deps.carryOut,
    };
    this.#actor = new ActorInTurn(this.#tools, id, machine, record);
    this.#due = new DueMail(context, this.#actor, now, (event) => decodedEvent(event, at.resolve));
  }

  get #id(): string {
    return this.#actor.id;
  }

  async make(items: readonly Item[], mail: readonly MessageRecord[], options: TurnOptions): Promise<void> {
    const first = items[0];
    if (this.#actor.status === 'active') this.#bringUp();
    if (options.readsMail) await this.#due.takeAll(mail);
    else if (this.#actor.status === 'active' && first?.kind === 'event') await this.#due.takeTimers();
    if (mail.length === mostMail && (first?.kind === 'event' || first?.kind === 'start')) return;
    for (const [index, item] of items.entries()) await this.#item(index, item, options);
    if (
      !options.readsMail &&
      items.some(({ kind }) => kind === 'event') &&
      (this.#actor.parts.changes.length > 0 || this.#isNoted)
    )
      this.#expect.push({ check: 'noMail', id: this.#id });
  }

  plan(hasMore: boolean): TurnPlan {
    const { parts, record } = this.#actor;
    const { ended } = this.#due;
    const changes = [...parts.changes, ...this.#due.changes, ...this.#changes];
    const expect = [...parts.expect, ...this.#expect];
    const isChanged = parts.changes.some(({ kind, id }) => kind === 'actor' && id === this.#id);
    // What is dropped, is dropped by what was read: the actor may have begun, or have another child, by now.
    if (isChanged || this.#isNoted || ended.length > 0)
      expect.push(ifUnchanged(this.#read ?? { id: this.#id, rev: 0 }, 'actor'));
    // Another process may have dropped them: the revision of the actor would not say so.
    for (const message of ended) expect.push(ifUnchanged(message, 'message'));
    const isDue = (record?.dueAt ?? Number.POSITIVE_INFINITY) <= this.#tools.at.now;
    return {
      ...{ read: this.#read, changes, expect, jobs: parts.jobs, after: parts.after, answers: this.#answers },
      plansDue: changes.some(({ kind, patch }) => kind === 'actor' && patch !== null && patch.dueAt != null),
      hasMore: !this.#actor.isSuspended && (hasMore || this.#isMailLeft || isDue),
    };
  }

  /** Goes on in the version that this process has, or is suspended until one comes that knows its own. */
  #bringUp(): void {
    const { machine, there } = this.#actor;
    try {
      const verdict = versionVerdict(machine.prepared, there, { ...this.#tools.at, id: this.#id });
      if (verdict.is === 'pinned') this.#actor.machine = { ...machine, prepared: verdict.machine };
      else if (verdict.is === 'migrates') this.#actor.migrate(verdict.patch, verdict.to);
      else if (verdict.is === 'unknown') this.#actor.suspend(Failure.from(this.#unknownVersion()));
    } catch (error) {
      // A migration that throws would throw again.
      if (!(error instanceof StepError)) throw error;
      this.#actor.suspend(error.failure);
    }
  }

  #unknownVersion(): SignalboxError {
    const { prepared } = this.#actor.machine;
    const { machine, version } = this.#actor.there;
    const known = [prepared, ...prepared.previous].map((each) => each.version);
    return new SignalboxError('UNKNOWN_VERSION', { id: this.#id, machine, version, known });
  }

  async #item(index: number, item: Item, options: TurnOptions): Promise<void> {
    try {
      if (item.kind === 'start') await this.#start(index, item);
      else if (item.kind === 'event') await this.#event(index, item, options);
      else await this.#command(index, item);
    } catch (error) {
      if (!(error instanceof StepError) && !(error instanceof SignalboxError)) throw error;
      this.#answers.set(index, this.#refusal(item, error));
    }
  }

  #refusal(item: Item, error: StepError | SignalboxError): Error {
    if (!(error instanceof StepError)) return error;
    const event = item.kind === 'event' ? item.event.type : 'signalbox.start';
    const details = { id: this.#id, event, failure: errorText(error.failure) };
    return new SignalboxError('STEP_FAILED', details, { cause: error.cause });
  }

  async #start(index: number, { input, ifExists }: StartItem): Promise<void> {
    const actor = this.#actor;
    const { status } = actor;
    if (status !== 'absent' && ifExists === 'return') return this.#answer(index, null);
    if (actor.isAlive || (status !== 'absent' && ifExists === 'refuse'))
      throw new SignalboxError('ACTOR_EXISTS', { id: this.#id, status });
    await this.#begin(input);
    this.#answer(index, true);
  }

  async #begin(input: unknown): Promise<void> {
    const { limits } = this.#deps.work.context;
    const arg = input === undefined ? null : encodeValue(input, 'input', storedJobOnly, limits);
    await this.#actor.start(input, arg, null);
  }

  /** An actor that its first event starts: both, or neither. */
  async #beginWith(index: number, item: EventItem, input: unknown): Promise<void> {
    const undo = this.#actor.mark();
    try {
      await this.#begin(input);
      await this.#event(index, { ...item, start: null, id: null }, { readsMail: true, isMailed: false });
      if (item.id !== null) this.#note(item.id);
    } catch (error) {
      undo();
      throw error;
    }
  }

  async #event(index: number, item: EventItem, { isMailed }: TurnOptions): Promise<void> {
    const actor = this.#actor;
    const { event, id, asks } = item;
    if (id !== null && (await this.#isKnown(id))) {
      const receipt = { actor: this.#id, taken: null, isDuplicate: true };
      this.#answers.set(index, { receipt, record: actor.record });
      return;
    }
    if (actor.status === 'absent') {
      if (item.start === null) throw new SignalboxError('ACTOR_NOT_FOUND', { id: this.#id });
      return this.#beginWith(index, item, item.start.input);
    }
    if (!actor.isAlive) throw new SignalboxError('ACTOR_FINISHED', { id: this.#id, status: actor.status });
    const encoded = encodeValue(event, 'event', storedJobOnly, this.#deps.work.context.limits) as {
      readonly [key: string]: Json;
    };
    const { now: at } = this.#tools.at;
    if (actor.status === 'suspended' || (isMailed && !asks)) {
      if (asks) throw suspended(actor.there);
      const { name: machine } = actor.machine;
      const letter = { actor: this.#id, machine, event: encoded, from: null, run: null, at };
      this.#changes.push(putLetter(letter, id ?? freeLetterId(this.#tools.newId())));
      const { mail: most } = this.#deps.work.context.limits;
      this.#expect.push({ check: 'accepts', id: this.#id });
      if (most < Number.POSITIVE_INFINITY)
        this.#expect.push({ check: 'atMost', of: 'mail', id: this.#id, most });
      if (id !== null) this.#expect.push(ifNew(this.#id, id));
      this.#isMailLeft = actor.status === 'active';
      return this.#answer(index, null);
    }
    const isTaken = await actor.take(decodedEvent(encoded, this.#tools.at.resolve), argOf(encoded).arg);
    if (asks && !isTaken) throw this.#eventRefused(event);
    if (id !== null) this.#note(id);
    this.#answer(index, isTaken);
  }

  /** A message under this id is taken. */
  #note(id: string): void {
    const { machine } = this.#actor;
    this.#isNoted = true;
    this.#changes.push(takenLetter({ actor: this.#id, machine: machine.name, at: this.#tools.at.now }, id));
    this.#expect.push(ifNew(this.#id, id));
  }

  #eventRefused(event: EventObject): EventRefusedError {
    const { state } = this.#actor.there;
    const guards = refusingGuards(this.#actor.machine.prepared, this.#actor.there, event);
    return new EventRefusedError({ id: this.#id, event: event.type, state, guards });
  }

  async #isKnown(id: string): Promise<boolean> {
    if (this.#ids.has(id)) return true;
    this.#ids.add(id);
    return (await this.#deps.work.read('message', `${this.#id}#${id}`)) !== undefined;
  }

  async #command(index: number, { kind, reason }: CommandItem): Promise<void> {
    const actor = this.#actor;
    if (actor.record === undefined) throw new SignalboxError('ACTOR_NOT_FOUND', { id: this.#id });
    if (!actor.isAlive) throw new SignalboxError('ACTOR_FINISHED', { id: this.#id, status: actor.status });
    if (kind === 'stop') {
      actor.stop(Failure.from(new SignalboxError('ACTOR_FINISHED', { id: this.#id, status: 'stopped' })));
      this.#isMailLeft = true;
    } else if (kind === 'suspend') actor.suspend(Failure.from(new Error(reason)));
    else {
      // Refused unless it is suspended: then nothing is skipped.
      actor.resume();
      if (kind === 'skip') await this.#due.skip();
      this.#isMailLeft = true;
    }
    this.#answer(index, null);
  }

  #answer(index: number, isTaken: boolean | null): void {
    const receipt = { actor: this.#id, taken: isTaken, isDuplicate: false };
    this.#answers.set(index, { receipt, record: this.#actor.record });
  }
}

function suspended({ id, failure }: ActorRecord): SignalboxError {
  const text = failure === null ? 'no reason is known' : errorText(new Failure(failure));
  return new SignalboxError('ACTOR_SUSPENDED', { id, failure: text });
}
