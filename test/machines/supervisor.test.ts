import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Actor, type AnyActorRef, createActor, fromPromise } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { type SupervisorEvent, supervisorMachine } from '../../machines/supervisor.machine.ts';
import { without } from './altered.ts';

const child = fromPromise(async () => {});
const events: readonly SupervisorEvent[] = [
  { type: 'store.opened' },
  { type: 'recovery.done' },
  { type: 'child.spawn', id: 'dispatcher:d', logic: child, input: undefined },
  { type: 'child.leave', id: 'dispatcher:d' },
  { type: 'work.available', queue: 'q' },
  { type: 'work.planned' },
  { type: 'tick.due' },
  { type: 'box.stop' },
  { type: 'drain.done' },
  { type: 'store.failed', reason: 'the disk is gone' },
];
const effectNames = [
  'openStore',
  'recover',
  'routeWork',
  'wakeDue',
  'tickSchedules',
  'deliver',
  'scheduleTick',
  'cancelTick',
  'drain',
  'closeStore',
  'abortJobs',
] as const;

const actors: { stop(): unknown }[] = [];

afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
});

function record(machine: typeof supervisorMachine): {
  readonly actor: Actor<typeof supervisorMachine>;
  readonly effects: string[];
} {
  const effects: string[] = [];
  const actions = Object.fromEntries(effectNames.map((name) => [name, () => void effects.push(name)]));
  const actor = createActor(machine.provide({ actions }));
  actors.push(actor.start());
  return { actor, effects };
}

function mustBe(actual: unknown, expected: unknown, what: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected))
    throw new Error(`${what}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

/** Throws when a machine breaks a rule of supervisors. */
function checkSupervisor(machine: typeof supervisorMachine, seed?: number): void {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40, size: 'max' }), (sequence) => {
      const { actor, effects } = record(machine);
      let isTickWanted = false;
      for (const event of sequence) {
        const before = { state: actor.getSnapshot().value, count: effects.length };
        actor.send(event);
        const state = actor.getSnapshot().value;
        const made = effects.slice(before.count);
        if (made.includes('scheduleTick')) isTickWanted = true;
        if (made.includes('cancelTick'))
          isTickWanted = made.lastIndexOf('scheduleTick') > made.indexOf('cancelTick');
        mustBe(isTickWanted, state === 'running', 'a tick is wanted');
        if (before.state === 'running' && event.type === 'work.available')
          mustBe(made, ['routeWork'], 'work');
        if (before.state === 'running' && event.type === 'work.planned')
          mustBe(made, ['scheduleTick'], 'a plan');
        if (before.state === 'running' && event.type === 'tick.due')
          mustBe(made.slice(0, 3), ['wakeDue', 'tickSchedules', 'deliver'], 'a tick');
        if (before.state !== 'running')
          mustBe(
            made.some((effect) => ['routeWork', 'wakeDue', 'tickSchedules', 'deliver'].includes(effect)),
            false,
            'idle',
          );
        if (event.type === 'store.failed' && !['failed', 'stopped'].includes(String(before.state)))
          mustBe(made.includes('abortJobs'), true, `a failure while ${String(before.state)} aborts`);
      }
      const life = effects.filter((effect) =>
        ['openStore', 'recover', 'drain', 'closeStore', 'abortJobs'].includes(effect),
      );
      const lives = [
        ['openStore', 'recover', 'drain', 'closeStore'],
        ['openStore', 'recover', 'drain', 'abortJobs', 'closeStore'],
        ['openStore', 'recover', 'abortJobs', 'closeStore'],
        ['openStore', 'abortJobs', 'closeStore'],
      ];
      mustBe(
        lives.some((whole) => whole.slice(0, life.length).join() === life.join()),
        true,
        `the order ${life}`,
      );
      mustStop(actor, effects);
    }),
    { numRuns: 600, ...(seed === undefined ? {} : { seed }) },
  );
}

/**
 * Checks that a supervisor that is up or has failed stops on request, when everything has ended, and closes the
 * store once.
 */
function mustStop(actor: Actor<typeof supervisorMachine>, effects: readonly string[]): void {
  for (const type of ['store.opened', 'recovery.done', 'box.stop', 'drain.done'] as const)
    actor.send({ type });
  mustBe(actor.getSnapshot().value, 'stopped', 'at the end it');
  mustBe(effects.filter((effect) => effect === 'closeStore').length, 1, 'the store is closed');
}

describe('a supervisor', () => {
  it('reaches every state by a shortest path', () => {
    const paths = getShortestPaths(supervisorMachine, {
      events: events.filter(({ type }) => !type.startsWith('child.')),
      serializeState: ({ value }) => String(value),
    });

    expect(paths.map(({ state }) => state.value).sort()).toEqual(
      Object.keys(supervisorMachine.states).sort(),
    );
  });

  it('opens, recovers, runs, drains and closes, in this order, and aborts what runs when the store fails', () => {
    checkSupervisor(supervisorMachine);
  });

  it.each([
    ['starting', 'store.opened'],
    ['starting', 'store.failed'],
    ['recovering', 'recovery.done'],
    ['recovering', 'store.failed'],
    ['running', 'work.available'],
    ['running', 'work.planned'],
    ['running', 'tick.due'],
    ['running', 'box.stop'],
    ['running', 'store.failed'],
    ['draining', 'drain.done'],
    ['draining', 'store.failed'],
    ['failed', 'box.stop'],
  ])('is none when %s does not take %s', (path, event) => {
    const altered = without(supervisorMachine, path, event);

    expect(() => checkSupervisor(altered, 1)).toThrow(/^Property failed/);
  });

  it('whose store fails while it drains still stops, and keeps the reason', () => {
    const { actor, effects } = record(supervisorMachine);
    for (const type of ['store.opened', 'recovery.done', 'box.stop'] as const) actor.send({ type });
    actor.send({ type: 'store.failed', reason: 'the disk is gone' });

    expect(actor.getSnapshot()).toMatchObject({ value: 'stopped', context: { reason: 'the disk is gone' } });
    expect(effects.slice(-2)).toEqual(['abortJobs', 'closeStore']);
  });

  it('takes children only while it runs', () => {
    const { actor } = record(supervisorMachine);
    const children = () => Object.keys(actor.getSnapshot().children);
    const spawn = (id: string) => actor.send({ type: 'child.spawn', id, logic: child, input: undefined });
    spawn('early');
    for (const type of ['store.opened', 'recovery.done'] as const) actor.send({ type });
    spawn('agent:a');
    actor.send({ type: 'box.stop' });
    spawn('late');

    expect(children()).toEqual(['agent:a']);
  });

  it('lets a child go that leaves', () => {
    const { actor } = record(supervisorMachine);
    for (const type of ['store.opened', 'recovery.done'] as const) actor.send({ type });
    for (const id of ['agent:a', 'agent:b'])
      actor.send({ type: 'child.spawn', id, logic: child, input: undefined });
    const [left] = Object.values(actor.getSnapshot().children) as AnyActorRef[];

    actor.send({ type: 'child.leave', id: 'agent:a' });

    expect(Object.keys(actor.getSnapshot().children)).toEqual(['agent:b']);
    expect(left?.getSnapshot()).toMatchObject({ status: 'stopped' });
  });
});
