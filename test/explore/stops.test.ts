import { agent, defineJob, type Job, local } from 'signalbox';
import { explore, type SimulatedScenario } from 'signalbox/testing';
import { expect, it } from 'vitest';

const retry = { maxAttempts: 3, delay: '2s', jitter: 0, backoff: 'fixed', maxInterruptions: null } as const;
const listen = defineJob({ name: 'listen', retry, run: () => local.sleep('1h') });
const deaf = defineJob({
  name: 'deaf',
  retry,
  grace: '2s',
  run: () => new Promise<null>((resolve) => void local.getReactor().callLater(9000, () => resolve(null))),
});
const timed = defineJob({ name: 'timed', retry, timeout: '2s', run: () => local.sleep('1h') });
const late = defineJob({ name: 'late', retry, deadline: '6s', run: () => local.sleep('1h') });
const nap = defineJob({
  name: 'nap',
  run: () => ((local.getJob()?.record.snoozed?.times ?? 0) < 2 ? local.snooze('1s') : 'awake'),
});
const note = defineJob({ name: 'note', run: (text: string) => text });
const outer = defineJob({ name: 'outer', retry, run: (inner: Job<unknown>) => inner });

/** Puts one job of each kind, and cancels some: each ends as it was asked. */
function stops(): SimulatedScenario {
  const put: Record<string, string> = {};
  const cancelled: string[] = [];
  return {
    jobs: [listen, deaf, timed, late, nap, note, outer],
    agent: agent({ size: 9 }),
    act: async (client) => {
      const { call } = client;
      const putAs = async (name: string, make: () => Job<unknown>): Promise<void> => {
        put[name] = (await client.put(make)) ?? '';
      };
      await putAs('running', () => listen() as Job<unknown>);
      await putAs('deaf', () => deaf() as Job<unknown>);
      await putAs('timed', () => timed() as Job<unknown>);
      await putAs('late', () => late() as Job<unknown>);
      await putAs('nap', () => nap() as Job<unknown>);
      await putAs('inner', () => listen() as Job<unknown>);
      await putAs('outer', () => outer(client.box.job(put.inner ?? '')) as Job<unknown>);
      for (const name of ['outer', 'running', 'deaf', 'inner']) {
        const result = await call((box) => box.job(put[name] ?? '').cancel());
        if (result !== 'ended') cancelled.push(name);
      }
    },
    check: async (box) => {
      const endingOf = async (name: string) => [name, (await box.job(put[name] ?? '').refresh()).ending];
      // A value that code gives all the same, in time, has won the race.
      for (const name of cancelled)
        expect([
          [name, 'cancelled'],
          ['deaf', 'succeeded'],
        ]).toContainEqual(await endingOf(name));
      expect(await endingOf('timed')).toEqual(['timed', 'failed']);
      expect(await endingOf('late')).toEqual(['late', 'expired']);
      expect(await endingOf('nap')).toEqual(['nap', 'succeeded']);
    },
  };
}

it('Whatever is done at whichever commit, each cancel, limit and snooze ends as it was asked', {
  timeout: 120_000,
}, async () => {
  const ways = await explore({
    perturb: ['kill', 'lost', 'unanswered', 'stopped', 'taken', 'disconnect', 'full'],
    scenario: stops,
  });
  expect(ways.length).toBeGreaterThan(150);

  for (const { run } of ways) await run();

  expect(ways.coverage('job').taken).toEqual(
    expect.arrayContaining([
      'active.timingOut job.interrupt active.timingOut',
      'active.cancelling job.interrupt active.cancelling',
      'active.waiting job.cancel callbacks',
      'active.running job.snooze pending',
    ]),
  );
});
