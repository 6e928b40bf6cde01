import type { EventObject } from 'xstate';
import type { ActorChild, ActorTimer } from '../../../machines/actor.machine.ts';
import { SignalboxError, shown } from '../../errors.ts';
import { getOwn, setOwn } from '../checks/own-keys.ts';
import type { ActorRecord } from '../records/records.ts';
import { actionOf, type DurableAction } from './actions.ts';
import { type Changes, encodePart } from './freeze.ts';
import {
  childActorId,
  childJobId,
  type DurableEffect,
  type PreparedMachine,
  type StepAt,
} from './machine.ts';
import { isChildName } from './prepare/child-name.ts';
import { ActorRef, type AskedAction, type OpenStep } from './scope.ts';
import { Timers } from './timers.ts';

const mostChildren = 1000;
const mostEffects = 1000;
const mostRuns = 100;
/** In `runs`: the last run of every child that has no number of its own there. */
const anyChild = '*';

type Table<Value> = Record<string, Value>;

interface Spawned {
  readonly id: unknown;
  readonly actorRef?: { readonly id: string; readonly _syncSnapshot?: boolean };
  readonly src: unknown;
  readonly systemId: unknown;
  readonly input: unknown;
}

interface Sent {
  readonly to: unknown;
  readonly event: EventObject;
  readonly id?: string;
  readonly delay?: unknown;
}

/** What the actions of a step come to: effects, and the children and timers of the actor after it. */
export class Consequences {
  readonly effects: DurableEffect[] = [];
  readonly #machine: PreparedMachine;
  readonly #record: ActorRecord | null;
  readonly #at: StepAt;
  readonly #parent: string | null;
  readonly #timers: Timers;
  readonly #early: AskedAction[] = [];
  #children: Table<ActorChild> | null = null;
  #runs: Table<number> | null = null;

  constructor(machine: PreparedMachine, record: ActorRecord | null, at: StepAt, parent: string | null) {
    this.#machine = machine;
    this.#record = record;
    this.#at = at;
    this.#parent = parent;
    this.#timers = new Timers(record, at);
  }

  /** The timer fires: it is not pending any more. */
  cancelTimer(id: string): void {
    this.#timers.cancel(id);
  }

