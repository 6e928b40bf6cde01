import type { Json } from '../../../../machines/json.ts';
import { defaultLimits } from '../../../model/checks/limits.ts';
import { checkedStep } from '../../../model/durable/checked.ts';
import { wayOf } from '../../../model/durable/look.ts';
import {
  type DurableEffect,
  type PreparedMachine,
  type StepAt,
  StepError,
  type Stepped,
} from '../../../model/durable/machine.ts';
import { type ChildOutcome, outcomeEvent } from '../../../model/durable/outcome.ts';
import { atInstant } from '../../../model/durable/scope.ts';
import {
  afterStepped,
  endMachine,
  newActorRecord,
  startMachine,
  stepMachine,
  stepTimer,
} from '../../../model/durable/step.ts';
import { dueTimers } from '../../../model/durable/timers.ts';
import { Failure } from '../../../model/values/failure.ts';
import { decodeValue } from '../../../model/values/values.ts';
import { type ActorRecord, JobStandIn } from '../../simulate/oracle/events.ts';
import { type JobChild, jobChildOf } from './job-child.ts';
import {
  type Grown,
  type JobEffect,
  type Moved,
  nextDue,
  type Root,
  type Tree,
  type TreeActor,
  type TreeStep,
} from './tree.ts';

type Letter =
  | { readonly to: string; readonly event: Json }
  | {
      readonly to: string;
      readonly child: string;
      readonly run: number;
      readonly outcome: ChildOutcome;
    };

const mostSteps = 1000;

/** Starts an actor. @throws what its machine throws. */
export function planted(root: Root, input: unknown, now: number): Grown {
  const growth = new Growth(root, { now, actors: new Map(), jobs: new Map() });
  growth.start(root.id, root.machine, input, null);
  return growth.settled();
}

/** Makes a step, and all that follows from it at that instant. */
export function grown(root: Root, tree: Tree, step: TreeStep): Grown {
  const growth = new Growth(root, tree);
  try {
    growth.take(step);
  } catch (error) {
    return { tree, moved: [], jobs: [], refused: error as Error };
  }
  return growth.settled();
}

class Growth {
  #now: number;
  readonly #root: Root;
  #actors: Map<string, TreeActor>;
  #jobs: Map<string, JobChild>;
  #mail: Letter[] = [];
  #moved: Moved[] = [];
  #asked: JobEffect[] = [];

  constructor(root: Root, { now, actors, jobs }: Tree) {
    this.#root = root;
    this.#now = now;
    this.#actors = new Map(actors);
    this.#jobs = new Map(jobs);
  }

  settled(): Grown {
    for (let count = 0; this.#next(); count += 1)
      if (count === mostSteps)
        throw new Error(
          `Expected machine "${this.#root.machine.name}" to come to rest, got ${mostSteps} steps at one instant. Look for actors that write to each other, or timers of 0 ms, without end.`,
        );
    const tree = { now: this.#now, actors: this.#actors, jobs: this.#jobs };
    return { tree, moved: this.#moved, jobs: this.#asked, refused: null };
  }

  /** @throws what the machine throws at an event from outside. */
  take(step: TreeStep): void {
    if (step.kind === 'event') this.#whole(() => this.#event(step.actor, step.event));
    else if (step.kind === 'time')
      this.#now = Math.max(this.#now, nextDue({ actors: this.#actors })?.at ?? 0);
    else {
      const job = this.#jobs.get(step.job) as JobChild;
      this.#jobs.delete(step.job);
      const { actor, child, run } = job;
      this.#mail.push({ to: actor, child, run, outcome: step.outcome });
    }
  }

  /** Timers that are due come before mail. Returns whether anything was left to do. */
  #next(): boolean {
    for (const [id, { machine, record }] of this.#actors) {
      const [timer] = record.status === 'active' ? dueTimers(record, this.#now) : [];
      if (timer === undefined) continue;
      const armed = record.timers?.[timer] as unknown as readonly [number, number, { readonly type: string }];
      this.#guarded(id, () => {
        const stepped = this.#made(id, machine, (at) => stepTimer(machine, record, timer, at));
        this.#step(id, machine, stepped, armed[2].type);
      });
      return true;
    }
    const letter = this.#mail.shift();
    if (letter === undefined) return false;
    if (this.#actors.get(letter.to)?.record.status === 'active')
      this.#guarded(letter.to, () => this.#deliver(letter));
    return true;
  }

  #deliver(letter: Letter): void {
    const { record } = this.#actors.get(letter.to) as TreeActor;
    const event =
      'event' in letter
        ? decodeValue(letter.event, resolve)
        : outcomeEvent(record, letter.child, letter.run, letter.outcome);
    if (event !== null) this.#event(letter.to, event as { readonly type: string });
  }

  #event(id: string, event: { readonly type: string }): void {
    const { machine, record } = this.#actors.get(id) as TreeActor;
    const stepped = this.#made(id, machine, (at) => stepMachine(machine, record, event, at));
    const { isTaken, effects, patch } = stepped;
    if (isTaken || effects.length > 0 || Object.keys(patch).length > 0)
      this.#step(id, machine, stepped, event.type);
  }

