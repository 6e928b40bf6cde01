/*
 * Room: actors.
 *
 * Owns: The life of durable actors: a turn of one actor as one commit, the line in which its messages stand, the
 *   delivery of mail and timers, and what its steps ask for: jobs, children, messages.
 *
 * Invariant: A turn changes the record of its actor only, and otherwise inserts. Its steps, the end of the messages
 *   that it takes and all that the steps ask for are one commit under the revision of that record.
 *
 * May import: environment, definitions, commits, jobs, execution, callbacks.
 */
import { hash } from 'node:crypto';
import type { EventObject } from 'xstate';
import type { ActorChild, ActorEvent, ActorParent } from '../../../machines/actor.machine.ts';
import type { Json } from '../../../machines/json.ts';
import { checkedStep } from '../../model/durable/checked.ts';
import type { DurableEffect, StepAt, Stepped } from '../../model/durable/machine.ts';
import { atInstant } from '../../model/durable/scope.ts';
import { endMachine, startMachine, stepMachine, stepTimer } from '../../model/durable/step.ts';
import { afterActorStep, newActorRecord, stepActor } from '../../model/jobs/actors/actor-step.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { outcomeLetter, putLetter } from '../commits/letters.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { MachineLike } from '../definitions/machines.ts';
import { freeLetterId, stopEvent, stopLetterId } from './messages.ts';

/** Something that a step does with jobs, as part of its commit. */
export type JobTask = (unit: UnitOfWork) => Promise<unknown>;

/** What an actor needs in a turn. */
export interface TurnTools {
  readonly at: Omit<StepAt, 'id' | 'parent'>;
  /** Each step is made twice and compared. */
  readonly checksSteps: boolean;
  newId(): string;
  /** The machine of a child. @throws SignalboxError `UNKNOWN_MACHINE`. */
  machine(name: string): MachineLike;
  /** The record of a child that may have been there before. */
  read(actor: string): Promise<ActorRecord | undefined>;
  /** What an effect does with jobs. */
  jobTask(actor: ActorRecord, machine: MachineLike, effect: DurableEffect): JobTask;
  /** Does what may be lost, once the commit is made. */
  carryOut(actor: string, effect: DurableEffect): void;
}

/** What a turn comes to. Nothing of it is done yet. */
export class TurnParts {
  readonly changes: Change[] = [];
  readonly expect: Precondition[] = [];
  readonly jobs: JobTask[] = [];
  readonly after: (() => void)[] = [];
  /** The children that were started, as the steps have left them. */
  readonly children = new Map<string, ActorRecord>();

  add({ changes, expect, jobs, after, children }: TurnParts): void {
    this.changes.push(...changes);
    this.expect.push(...expect);
    this.jobs.push(...jobs);
    this.after.push(...after);
    for (const [id, child] of children) this.children.set(id, child);
  }
}

/** Who an event is from, and how the journal names it. */
interface Named {
  readonly event: string;
  readonly arg?: Json | undefined;
}

/** One actor on its way through a turn. Each step is whole, or leaves nothing. */
export class ActorInTurn {
  readonly id: string;
  machine: MachineLike;
  readonly parts = new TurnParts();
  /** As the steps of this turn have left it; undefined: it was never there. */
  record: ActorRecord | undefined;
  readonly #tools: TurnTools;
  readonly #at: StepAt;

  constructor(tools: TurnTools, id: string, machine: MachineLike, record: ActorRecord | undefined) {
    this.#tools = tools;
    this.#at = { ...tools.at, id };
    this.id = id;
    this.machine = machine;
    this.record = record;
  }

  get status(): ActorRecord['status'] {
    return this.record?.status ?? 'absent';
  }

  get isAlive(): boolean {
    return this.status === 'active' || this.status === 'suspended';
  }

  get isSuspended(): boolean {
    return this.status === 'suspended';
  }

  get there(): ActorRecord {
    if (this.record === undefined) throw new Error(`actor ${this.id} was never there`);
    return this.record;
  }

  /** Returns what takes back all that is done from now on. */
  mark(): () => void {
    const { record, machine } = this;
    const { changes, expect, jobs, after, children } = this.parts;
    const lengths = [changes, expect, jobs, after].map((list) => list.length);
    const known = [...children.keys()];
    return () => {
      this.record = record;
      this.machine = machine;
      [changes, expect, jobs, after].forEach((list, place) => {
        list.length = lengths[place] ?? 0;
      });
      for (const id of children.keys()) if (!known.includes(id)) children.delete(id);
    };
  }

