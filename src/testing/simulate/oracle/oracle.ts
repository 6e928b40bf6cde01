/*
 * Room: oracle.
 *
 * Owns: What machines would have done: the pure step of an actor, made anew from what the journal says of it.
 *
 * Invariant: It makes steps from records and entries alone, and knows nothing of the runtime.
 *
 * May import: nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EventObject } from 'xstate';
import type { ActorEvent, ActorTimer } from '../../../../machines/actor.machine.ts';
import type { Json } from '../../../../machines/json.ts';
import { defaultLimits } from '../../../model/checks/limits.ts';
import { familyOf } from '../../../model/durable/family.ts';
import type { DurableEffect, PreparedMachine, StepAt, Stepped } from '../../../model/durable/machine.ts';
import { versionVerdict } from '../../../model/durable/migrate.ts';
import { endMachine, startMachine, stepMachine, stepTimer } from '../../../model/durable/step.ts';
import { snapshotOf } from '../../../model/durable/thaw.ts';
import {
  type ActorTransition,
  afterActorStep,
  newActorRecord,
  stepActor,
} from '../../../model/jobs/actors/actor-step.ts';
import type { ActorRecord } from '../../../model/records/records.ts';
import { Failure } from '../../../model/values/failure.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import { argOf, eventOf, JobStandIn, jsonOf } from './events.ts';
import { type ShownActor, shownActor } from './shown-actor.ts';

/** What an entry of an actor was, when its machine gives the same. */
export interface Made {
  readonly by: 'start' | 'event' | 'timer' | 'command';
  /** Of a timer that fired: when it was due. */
  readonly dueAt: number | null;
  readonly effects: readonly DurableEffect[];
  readonly ending: Stepped['ending'] | 'stopped';
  /** The actor after it. */
  readonly record: ActorRecord;
  /** The instant of the step, where the entry tells it. */
  readonly now: number | null;
}

/** The judgement on an entry. Null: it is of a machine that the scenario does not have. */
export type Verdict = { readonly made: Made } | { readonly wrong: string } | null;

/** What a machine does with an event. */
export type Reaction = 'ignores' | 'takes' | 'throws';

/** Makes the steps of actors anew and compares. */
export class Oracle {
  readonly #machines: ReadonlyMap<string, PreparedMachine>;

  constructor(machines: readonly { readonly prepared: PreparedMachine }[]) {
    this.#machines = familyOf(machines.map(({ prepared }) => prepared));
  }

  /** Holds an entry against what its actor does. `input`: of a child that starts, what its parent gave it. */
  judge(before: ActorRecord | undefined, entry: HistoryEntry, input: unknown): Verdict {
    const machine = this.#machineOf(entry.event === 'signalbox.start' ? started(before, entry) : before);
    if (machine === undefined) return null;
    try {
      if (entry.event === 'signalbox.start') return start(machine, before, entry, input);
      if (before === undefined) return { wrong: 'was never started' };
      if (entry.event.startsWith('signalbox.')) return command(machine, before, entry);
      return step(machine, before, entry);
    } catch (error) {
      return { wrong: `cannot be, by its machine or its chart: ${String(error)}` };
    }
  }

  /** What the machine of an actor does with an event where it is. Null: the scenario does not have it. */
  reaction(actor: ActorRecord, type: string, arg: Json | undefined, now: number): Reaction | null {
    const machine = this.#machineOf(actor);
    if (machine === undefined) return null;
    try {
      const at = atOf(actor.id, now, null);
      const { isTaken, effects, patch } = stepMachine(machine, actor, eventOf(type, arg), at);
      return isTaken || effects.length > 0 || Object.keys(patch).length > 0 ? 'takes' : 'ignores';
    } catch {
      return 'throws';
    }
  }

  /** An actor as programs see it. Null: the scenario does not have its machine. */
  snapshot(actor: ActorRecord): ShownActor | null {
    const machine = this.#machineOf(actor);
    return machine === undefined ? null : shownActor(snapshotOf(machine, actor, (id) => new JobStandIn(id)));
  }

  #machineOf(actor: Pick<ActorRecord, 'machine' | 'version'> | undefined): PreparedMachine | undefined {
    const machine = this.#machines.get(actor?.machine ?? '');
    return machine?.previous.find(({ version }) => version === actor?.version) ?? machine;
  }
}