  start(id: string, machine: PreparedMachine, input: unknown, parent: ActorRecord['parent']): void {
    const previous = this.#actors.get(id)?.record ?? null;
    const stepped = this.#made(id, machine, (at) =>
      startMachine(machine, previous, input, { ...at, parent }),
    );
    this.#step(id, machine, stepped, 'signalbox.start', { ...(previous ?? newActorRecord(id)), parent });
  }

  #made(id: string, machine: PreparedMachine, make: (at: StepAt) => Stepped): Stepped {
    // What a machine stores of a job is its id.
    const refer = (value: unknown): string | null => (value instanceof JobStandIn ? value.id : null);
    const at = { id, now: this.#now, refer, resolve, limits: defaultLimits };
    return atInstant(this.#now, () => (machine.engine === null ? make(at) : checkedStep(at, make)));
  }

  #step(
    id: string,
    machine: PreparedMachine,
    stepped: Stepped,
    event: string,
    before = this.#actors.get(id)?.record as ActorRecord,
  ): void {
    const record = afterStepped(before, stepped);
    const { from, to, transitions } = stepped;
    const ways = transitions.map((each) => ({
      source: each.source.path.join('.'),
      ...wayOf(each.eventType, each),
    }));
    this.#actors.set(id, { machine, record });
    this.#moved.push({ actor: id, machine, event, from, to, ways });
    for (const effect of stepped.effects) this.#effect(id, machine, effect);
    if (stepped.ending === 'done') {
      const value = record.output === null ? undefined : decodeValue(record.output, resolve);
      this.#tell(record, { ok: true, value });
    }
  }

  #effect(id: string, machine: PreparedMachine, effect: DurableEffect): void {
    switch (effect.type) {
      case 'startJob':
        this.#asked.push({ ...effect, machine });
        this.#jobs.set(`${id}/${effect.child}`, jobChildOf(id, effect, this.#now));
        return;
      case 'put':
        this.#asked.push({ ...effect, machine });
        return;
      case 'startActor': {
        const { child, run } = effect;
        this.start(effect.id, effect.machine, effect.input, { actor: id, machine: machine.name, child, run });
        return;
      }
      case 'stopChild':
        if (effect.child.kind === 'job') this.#jobs.delete(`${id}/${effect.child.name}`);
        else this.#end(effect.child.id, null);
        return;
      case 'send':
        this.#mail.push({ to: effect.to.actor, event: effect.event });
    }
  }

  /** Stops an actor, or lets it have failed. */
  #end(id: string, failure: Failure | null): void {
    const actor = this.#actors.get(id);
    if (actor === undefined || (actor.record.status !== 'active' && actor.record.status !== 'suspended'))
      return;
    const { machine, record: before } = actor;
    const ended = this.#made(id, machine, (at) => endMachine(machine, before, failure, at) as Stepped);
    const event = failure === null ? 'signalbox.stop' : 'signalbox.fail';
    this.#step(id, machine, ended, event);
    if (failure !== null) this.#tell(before, { ok: false, failure });
  }

  #tell({ parent }: ActorRecord, outcome: ChildOutcome): void {
    if (parent === null) return;
    const { actor, child, run } = parent;
    this.#mail.push({ to: actor, child, run, outcome });
  }

  /** What the flow cannot do without: when it throws, its actor waits for a repair, or has failed. */
  #guarded(id: string, make: () => void): void {
    try {
      this.#whole(make);
    } catch (error) {
      const failure = error instanceof StepError ? error.failure : Failure.from(error);
      const { machine, record } = this.#actors.get(id) as TreeActor;
      if (id === this.#root.id && this.#root.onError === 'fail') this.#end(id, failure);
      else {
        const suspended = { ...record, status: 'suspended', failure: failure.data } as unknown as ActorRecord;
        this.#actors.set(id, { machine, record: suspended });
        const { state } = record;
        this.#moved.push({
          actor: id,
          machine,
          event: 'signalbox.suspend',
          from: state,
          to: state,
          ways: [],
        });
      }
    }
  }

  /** A step is whole, or leaves nothing. */
  #whole(make: () => void): void {
    const [actors, jobs] = [new Map(this.#actors), new Map(this.#jobs)];
    const lengths = [this.#mail, this.#moved, this.#asked].map(({ length }) => length);
    try {
      make();
    } catch (error) {
      this.#actors = actors;
      this.#jobs = jobs;
      [this.#mail, this.#moved, this.#asked].forEach((list, place) => {
        list.length = lengths[place] ?? 0;
      });
      throw error;
    }
  }
}

function resolve(job: string): JobStandIn {
  return new JobStandIn(job);
}