  /** Begins, or begins anew. @throws StepError, SignalboxError. */
  async start(input: unknown, arg: Json, parent: ActorParent | null): Promise<void> {
    const { prepared } = this.machine;
    const stepped = this.#made((at) => startMachine(prepared, this.record ?? null, input, { ...at, parent }));
    const { now: at } = this.#tools.at;
    const { ending, patch } = stepped;
    const event: ActorEvent = { type: 'actor.start', at, parent, ending, patch: patch as never };
    await this.#step(event, stepped, { event: 'signalbox.start', arg });
  }

  /**
   * Takes an event. Returns whether anything took it: otherwise nothing has changed. Most steps ask for nothing, and cost no promise.
   * @throws StepError, SignalboxError.
   */
  take(event: EventObject, arg: Json | undefined): boolean | Promise<boolean> {
    const stepped = this.#made((at) => stepMachine(this.machine.prepared, this.there, event, at));
    const { isTaken, effects, patch } = stepped;
    if (!isTaken && effects.length === 0 && Object.keys(patch).length === 0) return false;
    const pending = this.#stepped(stepped, { event: event.type, arg });
    return pending === undefined ? isTaken : pending.then(() => isTaken);
  }

  /** Takes a timer that is due. @throws StepError, SignalboxError. */
  async takeTimer(timer: string): Promise<void> {
    const event = this.there.timers?.[timer]?.[2] as unknown as EventObject;
    const stepped = this.#made((at) => stepTimer(this.machine.prepared, this.there, timer, at));
    await this.#stepped(stepped, { event: event.type, ...argOf(event as never) });
  }

