import fc from 'fast-check';
import { defineJob, detached, local, NeverRetry } from 'signalbox';
import { boxCommands, runCommands, type StoryScenario } from 'signalbox/testing/fast-check';
import { expect, it } from 'vitest';
import { alarm, brittle, counter, fragile, guardian, talker } from '../../simulate/actors/machines.ts';
import { charge, invoice, mail, order, parcel, refund } from '../../simulate/actors/order.ts';
import { tell } from '../../simulate/actors/scenario.ts';

const keys = ['x', 'y'] as const;
const typed = (...types: readonly string[]) => types.map((type) => ({ type }));

const slow = defineJob({
  name: 'slow',
  run: async (ms: number) => {
    await local.sleep(ms);
    if (ms % 2 === 1) throw new Error('odd');
    return ms;
  },
});
const outside = defineJob({ name: 'outside', run: (ms: number) => detached(local.sleep(ms)) });
const once = defineJob({ name: 'once', retry: NeverRetry, run: () => local.sleep('5s') });

const everything = (): StoryScenario => ({
  jobs: [charge, invoice, refund, mail, tell, slow, outside, once],
  machines: [counter, order, parcel, talker, alarm, fragile, brittle, guardian],
  inputs: {
    order: (key) => ({ id: key, cents: key === 'x' ? 100 : 99 }),
    talker: (key) => ({ other: key === 'x' ? 'y' : 'x' }),
    parcel: () => ({ order: 'o' }),
  },
  prepare: async (box) => {
    for (const key of keys) await box.actor(counter, key).start();
    for (const key of keys) await box.actor(talker, key).start({ other: key === 'x' ? 'y' : 'x' });
  },
});

it('random stories of jobs and actors go as the model says', async () => {
  const stories = boxCommands({
    jobs: {
      tell: [
        ['x', 1, false],
        ['y', 2, true],
      ],
      slow: [[0], [3000], [1001]],
      outside: [[2000]],
      once: [[]],
    },
    machines: {
      counter: keys,
      order: keys,
      talker: keys,
      alarm: keys,
      fragile: keys,
      guardian: keys,
      parcel: keys,
    },
    events: {
      counter: [
        { type: 'add', by: 1 },
        { type: 'add', by: 13 },
      ],
      order: typed('approve', 'reject', 'cancel', 'again'),
      talker: [{ type: 'ball', left: 3 }],
      alarm: typed('arm', 'calm', 'ring', 'bell'),
      fragile: typed('count', 'break'),
      guardian: typed('enough', 'hello'),
      parcel: typed('scan', 'delivered'),
    },
    advance: ['1s', '3s', '10s', '1m'],
    maxCommands: 20,
  });

  const events = new Set<string>();
  const told = fc.asyncProperty(stories, async (commands) => {
    const { entries } = await runCommands(everything, commands);
    for (const { event } of entries) events.add(event);
  });
  await fc.assert(told, { seed: 1, numRuns: 100 });

  for (const event of ['job.pull', 'job.cancel', 'job.cancelled', 'job.interrupt', 'job.abort', 'job.wait'])
    expect(events).toContain(event);
  for (const event of [
    'signalbox.suspend',
    'message.put',
    'xstate.done.actor.charge',
    'xstate.error.actor.charge',
  ])
    expect(events).toContain(event);
});

it.each([1, 2, 3, 4, 6])(
  'with seed %i the story of a double charge shrinks to its two commands',
  async (seed) => {
    const charging = () => {
      const charges: (string | null | undefined)[] = [];
      const pay = defineJob({ name: 'pay', run: () => void charges.push(local.getJob()?.id) });
      return {
        jobs: [pay],
        invariant: () => {
          if (new Set(charges).size < charges.length) throw new Error('charged twice');
        },
      };
    };
    const stories = boxCommands({ jobs: { pay: [[]] }, advance: ['1s'] });

    const told = fc.asyncProperty(stories, async (commands) => void (await runCommands(charging, commands)));
    const { counterexample } = await fc.check(told, { seed });

    expect(counterexample?.[0].map(String).sort()).toEqual(['power cut at the next job.finish', 'put pay()']);
  },
);