  /** The child has ended. */
  forget(name: string): void {
    const child = this.#childOf(name);
    if (child === undefined) return;
    delete this.#ownChildren()[name];
    setOwn(this.#ownRuns(), name, child.run);
    this.#timers.cancelTo(name);
  }

  /** Every child that is left is stopped. */
  stopAll(): void {
    for (const name of Object.keys(this.#children ?? this.#record?.children ?? {})) this.#stop(name);
  }

  /** Takes the actions of a step, in their order. */
  takeAll(step: OpenStep): void {
    if (step.actions.length === 0 && step.emitted.length === 0) return;
    const begins = new Set<unknown>();
    for (const { type, params } of step.actions)
      if (type === 'xstate.spawnChild') begins.add((params as Spawned).actorRef);
    for (const action of step.actions) {
      // An entry action may send to the child that its state invokes, which begins after it.
      if (action.type === 'xstate.sendTo' && begins.has((action.params as Sent).to)) this.#early.push(action);
      else this.#take(action, step);
      if (action.type !== 'xstate.spawnChild') continue;
      const { actorRef } = action.params as Spawned;
      begins.delete(actorRef);
      for (const early of this.#early.splice(0)) {
        if ((early.params as Sent).to === actorRef) this.#take(early, step);
        else this.#early.push(early);
      }
    }
    for (const event of step.emitted) this.#add({ type: 'emit', event });
  }

  #take(action: AskedAction, step: OpenStep): void {
    switch (action.type) {
      case 'xstate.raise':
        this.#raise(action.params as Sent);
        break;
      case 'xstate.sendTo':
        this.#send(action.params as Sent, step.self);
        break;
      case 'xstate.cancel':
        this.#timers.cancel((action.params as { readonly sendId: string }).sendId);
        break;
      case 'xstate.spawnChild':
        this.#start(action.params as Spawned);
        break;
      case 'xstate.stopChild':
        this.#stopRef(action.params as { readonly id: string } | undefined);
        break;
      case 'xstate.emit':
        this.#add({ type: 'emit', event: (action.params as Sent).event });
        break;
      case 'xstate.log': {
        const { value, label } = action.params as { readonly value: unknown; readonly label?: string };
        this.#add({ type: 'log', value, label });
        break;
      }
      default:
        this.#custom(action);
    }
  }

  #custom({ type, info, params, exec }: AskedAction): void {
    const given = { context: info.context, event: info.event };
    const action = actionOf(exec);
    if (action !== null) {
      this.#durable(action, given, params);
      return;
    }
    if (typeof exec !== 'function' || !this.#machine.transient.has(type))
      throw new TypeError(
        `Expected action "${type}" of machine "${this.#machine.name}" to be one of XState, put or sendToActor, got ${shown(exec)}. Code that acts may be lost, or called for a step that is not kept: put a job, or name the action in \`transient\`.`,
      );
    const self = new ActorRef(this.#at.id, '', undefined, undefined);
    this.#add({ type: 'transient', name: type, run: () => exec({ ...given, self }, params) });
  }

  #durable(action: DurableAction, given: { context: unknown; event: EventObject }, params: unknown): void {
    if (action.kind === 'put') {
      const args = action.args(given, params);
      if (!Array.isArray(args))
        throw new TypeError(
          `Expected the arguments of job "${action.job.definition.name}" in put() to be a list, got ${shown(args)}. Return [value].`,
        );
      this.#add({ type: 'put', job: action.job, args: [...args], options: action.options });
      return;
    }
    const { to, event } = action.message(given, params);
    if (typeof to !== 'string' || to === '')
      throw new TypeError(
        `Expected \`to\` of sendToActor to be the key of an actor of machine "${action.machine.name}", got ${shown(to)}. Return { to: key, event }.`,
      );
    this.#add({ type: 'send', to: { actor: `${action.machine.name}/${to}` }, event: this.#encoded(event) });
  }

  #raise({ event, delay, id }: Sent): void {
    // Without a delay XState has taken it in this very step.
    if (typeof delay === 'number') this.#timers.arm(id, delay, this.#encoded(event), null);
  }

  #send({ to, event, delay, id }: Sent, self: ActorRef): void {
    const target = this.#targetOf(to, self);
    if (target === undefined) return;
    const encoded = this.#encoded(event);
    if (typeof delay === 'number') this.#timers.arm(id, delay, encoded, target);
    else this.#add({ type: 'send', to: { actor: this.#addressOf(target) }, event: encoded });
  }

