import { defineJob, defineMachine, fromJob, local } from 'signalbox';
import { randomMachine } from '../../durable/random-machine.ts';

/** The job of random machines. */
export const work = defineJob({
  name: 'work',
  retry: 'NeverRetry',
  run: async (n: number) => {
    // A machine may start the next one as soon as this one ends.
    await local.sleep(15);
    if (n % 3 === 1) throw new Error('declined');
    return n;
  },
});

/** A random machine under a name of its own. */
export function machineOf(seed: number) {
  return defineMachine(randomMachine(seed, fromJob(work)), { name: `random${seed}` });
}
