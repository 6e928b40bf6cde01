import { defineJob, defineMachine, fromJob } from 'signalbox';
import { machinePaths } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { fromTransition, setup } from 'xstate';
import { counter, parcel, player } from './machines.ts';

const counting = [{ type: 'add' }, { type: 'reset' }] as const;
const playing = [{ type: 'next' }, { type: 'mute' }, { type: 'off' }, { type: 'on' }] as const;
const sending = [{ type: 'parcel.send' }, { type: 'scan.found' }] as const;
const jobs = {
  weigh: [{ output: 40 }, { error: new Error('no scale') }],
  greet: [{ output: 'hello' }, { output: 'welcome' }],
};

function namesOf(paths: Iterable<{ readonly name: string }>): readonly string[] {
  return [...paths].map(({ name }) => name);
}

describe('The paths of a machine that counts', () => {
  it('take each transition once, guarded ones by the count at which they open', async () => {
    const paths = await machinePaths(counter, { events: counting });

    expect(namesOf(paths)).toEqual(['add → reset', 'add → add → add']);
    expect(paths.coverage().missed).toEqual([]);
    expect(paths).toHaveLength([...paths].length);
  });

  it('go to every state by the shortest way', async () => {
    const paths = await machinePaths(counter, { events: counting, paths: 'shortest' });

    expect(namesOf(paths)).toEqual(['add → add → add']);
  });

  it('begin with each input', async () => {
    const paths = await machinePaths(counter, { inputs: [undefined, { from: 2 }], events: counting });

    expect(namesOf(paths)).toEqual(['input 1 → add → reset', 'input 2 → add']);
  });

  it('end where they are told to', async () => {
    const paths = await machinePaths(counter, {
      events: counting,
      paths: 'simple',
      until: ({ context }) => context.count === 2,
    });

    expect(namesOf(paths)).toEqual(['add → add']);
  });

  it('miss what no event of theirs takes, and say what that is', async () => {
    const paths = await machinePaths(counter, { events: [{ type: 'add' }] });

    expect(paths.coverage().missed).toEqual([
      { source: 'counting', event: 'reset', guard: null, targets: [] },
    ]);
    expect(paths.coverage().taken).toContainEqual({
      source: 'counting',
      event: 'add',
      guard: 'isLast',
      targets: ['full'],
    });
  });

  it('may fold a counter that has no end', async () => {
    const sum = defineMachine(
      fromTransition((n: number, { by }: { type: 'add'; by: number }) => n + by, 0),
      { name: 'sum' },
    );

    const paths = await machinePaths(sum, {
      events: [{ type: 'add', by: 1 }],
      paths: 'shortest',
      stateKey: ({ context }) => String(Math.min(context, 3)),
    });

    expect(namesOf(paths)).toEqual(['add → add → add']);
  });
});

describe('The paths of a machine with regions', () => {
  it('take each transition, and from each state from which history comes back', async () => {
    const paths = await machinePaths(player, { events: playing });

    expect(namesOf(paths)).toEqual([
      'next → mute → off → on',
      'mute → next',
      'off → on',
      'next → off → on',
      'mute → off → on',
    ]);
    expect(paths.coverage().missed).toEqual([]);
  });

  it('are every way to an end that meets no state twice', async () => {
    const paths = await machinePaths(player, {
      events: playing,
      paths: 'simple',
      until: (now) => now.matches('off'),
    });

    expect(namesOf(paths)).toEqual([
      'next → mute → off',
      'next → off',
      'mute → next → off',
      'mute → off',
      'off',
    ]);
  });
});

describe('The paths of a machine with children and timers', () => {
  it('go on with outcomes of jobs, events to children, and time', async () => {
    const paths = await machinePaths(parcel, { events: sending, jobs });

    expect(namesOf(paths)).toEqual([
      'weight done → send → found to scan → greeting done',
      'weight failed',
      'weight done → time passes → time passes',
      'weight done → send → time passes for scan',
    ]);
    expect(paths.coverage().missed).toEqual([]);
    expect(paths.coverage('scan').missed.map(({ event }) => event)).toEqual(['scan.lost']);
  });

  it('tell outcomes of one kind by their number', async () => {
    const paths = await machinePaths(parcel, { events: sending, jobs, paths: 'simple' });

    expect(namesOf(paths)).toContain('weight done → send → found to scan → greeting done 2');
  });

  it('wait for a child that does not end', async () => {
    const paths = await machinePaths(parcel, { events: sending, jobs: { ...jobs, weigh: [] } });

    expect(namesOf(paths)).toEqual(['start']);
  });

  it.each([
    { timeout: '10m', expected: ['slow done'] },
    { timeout: '2h', expected: ['slow done', 'time passes'] },
  ])('let no time pass that a job with a limit of $timeout does not have', async ({ timeout, expected }) => {
    const slow = defineJob({ name: 'slow', timeout, run: () => 'done' });
    const waiting = defineMachine(
      setup({ actors: { slow: fromJob(slow) } }).createMachine({
        id: 'waiting',
        version: '1',
        initial: 'at work',
        states: {
          'at work': {
            invoke: { id: 'slow', src: 'slow', input: [], onDone: { target: 'over' } },
            after: { 3600000: { target: 'late' } },
          },
          over: { type: 'final' },
          late: { type: 'final' },
        },
      }),
    );

    const paths = await machinePaths(waiting, { jobs: { slow: [{ output: 'done' }] } });

    expect(namesOf(paths)).toEqual(expected);
  });
});
