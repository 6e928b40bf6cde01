import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import {
  type AnyMachineSnapshot,
  createActor,
  type EventObject,
  type InspectionEvent,
  SimulatedClock,
} from 'xstate';
import { defaultLimits } from '../../src/model/checks/limits.ts';
import type { PreparedMachine, StepAt, Stepped } from '../../src/model/durable/machine.ts';
import { outcomeEvent } from '../../src/model/durable/outcome.ts';
import { prepareMachine } from '../../src/model/durable/prepare/prepare.ts';
import {
  afterStepped,
  newActorRecord,
  startMachine,
  stepMachine,
  stepTimer,
} from '../../src/model/durable/step.ts';
import { snapshotOf } from '../../src/model/durable/thaw.ts';
import { dueTimers } from '../../src/model/durable/timers.ts';
import type { ActorRecord } from '../../src/model/records/records.ts';
import { Failure } from '../../src/model/values/failure.ts';
import { eventTypes, randomFrom, randomMachine } from './random-machine.ts';

const machines = Number(process.env.SIGNALBOX_RANDOM_MACHINES ?? 2000);
const firstSeed = Number(process.env.SIGNALBOX_RANDOM_SEED ?? 1);
const steps = 8;
const id = 'random/1';

/** A durable actor: between two steps it is only JSON. */
class Durable {
  readonly #machine: PreparedMachine;
  record: ActorRecord;
  hasFailed = false;

  constructor(machine: PreparedMachine) {
    this.#machine = machine;
    this.record = newActorRecord(id);
    this.#make(0, () => startMachine(machine, null, undefined, at(0)));
  }

  send(event: EventObject, now: number): void {
    this.#make(now, () => stepMachine(this.#machine, this.record, event, at(now)));
  }

  fireDue(now: number): void {
    for (
      let due = dueTimers(this.record, now);
      due.length > 0 && this.isActive;
      due = dueTimers(this.record, now)
    ) {
      this.#make(now, () => stepTimer(this.#machine, this.record, due[0] as string, at(now)));
    }
  }

  get isActive(): boolean {
    return this.record.status === 'active' && !this.hasFailed;
  }

  get snapshot(): AnyMachineSnapshot {
    return snapshotOf(this.#machine, this.record, String) as AnyMachineSnapshot;
  }

  #make(now: number, step: () => Stepped): void {
    let stepped: Stepped;
    try {
      stepped = step();
    } catch {
      this.hasFailed = true;
      return;
    }
    this.record = JSON.parse(JSON.stringify(afterStepped(this.record, stepped))) as ActorRecord;
    for (const effect of stepped.effects) {
      if (effect.type !== 'send' || !this.isActive) continue;
      expect(effect.to.actor).toBe(id);
      this.#own.push(JSON.parse(JSON.stringify(effect.event)) as EventObject);
    }
    // What an actor sends to itself comes after the step, before anything else.
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let event = this.#own.shift(); event !== undefined; event = this.#own.shift())
      if (this.isActive) this.send(event, now);
    this.#isDraining = false;
  }

  readonly #own: EventObject[] = [];
  #isDraining = false;
}

function at(now: number): StepAt {
  return { id, now, refer: () => null, resolve: String, limits: defaultLimits };
}

