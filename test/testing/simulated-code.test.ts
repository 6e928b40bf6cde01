import { getEventListeners } from 'node:events';
import { defineJob, local, memoryStore } from 'signalbox';
import { createTestBox, SeededRandom, simulate, VirtualReactor, waitForStart } from 'signalbox/testing';
import { expect, it } from 'vitest';

const settings = { log: null } as const;

it('a job sleeps in the time of the test, and reads its clock', async () => {
  const brew = defineJob({
    name: 'brew',
    run: async () => {
      const began = local.now();
      await local.sleep('4m');
      await local.sleep(60_000);
      return [began, local.now()];
    },
  });
  const reactor = new VirtualReactor();
  const { box, tearDown } = await createTestBox({ ...settings, reactor, jobs: [brew] });
  const began = reactor.now();
  const job = await box.queue().put(brew());

  await reactor.advance('4m');
  expect((await job.refresh()).status).toBe('ACTIVE');
  await reactor.advance('1m');

  expect(await job.result()).toEqual([began, began + 5 * 60_000]);
  await tearDown();
});

it('a job sleeps in real time without a test', async () => {
  const nap = defineJob({
    name: 'nap',
    run: async () => {
      const began = local.now();
      await local.sleep('20ms');
      return local.now() - began;
    },
  });
  const { box, tearDown } = await createTestBox({ ...settings, jobs: [nap] });

  // A timer may be early by a fraction, and a clock counts whole milliseconds.
  expect(await (await box.queue().put(nap())).result()).toBeGreaterThanOrEqual(18);
  await tearDown();
});

it('a sleep ends at once when the dispatcher stops, and leaves no timer', async () => {
  const ends: unknown[] = [];
  const wait = defineJob({ name: 'wait', run: () => local.sleep('1h').catch((reason) => ends.push(reason)) });
  const reactor = new VirtualReactor();
  const { box, dispatcher, tearDown } = await createTestBox({ ...settings, reactor, jobs: [wait] });
  await waitForStart(await box.queue().put(wait()));

  await dispatcher.deactivate();

  expect(ends).toEqual([expect.any(Error)]);
  expect(reactor.pending).toBe(0);
  await tearDown();
});

it('a sleep ends when a signal of the code aborts, with its reason, and leaves that signal alone', async () => {
  const stop = new AbortController();
  const wait = defineJob({
    name: 'wait',
    run: async () => {
      await local.sleep('1s', { signal: stop.signal });
      await local
        .sleep('1h', { signal: stop.signal })
        .catch((reason) => local.setLiveAnnotation('why', reason));
      await local.sleep('1h', { signal: stop.signal });
    },
  });
  const reactor = new VirtualReactor();
  const { box, tearDown } = await createTestBox({ ...settings, reactor, jobs: [wait] });
  const job = await box.queue().put(wait());
  await reactor.advance('2s');
  const before = reactor.now();

  stop.abort('enough');
  await reactor.runUntilIdle();

  expect((await job.refresh()).annotations).toEqual({ why: 'enough' });
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  expect([job.ending, reactor.now()]).toEqual(['failed', before]);
  await tearDown();
});

it.each([
  ['a negative duration', () => local.sleep(-1), 'INVALID_DURATION'],
  ['text that is none', () => local.sleep('soon'), 'INVALID_DURATION'],
  ['a signal that is none', () => local.sleep(1, { signal: {} as never }), 'INVALID_OPTION'],
  ['an unknown option', () => local.sleep(1, { abort: null } as never), 'INVALID_OPTION'],
])('a sleep refuses %s', async (_, sleep, code) => {
  const codes: unknown[] = [];
  const ask = defineJob({
    name: 'ask',
    run: () => sleep().catch((error: { code: string }) => codes.push(error.code)),
  });
  const { box, tearDown } = await createTestBox({ ...settings, reactor: new VirtualReactor(), jobs: [ask] });

  await (await box.queue().put(ask())).result();

  expect(codes).toEqual([code]);
  await tearDown();
});

it('the randomness of a job is that of its box, so a test repeats it', async () => {
  const roll = defineJob({ name: 'roll', run: () => [local.random(), local.random()] });
  const rolls: unknown[] = [];
  for (const seed of [7, 7, 8]) {
    const random = new SeededRandom(seed);
    const { box, tearDown } = await createTestBox({
      ...settings,
      store: memoryStore(),
      random,
      jobs: [roll],
    });
    rolls.push(await (await box.queue().put(roll())).result());
    await tearDown();
  }

  expect(rolls[0]).toEqual(rolls[1]);
  expect(rolls[2]).not.toEqual(rolls[1]);
});

it('outside any job there is no time to sleep, no clock and no randomness', async () => {
  await expect(local.sleep(1)).rejects.toMatchObject({ code: 'NO_CURRENT_JOB' });
  expect(() => local.now()).toThrow(/local\.now\(\)/);
  expect(() => local.random()).toThrow(/local\.random\(\)/);
});

it('a simulation decides about sleep and randomness: the same seed gives the same trace', async () => {
  const life = () =>
    simulate({
      seed: 11,
      scenario: () => {
        const work = defineJob({
          name: 'work',
          run: async () => {
            const began = local.now();
            await local.sleep(Math.floor(local.random() * 20_000));
            return local.now() - began;
          },
        });
        return { jobs: [work], act: ({ put }) => put(() => work()), acts: 10 };
      },
    });

  const [one, other] = [await life(), await life()];

  expect(one.trace).toEqual(other.trace);
  expect(one.jobs.every(({ ending }) => ending === 'succeeded')).toBe(true);
});
