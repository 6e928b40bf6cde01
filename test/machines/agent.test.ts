import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Actor, createActor } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { type AgentEvent, agentMachine } from '../../machines/agent.machine.ts';
import { without } from './altered.ts';

const actors: { stop(): unknown }[] = [];

afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
});

/**
 * An agent on a queue that the test drives by hand. A claim counts its room when it begins, takes, counts
 * what it holds, and reports that some time later; a freed slot is announced later, with the count of any instant in
 * between. A store on another host cannot cause a worse order.
 */
class Field {
  readonly actor: Actor<typeof agentMachine>;
  size: number;
  waiting = 0;
  held = 0;
  /** The largest number that it may hold after the claim under way: its size when the claim began. */
  allowed = 0;
  claims = 0;
  room: number | null = null;
  overlaps = false;
  hasTaken = false;
  counted: number | null = null;
  /** Counts of announcements that are on their way. */
  readonly announced: (() => number)[] = [];
  /** An offer that has not reached the agent. */
  offered = false;
  drained = false;

  constructor(machine: typeof agentMachine, size: number) {
    this.size = size;
    this.actor = createActor(machine.provide({ actions: { claim: () => this.beginClaim() } }), {
      input: { size },
    });
    actors.push(this.actor.start());
  }

  get state(): string {
    return String(this.actor.getSnapshot().value);
  }

  send(event: AgentEvent): void {
    const { claims } = this;
    this.actor.send(event);
    // An error thrown within an action would only stop the actor.
    if (this.overlaps) throw new Error('two claims are under way');
    if (this.claims > claims + 1) throw new Error(`${event.type} leads to two claims`);
  }

  beginClaim(): void {
    if (this.room !== null) this.overlaps = true;
    this.claims += 1;
    this.room = Math.max(0, this.size - this.held);
    this.allowed = this.held + this.room;
  }

  /** Lets the claim take what fitted at its beginning. */
  take(): void {
    if (this.room === null || this.hasTaken) return;
    const taken = Math.min(this.room, this.waiting);
    this.waiting -= taken;
    this.held += taken;
    if (this.held > this.allowed) throw new Error(`it holds ${this.held} of ${this.allowed}`);
    this.hasTaken = true;
  }

  /** Lets the claim count what the agent holds, for the last time when it ends. */
  count(): void {
    if (this.hasTaken) this.counted ??= this.held;
  }

  endClaim(): void {
    this.take();
    this.count();
    if (this.counted === null) return;
    const held = this.counted;
    this.room = null;
    this.hasTaken = false;
    this.counted = null;
    this.send({ type: 'claim.done', held });
  }

  /** Completes a job: its slot is free at once, and announced later. */
  complete(countsAtOnce: boolean): void {
    if (this.held === 0) return;
    this.held -= 1;
    const { held } = this;
    this.announced.push(countsAtOnce ? () => held : () => this.held);
  }

  announce(): void {
    const count = this.announced.shift();
    if (count !== undefined) this.send({ type: 'slots.freed', held: count() });
  }

  put(): void {
    this.waiting += 1;
    this.offered = true;
  }

  offer(): void {
    if (!this.offered) return;
    this.offered = false;
    this.send({ type: 'work.available' });
  }

  resize(size: number): void {
    this.size = size;
    this.send({ type: 'agent.resized', size });
  }

  drain(): void {
    this.drained = true;
    this.send({ type: 'agent.drain' });
  }

  resume(): void {
    if (!['draining', 'closing'].includes(this.state)) return;
    this.drained = false;
    this.send({ type: 'agent.resume' });
  }

  /** Delivers everything that is under way. */
  settle(claimsFirst = true): void {
    for (let turn = 0; turn < 100; turn += 1) {
      this.offer();
      if (claimsFirst) this.endClaim();
      this.announce();
      if (!claimsFirst) this.endClaim();
      if (!this.offered && this.announced.length === 0 && this.room === null) return;
    }
    throw new Error('it never rests');
  }
}

type Step = (field: Field) => void;

const steps: Readonly<Record<string, Step>> = {
  put: (field) => field.put(),
  offer: (field) => field.offer(),
  take: (field) => field.take(),
  count: (field) => field.count(),
  'end claim': (field) => field.endClaim(),
  'complete, counted at once': (field) => field.complete(true),
  'complete, counted late': (field) => field.complete(false),
  announce: (field) => field.announce(),
  grow: (field) => field.resize(field.size + 2),
  shrink: (field) => field.resize(Math.max(1, field.size - 2)),
  poll: (field) => {
    field.resume();
    field.send({ type: 'claim.due' });
  },
  drain: (field) => field.drain(),
  resume: (field) => field.resume(),
};

/** Each sequence uses only some of the steps, so that rare ones meet. */
const sequence = fc
  .subarray(Object.keys(steps), { minLength: 2 })
  .chain((some) =>
    fc.array(fc.constantFrom('put', 'offer', 'take', 'end claim', ...some), { maxLength: 40, size: 'max' }),
  );