function run(seed: number): {
  readonly taken: number;
  readonly end: 'slipped' | 'done' | 'failed' | 'active';
} {
  const random = randomFrom(seed + 1_000_000);
  const machine = randomMachine(seed);
  const clock = new SimulatedClock();
  let slipped = false;
  const inspect = (seen: InspectionEvent): void => {
    if (seen.type === '@xstate.microstep') slipped ||= !isSound(seen.snapshot as AnyMachineSnapshot);
  };
  const live = createActor(machine, { clock, inspect });
  live.subscribe({ error: () => {} });
  const { scheduler } = live.system as unknown as Scheduling;
  const { schedule } = scheduler;
  scheduler.schedule = (source, target, event, delay, id) => {
    // It enters a state twice in one step, and keeps both timers of it: here the second replaces the first.
    slipped ||= `${source.sessionId}.${id}` in live.system.getSnapshot()._scheduledEvents;
    schedule(source, target, event, delay, id);
  };
  live.start();
  const durable = new Durable(prepareMachine(machine));
  if (slipped) return { taken: 0, end: 'slipped' };
  compare(seed, -1, live.getSnapshot(), durable, clock);
  let taken = 0;
  for (let step = 0; step < steps && durable.isActive; step += 1) {
    const now = clock.now();
    const choice = random();
    const children = Object.entries(durable.record.children ?? {});
    if (choice < 0.3 && durable.record.dueAt !== null) {
      const next = random() < 0.7 ? durable.record.dueAt : now + Math.floor((durable.record.dueAt - now) / 2);
      clock.set(next);
      durable.fireDue(next);
    } else if (choice < 0.45 && children.length > 0) {
      const [child, { run }] = children[Math.floor(random() * children.length)] as (typeof children)[number];
      const failure = new Failure({
        name: 'E',
        message: 'declined',
        stack: '',
        code: null,
        cause: null,
        extra: {},
      });
      const outcome = random() < 0.6 ? ({ ok: true, value: 1 } as const) : ({ ok: false, failure } as const);
      const event = outcomeEvent(durable.record, child, run, outcome) as EventObject;
      live.send(event);
      durable.send(event, now);
    } else {
      const event = { type: eventTypes[Math.floor(random() * eventTypes.length)] as string };
      live.send(event);
      durable.send(event, now);
    }
    taken += 1;
    if (slipped) return { taken, end: 'slipped' };
    compare(seed, step, live.getSnapshot(), durable, clock);
  }
  live.stop();
  return { taken, end: durable.hasFailed ? 'failed' : durable.isActive ? 'active' : 'done' };
}

/**
 * A transition to the history of the very state that it leaves can leave XState in a state without its parents. Such a state has no
 * leaves that could be stored: the record has the ones that it can have, and the run ends here.
 */
function isSound({ status, _nodes }: AnyMachineSnapshot): boolean {
  return status === 'error' || _nodes.every(({ parent }) => parent === undefined || _nodes.includes(parent));
}

interface Scheduling {
  readonly scheduler: {
    schedule(
      source: { readonly sessionId: string },
      target: unknown,
      event: EventObject,
      delay: number,
      id?: string,
    ): void;
  };
}

interface Timeouts {
  readonly timeouts: ReadonlyMap<number, { readonly start: number; readonly timeout: number }>;
}

function compare(
  seed: number,
  step: number,
  live: AnyMachineSnapshot,
  durable: Durable,
  clock: SimulatedClock,
): void {
  const expected = seen(live);
  const found = durable.hasFailed ? { status: 'error' } : seen(durable.snapshot);
  const same = expected.status === 'error' ? durable.hasFailed : isDeepStrictEqual(found, expected);
  const liveDues = [...(clock as unknown as Timeouts).timeouts.values()].map(
    ({ start, timeout }) => start + timeout,
  );
  const dues = Object.values(durable.record.timers ?? {}).map(([dueAt]) => dueAt);
  const sorted = (list: number[]): number[] => list.sort((one, other) => one - other);
  const timersSame = durable.hasFailed || isDeepStrictEqual(sorted(dues), sorted(liveDues));
  if (same && timersSame) return;
  expect({ seed, step, ...found, dues: sorted(dues) }).toEqual({
    seed,
    step,
    ...expected,
    dues: sorted(liveDues),
  });
  throw new Error(`seed ${seed}, step ${step}: the two differ`);
}

function seen({
  status,
  value,
  context,
  output,
}: AnyMachineSnapshot): Record<string, unknown> & { status: string } {
  return { status, value, context, output };
}

it(`makes the same of ${machines} random machines as XState does, through JSON between all steps`, {
  timeout: 120_000 * Math.ceil(machines / 2000),
}, () => {
  let taken = 0;
  const ends = { slipped: 0, done: 0, failed: 0, active: 0 };
  for (let seed = firstSeed; seed < firstSeed + machines; seed += 1) {
    const one = run(seed);
    taken += one.taken;
    ends[one.end] += 1;
  }
  expect(taken).toBeGreaterThan(machines * 5);
  // Where XState itself goes astray nothing can be compared: that must stay rare, and most machines must live to the end.
  expect(ends.slipped).toBeLessThan(machines / 10);
  expect(ends.active).toBeGreaterThan(machines / 2);
});
