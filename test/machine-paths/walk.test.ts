import { machinePaths } from 'signalbox/testing';
import { expect, test } from 'vitest';
import { counter, endless, parcel, player } from './machines.ts';

const namesOf = (paths: Iterable<{ readonly name: string }>) => [...paths].map(({ name }) => name);

test('x', async () => {
  console.log(namesOf(await machinePaths(counter, { events: [{ type: 'add' }, { type: 'reset' }] })));
  console.log(namesOf(await machinePaths(counter, { events: [{ type: 'add' }, { type: 'reset' }], paths: 'shortest' })));
  console.log(namesOf(await machinePaths(counter, { events: [{ type: 'add' }, { type: 'reset' }], paths: 'simple' })));
  console.log(namesOf(await machinePaths(counter, { events: [{ type: 'add' }, { type: 'reset' }], stateKey: ({ context }) => context.count < 2 ? 'few' : 'many' })));
  console.log(namesOf(await machinePaths(player, { events: [{ type: 'next' }, { type: 'mute' }, { type: 'off' }, { type: 'on' }] })));
  console.log(namesOf(await machinePaths(player, { events: [{ type: 'next' }, { type: 'mute' }, { type: 'off' }, { type: 'on' }], paths: 'simple' })));
  console.log(namesOf(await machinePaths(player, { events: [{ type: 'next' }, { type: 'mute' }, { type: 'off' }, { type: 'on' }], paths: 'simple', until: (now) => now.matches('off') })));
  const jobs = { weigh: [{ output: 40 }, { error: new Error('no scale') }], greet: [{ output: 'a' }, { output: 'b' }] };
  const events = [{ type: 'parcel.send' }, { type: 'scan.found' }] as const;
  const p = await machinePaths(parcel, { events, jobs });
  console.log(namesOf(p), p.coverage(), p.coverage('scan'));
  console.log(namesOf(await machinePaths(parcel, { events, jobs, paths: 'shortest' })));
  await expect(machinePaths(endless, { events: [{ type: 'add', by: 1 }] })).rejects.toThrow('xx');
});
