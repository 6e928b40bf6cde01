import { defineMachine } from 'signalbox';
import { machinePaths } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { counter, endless, parcel } from './machines.ts';

const jobs = { weigh: [{ output: 40 }], greet: [{ output: 'hello' }] };

describe('machinePaths refuses', () => {
  it.each<[string, object, RegExp]>([
    [
      'an event that neither the machine nor a child knows',
      { jobs, events: [{ type: 'parcel.sent' }] },
      /events that "parcel" or its children know \(parcel\.send, scan\.found, scan\.lost, scanning\), got parcel\.sent/,
    ],
    [
      'an event of the machinery',
      { jobs, events: [{ type: 'xstate.done.actor.scan' }] },
      /events of the program/,
    ],
    ['an event without a type', { jobs, events: ['parcel.send'] }, /events with a type/],
    [
      'a child without outcomes',
      { jobs: { weigh: [{ output: 40 }] } },
      /outcomes for every child that is a job, such as \{ greet: .*got none for greet/,
    ],
    [
      'outcomes that are none',
      { jobs: { ...jobs, weigh: [{ value: 40 }] } },
      /`jobs.weigh` to be a list of \{ output \} and \{ error \}, got \{ value \}/,
    ],
    ['an unknown perturbation', { jobs, perturb: ['fire'] }, /`perturb` to be of lost, kill.*got fire/],
    [
      'an unknown kind of paths',
      { jobs, paths: 'all' },
      /`paths` to be one of transitions, shortest, simple, got all/,
    ],
    ['no inputs', { jobs, inputs: [] }, /`inputs` to be a list of one input or more/],
    ['an input and inputs', { jobs, input: 1, inputs: [1] }, /`input` to be absent/],
    ['a limit of nothing', { jobs, limit: 0 }, /`limit` to be a whole number from 1 up/],
    ['an unknown option', { jobs, event: [] }, /`event` to be absent/],
  ])('%s', async (_what, options, message) => {
    await expect(machinePaths(parcel, options as never)).rejects.toThrow(message);
  });

  it('more states than the limit, and says how to go on', async () => {
    const paths = machinePaths(endless, { events: [{ type: 'add', by: 1 }] });

    await expect(paths).rejects.toThrow(
      /machine "endless" can reach, its context included\. Fold counters with `stateKey`, end paths with `until`, give fewer events, or raise it, got 1000/,
    );
  });

  it('paths of which none comes to their end', async () => {
    const paths = machinePaths(counter, { paths: 'shortest', until: () => false });

    await expect(paths).rejects.toThrow(
      /`until` to be true in a state that can be reached, got false in all/,
    );
  });

  it('more simple paths than the limit', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const region = (name: string) => ({
      initial: 'off',
      states: { off: { on: { [name]: { target: 'on' } } }, on: {} },
    });
    const lamps = defineMachine(
      setup({}).createMachine({
        id: 'lamps',
        version: '1',
        type: 'parallel',
        states: Object.fromEntries(names.map((name) => [name, region(name)])),
      }),
    );

    // 16 states, and 24 orders in which they go on.
    const paths = machinePaths(lamps, {
      events: names.map((type) => ({ type })),
      paths: 'simple',
      limit: 20,
    });

    await expect(paths).rejects.toThrow(/at least the number of simple paths.*got 20/);
  });

  it('a machine that comes to no rest', async () => {
    const restless = defineMachine(
      setup({}).createMachine({
        id: 'restless',
        version: '1',
        initial: 'here',
        states: { here: { after: { 0: { target: 'here', reenter: true } } } },
      }),
    );

    await expect(machinePaths(restless, {})).rejects.toThrow(/machine "restless" to come to rest/);
  });

  it('the coverage of a machine that is not there', async () => {
    const paths = await machinePaths(counter, { events: [{ type: 'add' }] });

    expect(() => paths.coverage('parcel')).toThrow(/parcel/);
  });
});
