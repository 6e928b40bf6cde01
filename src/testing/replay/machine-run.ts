import type { AnyEventObject, EventObject } from 'xstate';
import type { ActorEvent, ActorTimer } from '../../../machines/actor.machine.ts';
import type { Json } from '../../../machines/json.ts';
import { defaultLimits } from '../../model/checks/limits.ts';
import { encodeTop } from '../../model/durable/freeze.ts';
import type { PreparedMachine, StepAt, Stepped, StoredSnapshot } from '../../model/durable/machine.ts';
import { atInstant } from '../../model/durable/scope.ts';
import { endMachine, startMachine, stepMachine, stepTimer } from '../../model/durable/step.ts';
import { afterActorStep, newActorRecord, stepActor } from '../../model/jobs/actors/actor-step.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import { canonicalJson } from '../../model/values/canonical-json.ts';
import { Failure } from '../../model/values/failure.ts';
import { encodeValue } from '../../model/values/values.ts';
import { invalid } from '../check-options.ts';
import { JobStandIn } from '../simulate/oracle/events.ts';

/** One step that an actor has made. */
export interface ActorStepMade {
  readonly at: Date;
  readonly event: string;
  /** The states before and after; null: it was not there. */
  readonly from: string | null;
  readonly to: string;
}

/** Something that came and moved nothing. */
export interface EventRefused {
  readonly at: Date;
  readonly event: string;
  /** What its step threw; null: nothing took it. */
  readonly failure: Failure | null;
}

const mostTimers = 100_000;

/** The steps of one actor in virtual time. They are pure: nothing that they ask for is done. */
export class MachineRun {
  readonly steps: ActorStepMade[] = [];
  readonly refused: EventRefused[] = [];
  record: ActorRecord;
  readonly #machine: PreparedMachine;
  readonly #isTold: boolean;
  #now: number;
  #fired = 0;

  /** `isTold`: timers fire where the story has them, and not by themselves. */
  constructor(machine: PreparedMachine, now: number, isTold: boolean) {
    this.#machine = machine;
    this.#now = now;
    this.#isTold = isTold;
    this.record = newActorRecord(`${machine.name}/replayed`);
  }

