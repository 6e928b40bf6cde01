import { defineJob, defineMachine, fromJob } from 'signalbox';
import { machinePaths } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { eventTypes, randomMachine } from '../durable/random-machine.ts';

const seeds = Number(process.env.SIGNALBOX_RANDOM_PATHS ?? 20);
const work = defineJob({ name: 'work', run: (n: number) => n });
const minute = 60_000;

/** Machines with more states, or without a legal start. */
const unfit = /number of states|to be a state of machine|microsteps in a step/;

it('The engine goes the paths of random machines as these give them', { timeout: 120_000 }, async () => {
  const failed: string[] = [];
  let count = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    // Its delays are far longer than what a step takes.
    const machine = defineMachine(randomMachine(seed, fromJob(work), minute));
    const paths = await machinePaths(machine, {
      events: eventTypes.map((type) => ({ type })),
      jobs: { work: [{ output: 1 }, { error: new Error('no') }] },
      stateKey: () => '',
      limit: 300,
    }).catch((error: Error) => {
      if (unfit.test(error.message)) return [];
      throw error;
    });
    for (const { run } of [...paths].slice(0, 20)) {
      count += 1;
      await run().catch((error: Error) => {
        // A machine may throw at an event: that is not about the engine.
        if (!error.message.startsWith('Expected the machine to take'))
          failed.push(`${seed}: ${error.message}`);
      });
    }
  }

  expect(failed).toEqual([]);
  expect(count).toBeGreaterThan(2 * seeds);
});
