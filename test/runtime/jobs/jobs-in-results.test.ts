import { defineCondition, defineJob, type Job, local, parallel } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

const square = defineJob({ name: 'square', run: (n: number) => n * n });
const spread = defineJob({
  name: 'spread',
  run: async (): Promise<{ squares: Job<number>[] }> => ({
    squares: [await local.getQueue().put(square(2)), await local.getQueue().put(square(3))],
  }),
});
/** How a job looks to code that asks it nothing. */
const seen = (job: Job): string => `${job.name} ${job.status} ${JSON.stringify(job.outcome)}`;
const look = defineJob({
  name: 'look',
  run: (outer: Job<{ squares: Job[] }>) =>
    outer.outcome?.ok === true ? outer.outcome.value.squares.map(seen) : [],
});
const lookAt = defineJob({
  name: 'lookAt',
  run: (input: unknown) => (input as { squares: Job[] }).squares.map(seen),
});
const isDone = defineCondition(
  'isDone',
  (input) => (input as { squares?: Job[] }).squares?.every(({ status }) => status === 'COMPLETED') === true,
);
const jobs = [square, spread, look, lookAt];
const completed = ['square COMPLETED {"ok":true,"value":4}', 'square COMPLETED {"ok":true,"value":9}'];

forEachStore('A job inside a result', (makeStore) => {
  const done = async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs, conditions: [isDone] });
    await box.start();
    const job = await box.queue().put(spread());
    await reactor.runUntilIdle();
    return { box, reactor, job };
  };

  it('has its name, status and outcome, however the result is read', async () => {
    const { box, job } = await done();
    const id = job.id ?? '';

    expect((await job.result()).squares.map(seen)).toEqual(completed);
    for (const read of [
      await box.job<{ squares: Job[] }>(id).refresh(),
      await box.job<{ squares: Job[] }>(id).waitFor('COMPLETED'),
    ])
      expect(read.outcome?.ok === true && read.outcome.value.squares.map(seen)).toEqual(completed);
  });

  it('has them where code gets the result: as a job among its arguments, as input of a callback and of a condition', async () => {
    const { box, reactor, job } = await done();

    const looked = await box.queue().put(look(job));
    const added = await job.addCallback(lookAt);
    const chosen = await job.addConditionalCallbacks([[isDone, lookAt]]);
    await reactor.runUntilIdle();

    expect(await looked.result()).toEqual(completed);
    expect(await added.result()).toEqual(completed);
    expect(await chosen.outcome()).toEqual({ ok: true, value: completed });
  });

  it('has them in the result of a call, of a joined job, and of the chosen callback of a proxy', async () => {
    const { box, reactor } = await done();
    const keep = defineJob({ name: 'keep', run: (...all: Job[]) => all.slice(0, 2) });
    box.define(keep);
    const squares = [square(2), square(3)];

    const joined = parallel(squares);
    const pair = await joined.addCallbacks({ success: keep.partial(...squares) });
    await box.queue().put(joined);
    await reactor.runUntilIdle();

    expect((await joined.result()).map(seen)).toEqual(completed);
    const outcome = await pair.outcome();
    expect(outcome?.ok === true && (outcome.value as Job[]).map(seen)).toEqual(completed);
    expect(((await box.call(keep(...squares))) as Job[]).map(seen)).toEqual(completed);
  });

  it('is one handle however often the result names it', async () => {
    const { box, reactor } = await done();
    const twice = defineJob({ name: 'twice', run: (job: Job) => ({ a: job, b: [job] }) });
    box.define(twice);
    const named = await box.queue().put(twice(square(2)));
    await reactor.runUntilIdle();

    const { a, b } = await named.result();

    expect(a).toBe(b[0]);
    expect(seen(a)).toBe('square NEW null');
  });
});