/** Throws when a machine breaks a rule of agents. */
function checkAgent(machine: typeof agentMachine, seed?: number): void {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), sequence, fc.boolean(), (size, names, claimsFirst) => {
      const field = new Field(machine, size);
      for (const name of names) {
        const { claims, drained, state } = field;
        (steps[name] as Step)(field);
        if (drained && field.drained && field.claims > claims) throw new Error('it claims while it drains');
        if (name === 'poll' && state !== 'claiming' && state !== 'closing' && field.claims === claims)
          throw new Error(`a poll in ${state} claims nothing`);
        if (field.actor.getSnapshot().context.size !== field.size)
          throw new Error('it does not know its size');
      }
      field.settle(claimsFirst);
      if (field.drained) {
        if (field.state !== 'draining') throw new Error(`drained, it is ${field.state}`);
        field.resume();
        field.settle();
      }
      if (field.waiting > 0 && field.held < field.size)
        throw new Error(
          `${field.waiting} wait, ${field.size - field.held} slots are free, and it is ${field.state}`,
        );
    }),
    { numRuns: 4000, ...(seed === undefined ? {} : { seed }) },
  );
}

/** Every event with the counts that guards distinguish. */
const samples: readonly AgentEvent[] = [
  { type: 'work.available' },
  { type: 'claim.due' },
  ...[0, 1, 2].map((held) => ({ type: 'claim.done', held }) as const),
  ...[0, 1, 2].map((held) => ({ type: 'slots.freed', held }) as const),
  { type: 'agent.resized', size: 1 },
  { type: 'agent.resized', size: 3 },
  { type: 'agent.drain' },
  { type: 'agent.resume' },
];

describe('an agent', () => {
  it('reaches every state by a shortest path, and its actor goes the same way', () => {
    const paths = getShortestPaths(agentMachine, { input: { size: 2 }, events: samples, limit: 100_000 });

    expect([...new Set(paths.map(({ state }) => String(state.value)))].sort()).toEqual(
      Object.keys(agentMachine.states).sort(),
    );
    for (const { steps, state } of paths) {
      const logic = agentMachine.provide({ actions: { claim: () => {} } });
      const actor = createActor(logic, { input: { size: 2 } }).start();
      for (const { event } of steps.slice(1)) actor.send(event as AgentEvent);
      expect(actor.getSnapshot()).toMatchObject({ value: state.value, context: state.context });
      actor.stop();
    }
  });

  it('never takes beyond its size, never claims twice at once or while it drains, and loses no wake-up', () => {
    checkAgent(agentMachine);
  });

  it.each([
    ['idle', 'work.available'],
    ['idle', 'claim.due'],
    ['idle', 'slots.freed'],
    ['claiming', 'work.available'],
    ['claiming', 'claim.done'],
    ['claiming', 'slots.freed'],
    ['idle', 'agent.resized'],
    ['claiming', 'agent.resized'],
    ['claiming', 'agent.drain'],
    ['working', 'work.available'],
    ['working', 'claim.due'],
    ['working', 'slots.freed'],
    ['working', 'agent.resized'],
    ['full', 'claim.due'],
    ['full', 'slots.freed'],
    ['full', 'agent.resized'],
    ['closing', 'claim.done'],
    ['closing', 'agent.drain'],
    ['closing', 'agent.resume'],
    ['draining', 'agent.resume'],
    ['', 'agent.drain'],
  ])('is none when %s does not take %s', (path, event) => {
    const altered = without(agentMachine, path, event);

    expect(() => checkAgent(altered, 1)).toThrow(/^Property failed/);
  });
});

describe('work offered while a claim is under way', () => {
  it('leads to exactly one more claim, however often it is offered', () => {
    const field = new Field(agentMachine, 3);
    for (let at = 0; at < 5; at += 1) {
      field.put();
      field.offer();
    }
    const during = field.claims;
    field.endClaim();
    const next = field.claims;
    field.endClaim();

    expect([during, next, field.claims, field.state, field.held]).toEqual([1, 2, 2, 'full', 3]);
  });
});

/** A claiming agent of a size, for which jobs wait. */
function claiming(size: number, jobs: number): Field {
  const field = new Field(agentMachine, size);
  for (let at = 0; at < jobs; at += 1) field.put();
  field.offer();
  return field;
}

describe('a slot that is freed while a claim is under way', () => {
  it('leads to a claim, although the claim under way counted a full agent', () => {
    const field = claiming(1, 2);
    field.take();
    field.count();
    field.complete(true);
    field.announce();
    field.endClaim();

    expect(field.state).toBe('claiming');
  });

  it.each([
    ['by an agent that still holds one', 2, 'working'],
    ['by an agent that holds nothing any more', 1, 'idle'],
  ])(
    'is claimed for %s, although the claim counted after and its announcement comes later',
    (_who, size, left) => {
      const field = claiming(size, size + 1);
      field.take();
      field.complete(true);
      field.endClaim();
      const between = field.state;
      field.announce();

      expect([between, field.state]).toEqual([left, 'claiming']);
    },
  );
});

describe('an agent that is drained while it claims and resumed before the claim ends', () => {
  it('claims again after it, not beside it', () => {
    const field = claiming(2, 1);
    field.drain();
    field.resume();
    const during = field.claims;
    field.endClaim();

    expect([during, field.claims, field.state]).toEqual([1, 2, 'claiming']);
  });
});

describe('a resized agent', () => {
  it('that shrank below what it holds claims when enough jobs are completed', () => {
    const field = claiming(3, 6);
    field.settle();
    field.resize(1);
    const states = [3, 2, 1].map(() => {
      field.complete(true);
      field.announce();
      return field.state;
    });

    expect(states).toEqual(['full', 'full', 'claiming']);
  });

  it('that grew claims at once, full or not', () => {
    const field = claiming(1, 2);
    field.settle();
    field.resize(2);

    expect(field.state).toBe('claiming');
  });
});
