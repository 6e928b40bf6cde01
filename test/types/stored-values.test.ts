import { createSignalbox, defineJob, detached, type Job, memoryStore, type Signalbox } from 'signalbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as values from './stored-values.ts';

let box: Signalbox;

beforeEach(async () => {
  box = await createSignalbox({ store: memoryStore() });
  await box.start();
});

afterEach(() => box.stop());

/** A draft, whose definition the box knows from now on. */
function draft([job, value]: values.Given): Job<unknown> {
  box.define(job);
  return (job.partial as (value: unknown) => Job)(value);
}

/** The draft, whose definition the box knows from now on. */
function known<Result>(job: Job<Result>): Job<Result> {
  box.define(Object.assign(() => job, { definition: job.definition }) as never);
  return job;
}

const named = (list: readonly values.Given[]) =>
  list.map((given): readonly [string, values.Given] => [given[0].definition.name, given]);
const titled = (list: readonly Job<unknown>[]) => list.map((job): readonly [string, Job] => [job.name, job]);

describe('a value whose type compiles', () => {
  it.each(named(values.stored))('is stored and comes back: %s', async (_name, given) => {
    const job = await box.queue().put(draft(given));

    const result = await job.result();

    expect([job.args, result]).toEqual([[given[1]], given[1]]);
  });

  it.each(values.givenBack.map(([job, result]) => [job.name, job, result] as const))(
    'is the result: %s',
    async (_name, job, result) => {
      expect(await (await box.queue().put(known(job))).result()).toBe(result);
    },
  );

  it('may hold stored jobs, in arguments and in results', async () => {
    const one = defineJob({ name: 'one', run: () => 1 });
    const pass = defineJob({ name: 'pass', run: (held: { list: Job<number>[] }) => held });
    const passApart = defineJob({
      name: 'passApart',
      run: (held: Job<number>) => detached(Promise.resolve({ list: [held] })),
    });
    for (const job of [one, pass, passApart]) box.define(job);
    const held = await box.queue().put(one());

    const passed = await (await box.queue().put(pass({ list: [held] }))).result();
    const passedApart = await (await box.queue().put(passApart(held))).result();

    expect([passed.list[0]?.id, passedApart.list[0]?.id]).toEqual([held.id, held.id]);
  });
});

describe('a value whose type does not compile', () => {
  it.each(named(values.refused))('is refused as an argument: %s', async (_name, given) => {
    const put = box.queue().put(draft(given));

    await expect(put).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
  });

  it.each(titled(values.refusedBack))('fails the job that gives it: %s', async (_name, job) => {
    const put = await box.queue().put(known(job));

    await expect(put.result()).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
  });

  it('is refused as an annotation and as a changed argument', async () => {
    const later = defineJob({ name: 'later', run: (n: number) => n });
    box.define(later);
    const job = await box.queue().put(later(1), { beginAfter: '1h' });

    for (const change of values.refusedChanges) {
      const changed = (async () => change(job))();
      await expect(changed).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
    }
    for (const make of values.refusedSettings) {
      const put = box.queue().put(known(make()));
      await expect(put).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
    }
  });
});

it.each(named(values.refusedAtRunTime))(
  'what no type tells from data compiles, and is refused by its put: %s',
  async (_name, given) => {
    await expect(box.queue().put(draft(given))).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
  },
);