  /** Drops a timer without taking it. */
  dropTimer(timer: string): void {
    const { [timer]: _dropped, ...timers } = this.there.timers ?? {};
    const dues = Object.values(timers).map(([dueAt]) => dueAt);
    const isNone = dues.length === 0;
    this.#change(
      {
        type: 'actor.step',
        at: this.#tools.at.now,
        ending: null,
        patch: { timers: isNone ? null : timers, dueAt: isNone ? null : Math.min(...dues) },
      },
      { event: 'signalbox.skip' },
    );
  }

  /** Its version is brought up. */
  migrate(patch: { readonly [key: string]: Json }, to: string): void {
    this.#change({ type: 'actor.migrate', patch: patch as never }, { event: 'signalbox.migrate' }, to);
  }

  suspend(failure: Failure): void {
    this.#change({ type: 'actor.suspend', failure: failure.data }, { event: 'signalbox.suspend' });
  }

  resume(): void {
    this.#change({ type: 'actor.resume' }, { event: 'signalbox.resume' });
  }

  /** Ends at once. Its children are stopped. `told`: what a parent that waits for it learns; null: nothing. */
  stop(told: Failure | null): void {
    this.#end({ type: 'actor.stop', at: this.#tools.at.now }, stopEvent, null, told);
  }

  /** Ends as one whose machine has failed. */
  fail(failure: Failure): void {
    const patch = { failure: failure.data };
    const event: ActorEvent = { type: 'actor.step', at: this.#tools.at.now, ending: 'failed', patch };
    this.#end(event, 'signalbox.fail', failure, failure);
  }

  #end(event: ActorEvent, name: string, failure: Failure | null, told: Failure | null): void {
    const before = this.there;
    const { effects } = endMachine(this.machine.prepared, before, failure, this.#at);
    this.#change(event, { event: name });
    for (const effect of effects)
      if (effect.type === 'stopChild') this.#stopChild(this.parts, effect.child.name, effect.child);
    if (told !== null) this.#tell(this.parts, { ok: false, failure: told.data });
  }

  /** Guards and assigns may ask for the instant of the step. */
  #made(make: (at: StepAt) => Stepped): Stepped {
    const { now } = this.#at;
    return atInstant(now, () => (this.#tools.checksSteps ? checkedStep(this.#at, make) : make(this.#at)));
  }

  #stepped(stepped: Stepped, named: Named): Promise<void> | undefined {
    const { ending, patch } = stepped;
    const { now: at } = this.#tools.at;
    return this.#step({ type: 'actor.step', at, ending, patch: patch as never }, stepped, named);
  }

  #step(event: ActorEvent, stepped: Stepped, named: Named): Promise<void> | undefined {
    const before = this.record ?? newActorRecord(this.id);
    const { from, to, ending, effects } = stepped;
    const change = stepActor(before, event, { event: named.event, arg: named.arg, from, to });
    const after = afterActorStep(before, change);
    if (effects.length > 0 || ending !== null) return this.#ask(change, after, stepped);
    this.parts.changes.push(change);
    this.record = after;
    return undefined;
  }

  /** A child that cannot be started undoes the step. */
  async #ask(change: Change, after: ActorRecord, { effects, ending }: Stepped): Promise<void> {
    const parts = new TurnParts();
    for (const effect of effects) await this.#effect(parts, after, effect);
    if (ending !== null && after.parent !== null)
      this.#tell(
        parts,
        ending === 'done'
          ? { ok: true, value: after.output }
          : { ok: false, failure: after.failure ?? Failure.from(new Error('the machine failed')).data },
        after,
      );
    this.parts.changes.push(change);
    this.parts.add(parts);
    this.record = after;
  }

  #change(event: ActorEvent, named: Named, to = this.there.state): void {
    const before = this.there;
    const change = stepActor(before, event, { event: named.event, arg: named.arg, from: before.state, to });
    this.parts.changes.push(change);
    this.record = afterActorStep(before, change);
  }

  async #effect(parts: TurnParts, after: ActorRecord, effect: DurableEffect): Promise<void> {
    const { now: at } = this.#tools.at;
    switch (effect.type) {
      case 'startJob':
      case 'put':
        parts.jobs.push(this.#tools.jobTask(after, this.machine, effect));
        return;
      case 'stopChild':
        this.#stopChild(parts, effect.child.name, effect.child);
        return;
      case 'startActor':
        await this.#startChild(parts, effect);
        return;
      case 'send': {
        const { actor } = effect.to;
        const machine = this.#machineOf(actor, after);
        const letter = { actor, machine, event: effect.event, from: this.id, run: null, at };
        parts.changes.push(putLetter(letter, freeLetterId(this.#tools.newId())));
        return;
      }
      default:
        parts.after.push(() => this.#tools.carryOut(this.id, effect));
    }
  }

  async #startChild(
    parts: TurnParts,
    { child, run, machine, id, input }: Extract<DurableEffect, { readonly type: 'startActor' }>,
  ): Promise<void> {
    // An earlier step of this turn may have started it, or one of its own children.
    const read = async (child: string): Promise<ActorRecord | undefined> =>
      parts.children.get(child) ?? this.parts.children.get(child) ?? this.#tools.read(child);
    const record = await read(id);
    const actor = new ActorInTurn({ ...this.#tools, read }, id, this.#tools.machine(machine.name), record);
    parts.expect.push(ifUnchanged(record ?? { id, rev: 0 }, 'actor'));
    // The run before it was told to stop, and has not taken that yet.
    if (actor.isAlive) actor.stop(null);
    await actor.start(input, null, { actor: this.id, machine: this.machine.name, child, run });
    parts.add(actor.parts);
    parts.children.set(id, actor.there);
  }

  /** The machine of an actor that a step sends to: itself, its parent, a child, or one that `sendToActor` names. */
  #machineOf(actor: string, { parent, children }: ActorRecord): string {
    if (actor === this.id) return this.machine.name;
    if (actor === parent?.actor) return parent.machine;
    const child = Object.values(children ?? {}).find(({ id }) => id === actor);
    const source = child === undefined ? undefined : this.machine.prepared.sources.get(child.src);
    return source?.kind === 'machine' ? source.machine.name : actor.slice(0, actor.indexOf('/'));
  }

  #stopChild(parts: TurnParts, name: string, child: ActorChild): void {
    if (child.kind === 'job') {
      const effect = { type: 'stopChild', child: { ...child, name } } as const;
      parts.jobs.push(this.#tools.jobTask(this.there, this.machine, effect));
      return;
    }
    const source = this.machine.prepared.sources.get(child.src);
    if (source?.kind !== 'machine') return;
    const { now: at } = this.#tools.at;
    const event = { type: stopEvent };
    const letter = {
      actor: child.id,
      machine: source.machine.name,
      event,
      from: this.id,
      run: child.run,
      at,
    };
    parts.changes.push(putLetter(letter, stopLetterId));
  }

  #tell(parts: TurnParts, outcome: Parameters<typeof outcomeLetter>[2], record = this.there): void {
    const { parent } = record;
    if (parent !== null) parts.changes.push(outcomeLetter(parent, this.id, outcome, this.#tools.at.now));
  }
}

/** The journal keeps no more of an event than this. */
const mostArgBytes = 16 * 1024;

/** What an event carries beside its type, as the journal keeps it: of a large one its digest. */
export function argOf(event: { readonly [key: string]: Json }): { readonly arg?: Json } {
  const { type: _type, ...arg } = event;
  let keys = 0;
  let isSmall = true;
  for (const key in arg) {
    const value = arg[key] as Json;
    keys += 1;
    if ((typeof value === 'object' && value !== null) || String(value).length >= 256) isSmall = false;
  }
  if (keys === 0) return {};
  // Most events are small, and need not be written twice.
  if (isSmall && keys < 32) return { arg };
  const text = JSON.stringify(arg);
  if (Buffer.byteLength(text) <= mostArgBytes) return { arg };
  return { arg: { $sha256: hash('sha256', text, 'hex') } };
}