  get #at(): StepAt {
    return {
      id: this.record.id,
      now: this.#now,
      refer: (value) => (value instanceof JobStandIn ? value.id : null),
      resolve: (job) => new JobStandIn(job),
      limits: defaultLimits,
      jobId: (actor, child, run) => `${actor}/${child}/${run}`,
    };
  }

  start(input: unknown): void {
    const stepped = atInstant(this.#now, () =>
      startMachine(this.#machine, null, input, { ...this.#at, parent: null }),
    );
    const { ending, patch } = stepped;
    const event: ActorEvent = {
      type: 'actor.start',
      at: this.#now,
      parent: null,
      ending,
      patch: patch as never,
    };
    this.#move(event, { ...stepped, event: 'signalbox.start' });
  }

  /** Begins where an actor was. */
  goOnFrom({ state, context, history, timers, children }: Omit<StoredSnapshot, 'version'>): void {
    const { name, version, hash, kind } = this.#machine;
    const kept = kind === 'reducer' ? { '': context } : context;
    const stored = Object.entries(kept).map(([key, value]) => [
      `c:${key}`,
      encodeTop(value, `context.${key}`, this.#at),
    ]);
    const dues = Object.values(timers ?? {}).map(([dueAt]) => dueAt);
    this.record = {
      ...this.record,
      ...Object.fromEntries(stored),
      ...{ rev: 1, status: 'active', machine: name, version, hash, state, history, timers, children },
      ...{ dueAt: dues.length === 0 ? null : Math.min(...dues), startedAt: this.#now },
    };
    this.#note('signalbox.start', null);
  }

  /** Lets time pass: timers fire at their instants. */
  goOnUntil(end: number): void {
    for (let next = this.#nextTimer(end); next !== undefined; next = this.#nextTimer(end)) {
      const [id, [dueAt]] = next;
      this.#fired += 1;
      if (this.#fired > mostTimers)
        throw invalid('story', `a story in which at most ${mostTimers} timers fire`, 'a longer one');
      this.#now = Math.max(this.#now, dueAt);
      this.#fire(id);
    }
    this.#now = end;
  }

  #nextTimer(end: number): readonly [string, ActorTimer] | undefined {
    if (this.#isTold || this.record.status !== 'active') return undefined;
    return Object.entries(this.record.timers ?? {})
      .filter(([, [dueAt]]) => dueAt <= end)
      .sort(([, [dueAt, seq]], [, [otherAt, otherSeq]]) => dueAt - otherAt || seq - otherSeq)[0];
  }

  #fire(id: string): void {
    const event = typeOf(this.record.timers?.[id]?.[2] ?? null);
    const isMade = this.#try(event, () => stepTimer(this.#machine, this.record, id, this.#at));
    // Its actor would wait for a repair.
    if (!isMade) this.#suspend();
  }

  take(event: AnyEventObject): void {
    const isOwn = !event.type.startsWith('signalbox.');
    const timer = isOwn && this.record.status === 'active' ? this.#timerOf(event) : undefined;
    if (!isOwn) this.#command(event);
    else if (this.record.status !== 'active') this.#refuse(event.type, null);
    else if (timer !== undefined) this.#fire(timer);
    // Nothing but its timer brings it.
    else if (event.type.startsWith('xstate.after.')) this.#refuse(event.type, null);
    else this.#try(event.type, () => stepMachine(this.#machine, this.record, event, this.#at));
  }

  /** The timer that an event of a story is the firing of. */
  #timerOf(event: EventObject): string | undefined {
    const text = canonicalJson(encodeValue(event, 'event', this.#at.refer, defaultLimits, true));
    const due = Object.entries(this.record.timers ?? {}).filter(
      ([, [dueAt, , sent]]) => dueAt <= this.#now && canonicalJson(sent) === text,
    );
    return due.sort(([, [dueAt]], [, [otherAt]]) => dueAt - otherAt)[0]?.[0];
  }

  #command(event: AnyEventObject): void {
    switch (event.type) {
      case 'signalbox.suspend':
        this.#suspend();
        break;
      case 'signalbox.resume':
        this.#move({ type: 'actor.resume' }, this.#stays(event.type));
        break;
      case 'signalbox.skip':
        this.#skip(String(event.timer));
        break;
      case 'signalbox.stop':
        this.#move({ type: 'actor.stop', at: this.#now }, this.#stays(event.type));
        break;
      case 'signalbox.fail':
        this.#fail(Failure.from(event.error));
        break;
      default:
        throw invalid('story', 'events of the machine, or what was done to its actor', event.type);
    }
  }

  #fail(failure: Failure): void {
    const { patch } = endMachine(this.#machine, this.record, failure, this.#at);
    const moved: ActorEvent = { type: 'actor.step', at: this.#now, ending: 'failed', patch: patch as never };
    this.#move(moved, this.#stays('signalbox.fail'));
  }

  #stays(event: string): { readonly event: string; readonly from: string; readonly to: string } {
    return { event, from: this.record.state, to: this.record.state };
  }

  #suspend(): void {
    if (this.record.status !== 'active') return;
    const failure = Failure.from(new Error('suspended')).data;
    this.#move({ type: 'actor.suspend', failure }, this.#stays('signalbox.suspend'));
  }

  #skip(timer: string): void {
    const { [timer]: _dropped, ...timers } = this.record.timers ?? {};
    const dues = Object.values(timers).map(([dueAt]) => dueAt);
    const patch = dues.length === 0 ? { timers: null, dueAt: null } : { timers, dueAt: Math.min(...dues) };
    if (this.record.status === 'suspended')
      this.#move({ type: 'actor.resume' }, this.#stays('signalbox.resume'));
    this.#move({ type: 'actor.step', at: this.#now, ending: null, patch }, this.#stays('signalbox.skip'));
  }

  /** Makes a step, unless it throws: then nothing of it is left. */
  #try(event: string, make: () => Stepped): boolean {
    try {
      const stepped = atInstant(this.#now, make);
      const { isTaken, effects, patch, ending } = stepped;
      if (!isTaken && effects.length === 0 && Object.keys(patch).length === 0) this.#refuse(event, null);
      else
        this.#move(
          { type: 'actor.step', at: this.#now, ending, patch: patch as never },
          { ...stepped, event },
        );
      return true;
    } catch (error) {
      const { cause } = Object(error) as { readonly cause?: unknown };
      this.#refuse(event, Failure.from(cause ?? error));
      return false;
    }
  }

  #refuse(event: string, failure: Failure | null): void {
    this.refused.push({ at: new Date(this.#now), event, failure });
  }

  #move(
    moved: ActorEvent,
    { event, from, to }: { readonly event: string; readonly from: string | null; readonly to: string },
  ): void {
    const isFirst = this.record.rev === 0;
    const change = stepActor(this.record, moved, { event, from, to });
    this.record = { ...afterActorStep(this.record, change), rev: this.record.rev + 1 };
    this.#note(event, isFirst ? null : from);
  }

  #note(event: string, from: string | null): void {
    this.steps.push({ at: new Date(this.#now), event, from, to: this.record.state });
  }
}

function typeOf(event: Json): string {
  return String((event as { readonly type?: unknown } | null)?.type);
}