  /** Who gets a message: a child, `#parent`, or null for the actor itself; undefined: a job, which takes no messages. */
  #targetOf(to: unknown, self: ActorRef): string | null | undefined {
    if (to === self) return null;
    if (to === self._parent && to !== undefined) return '#parent';
    const { id, _parent } = (to ?? {}) as { readonly id?: unknown; readonly _parent?: unknown };
    if (_parent !== self || typeof id !== 'string')
      throw new TypeError(
        `Expected sendTo to name a child, the parent or the actor itself, got ${shown(to)}. A message to another actor is an action of its own: sendToActor(machine, () => ({ to, event })).`,
      );
    const child = this.#childOf(id);
    if (child === undefined)
      throw new TypeError(
        `Expected "${id}" to be a child of ${this.#at.id}, got one that has ended. Send while it is there.`,
      );
    return child.kind === 'job' ? undefined : id;
  }

  #addressOf(target: string | null): string {
    if (target === null) return this.#at.id;
    if (target === '#parent') return this.#parent as string;
    return this.#childOf(target)?.id ?? childActorId(this.#at.id, target);
  }

  #start({ id, actorRef, src, systemId, input }: Spawned): void {
    const name = actorRef?.id;
    const source = typeof src === 'string' ? this.#machine.sources.get(src) : undefined;
    if (source === undefined || typeof src !== 'string')
      throw new TypeError(
        `Expected spawnChild in machine "${this.#machine.name}" to name an actor of setup({ actors }), got ${shown(src)}. Name it there: fromJob(…), or a machine.`,
      );
    if (id === undefined || !isChildName(name))
      throw new TypeError(
        `Expected a child of "${src}" to have an id of 1 to 128 characters without / # | * and control characters, got ${shown(id === undefined ? id : name)}. Give spawnChild an id.`,
      );
    if (systemId !== undefined || actorRef?._syncSnapshot === true)
      throw new TypeError(
        `Expected child "${name}" to be started without systemId and syncSnapshot, got one with it. Send to a child by its id; it sends to its parent what that shall know.`,
      );
    if (this.#childOf(name) !== undefined) this.#stop(name);
    const run = this.#lastRun(name) + 1;
    const { id: actor } = this.#at;
    if (source.kind === 'machine') {
      const childId = childActorId(actor, name);
      this.#setChild(name, { kind: 'actor', src, id: childId, run });
      this.#add({ type: 'startActor', child: name, run, machine: source.machine, id: childId, input });
      return;
    }
    if (source.kind === 'job' && input !== undefined && !Array.isArray(input))
      throw new TypeError(
        `Expected the input of child "${name}" to be the list of arguments of job "${source.job.definition.name}", got ${shown(input)}. Let \`input\` return [value].`,
      );
    this.#setChild(name, { kind: 'job', src, id: (this.#at.jobId ?? childJobId)(actor, name, run), run });
    const given = source.kind === 'job' ? (input ?? []) : input;
    this.#add({ type: 'startJob', child: name, run, src, source, input: given });
  }

  #stopRef(ref: { readonly id: string } | undefined): void {
    if (ref !== undefined) this.#stop(ref.id);
  }

  #stop(name: string): void {
    const child = this.#childOf(name);
    if (child === undefined) return;
    delete this.#ownChildren()[name];
    this.#timers.cancelTo(name);
    const started = this.effects.findIndex(
      (each) =>
        (each.type === 'startJob' || each.type === 'startActor') &&
        each.child === name &&
        each.run === child.run,
    );
    if (started === -1) {
      setOwn(this.#ownRuns(), name, child.run);
      this.#add({ type: 'stopChild', child: { name, ...child } });
      return;
    }
    // It was to begin in this very step: it never does, and what was sent to it is dropped.
    const after = this.effects.splice(started).slice(1);
    this.effects.push(...after.filter((each) => each.type !== 'send' || each.to.actor !== child.id));
  }

  #childOf(name: string): ActorChild | undefined {
    return getOwn(this.#children ?? this.#record?.children ?? {}, name);
  }

  #setChild(name: string, child: ActorChild): void {
    const children = this.#ownChildren();
    setOwn(children, name, child);
    const actual = Object.keys(children).length;
    if (actual > mostChildren) throw this.#limit('children', mostChildren, actual);
  }

  #lastRun(name: string): number {
    const runs = this.#runs ?? this.#record?.runs ?? {};
    return getOwn(runs, name) ?? getOwn(runs, anyChild) ?? 0;
  }

  #ownChildren(): Table<ActorChild> {
    this.#children ??= { ...this.#record?.children };
    return this.#children;
  }

  #ownRuns(): Table<number> {
    this.#runs ??= { ...this.#record?.runs };
    return this.#runs;
  }

  #encoded(event: EventObject): ActorTimer[2] {
    return encodePart(event, 'event', this.#at);
  }

  #add(effect: DurableEffect): void {
    this.effects.push(effect);
    if (this.effects.length > mostEffects)
      throw this.#limit('effects in a step', mostEffects, this.effects.length);
  }

  #limit(what: string, limit: number, actual: number): SignalboxError {
    return new SignalboxError('ACTOR_LIMIT', { id: this.#at.id, what, limit, actual });
  }

  /** Adds what has changed. `isEnded`: the actor has no children and no timers any more. */
  writeTo(changes: Changes, isEnded: boolean): void {
    if (isEnded) this.#timers.clear();
    this.#timers.writeTo(changes);
    if (this.#children !== null) changes.children = emptyAsNull(this.#children);
    if (this.#runs !== null) changes.runs = folded(this.#runs);
  }
}

function emptyAsNull<Value>(table: Table<Value>): never {
  return (Object.keys(table).length === 0 ? null : table) as never;
}

/** Names of children may be without end: above a hundred the highest run stands for all of them. */
function folded(runs: Table<number>): Table<number> {
  const numbers = Object.values(runs);
  return numbers.length <= mostRuns ? runs : { [anyChild]: Math.max(...numbers) };
}
