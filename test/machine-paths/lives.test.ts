import { machinePaths } from 'signalbox/testing';
import { expect, test } from 'vitest';
import { counter, parcel, player } from './machines.ts';
import { perturbationNames } from '../../src/testing/explore/perturbations.ts';

const go = async (paths: any) => {
  const c0 = process.cpuUsage().user; let n = 0;
  const failed: string[] = [];
  for (const { name, run } of paths) { n += 1; try { await run(); } catch (error) { failed.push(`${name}: ${(error as Error).message.slice(0, 1200)}`); } }
  console.log(n, 'ways', (process.cpuUsage().user - c0) / 1000 / n, 'ms cpu each');
  return failed;
};

test('counter', async () => {
  expect(await go(await machinePaths(counter, { events: [{ type: 'add' }, { type: 'reset' }], perturb: perturbationNames }))).toEqual([]);
}, 100000);
test('player', async () => {
  expect(await go(await machinePaths(player, { events: [{ type: 'next' }, { type: 'mute' }, { type: 'off' }, { type: 'on' }], perturb: perturbationNames }))).toEqual([]);
}, 100000);
test('parcel', async () => {
  const jobs = { weigh: [{ output: 40 }, { error: new Error('no scale') }], greet: [{ output: 'a' }, { output: 'b' }] };
  const events = [{ type: 'parcel.send' }, { type: 'scan.found' }] as const;
  expect(await go(await machinePaths(parcel, { events, jobs, perturb: perturbationNames }))).toEqual([]);
}, 100000);