function started(
  before: ActorRecord | undefined,
  { patch }: HistoryEntry,
): Pick<ActorRecord, 'machine' | 'version'> {
  const { machine = before?.machine, version = before?.version } = patch ?? {};
  return { machine: String(machine), version: String(version) };
}

function atOf(id: string, now: number, patch: HistoryEntry['patch']): StepAt {
  const children = patch?.children as ActorRecord['children'] | undefined;
  return {
    id,
    now,
    refer: (value) => (value instanceof JobStandIn ? value.id : null),
    resolve: (job) => new JobStandIn(job),
    limits: defaultLimits,
    // An id is made of the instant, which an entry need not tell.
    jobId: (actor, child, run) => {
      const recorded = children?.[child];
      return recorded?.run === run ? recorded.id : `${actor}/${child}/${run}`;
    },
  };
}

function start(
  machine: PreparedMachine,
  before: ActorRecord | undefined,
  entry: HistoryEntry,
  input: unknown,
): Verdict {
  const { id, patch } = entry;
  const at = Number(patch?.startedAt ?? before?.startedAt);
  const parent = (patch?.parent === undefined ? before?.parent : patch.parent) as
    | ActorRecord['parent']
    | undefined;
  const made = (now: number): Attempt => {
    const stepped = startMachine(machine, before ?? null, input, {
      ...atOf(id, now, patch),
      parent: parent ?? null,
    });
    const { ending } = stepped;
    const event: ActorEvent = {
      type: 'actor.start',
      at,
      parent: parent ?? null,
      ending,
      patch: stepped.patch as never,
    };
    return {
      stepped,
      change: stepActor(before ?? newActorRecord(id), event, { ...stepped, event: entry.event }),
    };
  };
  return compared(before ?? newActorRecord(id), entry, made(at), { by: 'start', dueAt: null, now: at });
}

/** What one candidate gives. */
interface Attempt {
  readonly stepped: Pick<Stepped, 'effects' | 'ending'>;
  readonly change: ActorTransition;
}

/** As an event that came, or as a timer that fired: one of the two gives what is recorded. */
function step(machine: PreparedMachine, before: ActorRecord, entry: HistoryEntry): Verdict {
  const { event, arg, id, patch } = entry;
  const attempt =
    (make: (at: StepAt) => Stepped) =>
    (now: number): Attempt => {
      const stepped = make(atOf(id, now, patch));
      const { ending } = stepped;
      const at = Number(patch?.finishedAt ?? now);
      const moved: ActorEvent = { type: 'actor.step', at, ending, patch: stepped.patch as never };
      return { stepped, change: stepActor(before, moved, { ...stepped, event }) };
    };
  const timers = Object.entries(before.timers ?? {}).filter(
    ([, [, , sent]]) =>
      (sent as { readonly type?: unknown }).type === event && isDeepStrictEqual(argOf(sent), arg),
  );
  const wrong: string[] = [];
  const tried = (how: Pick<Made, 'by' | 'dueAt'>, make: (now: number) => Attempt): Verdict => {
    try {
      const first = make(entry.at);
      const now = entry.at + shiftOf(before, first.change, entry);
      const verdict = compared(before, entry, now === entry.at ? first : make(now), {
        ...how,
        now: now === entry.at ? null : now,
      });
      if (verdict !== null && 'wrong' in verdict) wrong.push(verdict.wrong);
      return verdict;
    } catch (error) {
      wrong.push(`its step throws: ${String(error)}`);
      return null;
    }
  };
  // An event from outside may look as a timer would that is not due yet: it is taken for one only when it cannot be the event.
  const isDue = ([, [dueAt]]: (typeof timers)[number]): boolean => dueAt <= entry.at;
  const asTimer = ([timer, [dueAt]]: (typeof timers)[number]): Verdict =>
    tried(
      { by: 'timer', dueAt },
      attempt((at) => stepTimer(machine, before, timer, at)),
    );
  const asEvent = (): Verdict =>
    tried(
      { by: 'event', dueAt: null },
      attempt((at) => stepMachine(machine, before, eventOf(event, arg) as EventObject, at)),
    );
  const early = timers.filter((each) => !isDue(each));
  const ways = [...timers.filter(isDue).map((each) => () => asTimer(each)), asEvent];
  for (const way of [...ways, ...early.map((each) => () => asTimer(each))]) {
    const verdict = way();
    if (verdict !== null && 'made' in verdict) return verdict;
  }
  return { wrong: wrong.join('; or ') };
}

