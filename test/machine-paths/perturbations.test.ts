import { machinePaths, type PerturbationName } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { perturbationNames } from '../../src/testing/explore/perturbations.ts';
import { counter, parcel, player } from './machines.ts';

/** Goes all ways. Returns those that fail, and how many there were. */
async function gone(ways: Iterable<{ readonly run: () => Promise<void> }>) {
  const failed: string[] = [];
  let count = 0;
  for (const { run } of ways) {
    count += 1;
    await run().catch((error: Error) => failed.push(error.message));
  }
  return { failed, count };
}

const perturb: readonly PerturbationName[] = perturbationNames;

it('A machine that counts bears everything at each commit', async () => {
  const { failed, count } = await gone(
    await machinePaths(counter, { events: [{ type: 'add' }, { type: 'reset' }], perturb }),
  );

  expect(failed).toEqual([]);
  expect(count).toBeGreaterThan(40);
});

it('A machine with regions and history bears everything at each commit', async () => {
  const { failed, count } = await gone(
    await machinePaths(player, {
      events: [{ type: 'next' }, { type: 'mute' }, { type: 'off' }, { type: 'on' }],
      perturb,
    }),
  );

  expect(failed).toEqual([]);
  expect(count).toBeGreaterThan(100);
});

it('A machine with jobs, timers and a child bears everything at each commit', async () => {
  const { failed, count } = await gone(
    await machinePaths(parcel, {
      events: [{ type: 'parcel.send' }, { type: 'scan.found' }],
      jobs: {
        weigh: [{ output: 40 }, { error: new Error('no scale') }],
        greet: [{ output: 'hello' }, { output: 'welcome' }],
      },
      perturb,
    }),
  );

  expect(failed).toEqual([]);
  expect(count).toBeGreaterThan(150);
});
