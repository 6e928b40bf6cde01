import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Actor, createActor } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { type DispatcherEvent, dispatcherMachine } from '../../machines/dispatcher.machine.ts';
import { without } from './altered.ts';

const events: readonly DispatcherEvent[] = [
  { type: 'dispatcher.activate' },
  { type: 'poll.due' },
  { type: 'poll.done' },
  { type: 'dispatcher.deactivate' },
  { type: 'deactivation.done' },
  { type: 'dispatcher.abandon' },
];

const actors: { stop(): unknown }[] = [];

afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
});

/** A dispatcher whose effects are only counted; the test ends polls and deactivations. */
class Recorded {
  readonly actor: Actor<typeof dispatcherMachine>;
  readonly effects: string[] = [];
  polling = 0;
  deactivating = 0;
  /** True while a poll is scheduled and not cancelled. */
  scheduled = false;

  constructor(machine: typeof dispatcherMachine) {
    const note = (effect: string): void => void this.effects.push(effect);
    const schedule = (effect: string) => () => {
      note(effect);
      this.scheduled = true;
    };
    this.actor = createActor(
      machine.provide({
        actions: {
          schedulePollNow: schedule('schedulePollNow'),
          schedulePoll: schedule('schedulePoll'),
          cancelPoll: () => {
            note('cancelPoll');
            this.scheduled = false;
          },
          poll: () => {
            note('poll');
            this.polling += 1;
          },
          deactivateQueues: () => {
            note('deactivateQueues');
            this.deactivating += 1;
          },
        },
      }),
    );
    actors.push(this.actor.start());
  }

  get state(): string {
    return String(this.actor.getSnapshot().value);
  }

  /** Sends only events that can happen now: ends of what is under way, and polls that are scheduled. */
  happen(event: DispatcherEvent): void {
    if (event.type === 'poll.done') {
      if (this.polling === 0) return;
      this.polling -= 1;
    }
    if (event.type === 'deactivation.done') {
      if (this.deactivating === 0) return;
      this.deactivating -= 1;
    }
    this.actor.send(event);
  }
}

/** Throws when a machine breaks a rule of dispatchers. */
function checkDispatcher(machine: typeof dispatcherMachine, seed?: number): void {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60, size: 'max' }), (sequence) => {
      const dispatcher = new Recorded(machine);
      for (const event of sequence) {
        const [before, polls] = [
          dispatcher.state,
          dispatcher.effects.filter((effect) => effect === 'poll').length,
        ];
        dispatcher.happen(event);
        const started = dispatcher.effects.filter((effect) => effect === 'poll').length - polls;

        if (dispatcher.polling > 1) throw new Error('polls overlap');
        if (dispatcher.deactivating > 1) throw new Error('it deactivates twice at once');
        if (started > 0 && !(before === 'waiting' && event.type === 'poll.due'))
          throw new Error(`${event.type} in ${before} starts a poll`);
        if (before === 'waiting' && event.type === 'poll.due' && started !== 1)
          throw new Error('a due poll is not made');
        if (dispatcher.state === 'waiting' && !dispatcher.scheduled)
          throw new Error('it waits for a poll that is not due');
        if (dispatcher.state === 'stopped' && before !== 'stopped' && dispatcher.scheduled)
          throw new Error('a poll is left');
      }
      mustStop(dispatcher);
      mustStart(dispatcher);
    }),
    { numRuns: 600, ...(seed === undefined ? {} : { seed }) },
  );
}

/** Checks that a deactivated dispatcher stops as soon as everything under way has ended, and cleans its queues once. */
function mustStop(dispatcher: Recorded): void {
  if (['stopped', 'abandoned'].includes(dispatcher.state)) return;
  dispatcher.happen({ type: 'dispatcher.deactivate' });
  dispatcher.happen({ type: 'poll.due' });
  dispatcher.happen({ type: 'poll.done' });
  const cleaned = dispatcher.deactivating;
  dispatcher.happen({ type: 'deactivation.done' });
  if (dispatcher.state !== 'stopped') throw new Error(`deactivated, it ends in ${dispatcher.state}`);
  if (cleaned !== 1) throw new Error('it stops with its queues as they are');
}