/** How much earlier than its commit a step was made: by the first timer that it has armed. */
function shiftOf(before: ActorRecord, { patch }: ActorTransition, entry: HistoryEntry): number {
  const recorded = (entry.patch?.timers ?? {}) as { readonly [id: string]: ActorTimer };
  for (const [id, [dueAt, seq]] of Object.entries(
    (patch?.timers ?? {}) as { readonly [id: string]: ActorTimer },
  ))
    if (before.timers?.[id]?.[1] !== seq && recorded[id] !== undefined) return recorded[id][0] - dueAt;
  return 0;
}

function command(machine: PreparedMachine, before: ActorRecord, entry: HistoryEntry): Verdict {
  const { event, patch } = entry;
  const how = { by: 'command', dueAt: null, now: null } as const;
  const failure = (patch?.failure ?? null) as ActorRecord['failure'];
  const at = Number(patch?.finishedAt ?? entry.at);
  const plain = (moved: ActorEvent, stepped: Attempt['stepped'] = nothing, to = before.state): Verdict =>
    compared(
      before,
      entry,
      { stepped, change: stepActor(before, moved, { event, from: before.state, to }) },
      how,
    );
  switch (event) {
    case 'signalbox.suspend':
      return plain({ type: 'actor.suspend', failure: failure as NonNullable<typeof failure> });
    case 'signalbox.resume':
      return plain({ type: 'actor.resume' });
    case 'signalbox.stop':
      return plain(
        { type: 'actor.stop', at },
        endMachine(machine, before, null, atOf(before.id, at, patch)) as never,
      );
    case 'signalbox.fail': {
      const moved: ActorEvent = { type: 'actor.step', at, ending: 'failed', patch: { failure } };
      const told = new Failure(failure as never);
      return plain(moved, endMachine(machine, before, told, atOf(before.id, at, patch)) as never);
    }
    case 'signalbox.skip': {
      const left = (patch?.timers ?? {}) as { readonly [id: string]: ActorTimer };
      const gone = Object.keys(before.timers ?? {}).filter((timer) => left[timer] === undefined);
      if (gone.length !== 1) return { wrong: `drops ${gone.length} timers` };
      const [dropped] = gone as [string];
      const { [dropped]: _dropped, ...timers } = before.timers ?? {};
      const dues = Object.values(timers).map(([dueAt]) => dueAt);
      const kept = dues.length === 0 ? { timers: null, dueAt: null } : { timers, dueAt: Math.min(...dues) };
      return plain({ type: 'actor.step', at, ending: null, patch: kept });
    }
    case 'signalbox.migrate': {
      const verdict = versionVerdict(machine, before, atOf(before.id, entry.at, patch));
      if (verdict.is !== 'migrates') return { wrong: `is migrated, and its version is ${verdict.is}` };
      return plain({ type: 'actor.migrate', patch: verdict.patch as never }, nothing, verdict.to);
    }
    default:
      return { wrong: 'is no event of an actor' };
  }
}

const nothing: Attempt['stepped'] = { effects: [], ending: null };

/** Compares the records that both would leave. */
function compared(
  before: ActorRecord,
  entry: HistoryEntry,
  { stepped, change }: Attempt,
  how: Pick<Made, 'by' | 'dueAt' | 'now'>,
): Verdict {
  const to = entry.to ?? before.state;
  if (change.to !== to) return { wrong: `is in "${to}", and its machine goes to "${change.to}"` };
  // The entries of a first commit name no state before them.
  if (entry.from !== null && change.from !== entry.from)
    return { wrong: `comes from "${entry.from}", and was in "${change.from}"` };
  const [expected, found] = [
    afterActorStep(before, change),
    afterActorStep(before, { ...change, patch: entry.patch }),
  ];
  for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
    const [one, other] = [jsonOf(found, key), jsonOf(expected, key)];
    if (!isDeepStrictEqual(one, other))
      return { wrong: `has ${key} ${JSON.stringify(one)}, and its machine gives ${JSON.stringify(other)}` };
  }
  const record = { ...expected, rev: before.rev + 1 };
  return { made: { ...how, effects: stepped.effects, ending: stepped.ending, record } };
}