/** Checks that it can be activated in every state and polls again. */
function mustStart(dispatcher: Recorded): void {
  dispatcher.happen({ type: 'dispatcher.activate' });
  dispatcher.happen({ type: 'poll.done' });
  const before = dispatcher.effects.filter((effect) => effect === 'poll').length;
  dispatcher.happen({ type: 'poll.due' });
  dispatcher.happen({ type: 'poll.done' });
  const polls = dispatcher.effects.filter((effect) => effect === 'poll').length - before;
  if (polls !== 1 || dispatcher.state !== 'waiting') throw new Error(`activated, it is ${dispatcher.state}`);
}

describe('a dispatcher', () => {
  it('reaches every state by a shortest path', () => {
    const paths = getShortestPaths(dispatcherMachine, { events });

    expect(paths.map(({ state }) => state.value).sort()).toEqual(
      Object.keys(dispatcherMachine.states).sort(),
    );
    for (const { steps, state } of paths) {
      const dispatcher = new Recorded(dispatcherMachine);
      for (const { event } of steps.slice(1)) dispatcher.actor.send(event as DispatcherEvent);
      expect(dispatcher.state).toBe(state.value);
    }
  });

  it('never overlaps polls, polls only when it waits, and always stops and starts again', () => {
    checkDispatcher(dispatcherMachine);
  });

  it.each([
    ['stopped', 'dispatcher.activate'],
    ['waiting', 'poll.due'],
    ['waiting', 'dispatcher.deactivate'],
    ['polling', 'poll.done'],
    ['polling', 'dispatcher.deactivate'],
    ['closing', 'poll.done'],
    ['stopping', 'deactivation.done'],
    ['abandoned', 'poll.done'],
    ['abandoned', 'dispatcher.activate'],
    ['returning', 'poll.done'],
    ['returning', 'dispatcher.deactivate'],
  ])('is none when %s does not take %s', (path, event) => {
    const altered = without(dispatcherMachine, path, event);

    expect(() => checkDispatcher(altered, 1)).toThrow(/^Property failed/);
  });

  it('ignores a poll that is due in every state but waiting', () => {
    for (const { steps, state } of getShortestPaths(dispatcherMachine, { events })) {
      const dispatcher = new Recorded(dispatcherMachine);
      for (const { event } of steps.slice(1)) dispatcher.actor.send(event as DispatcherEvent);
      const before = [...dispatcher.effects];
      if (state.value === 'waiting') continue;
      dispatcher.actor.send({ type: 'poll.due' });

      expect([dispatcher.state, dispatcher.effects]).toEqual([state.value, before]);
    }
  });

  it('schedules the first poll at once and each further one an interval after the last ended', () => {
    const dispatcher = new Recorded(dispatcherMachine);
    for (const type of ['dispatcher.activate', 'poll.due', 'poll.done', 'poll.due', 'poll.done'] as const)
      dispatcher.actor.send({ type });

    expect(dispatcher.effects).toEqual([
      'schedulePollNow',
      'cancelPoll',
      'poll',
      'schedulePoll',
      'cancelPoll',
      'poll',
      'schedulePoll',
    ]);
  });

  it('that is abandoned in a poll and activated again waits for the end of that poll', () => {
    const dispatcher = new Recorded(dispatcherMachine);
    const types = [
      'dispatcher.activate',
      'poll.due',
      'dispatcher.abandon',
      'dispatcher.activate',
      'poll.due',
    ] as const;
    for (const type of types) dispatcher.actor.send({ type });
    const during = dispatcher.effects.filter((effect) => effect === 'poll').length;
    for (const type of ['poll.done', 'poll.due'] as const) dispatcher.actor.send({ type });

    expect([during, dispatcher.effects.filter((effect) => effect === 'poll').length]).toEqual([1, 2]);
  });
});
