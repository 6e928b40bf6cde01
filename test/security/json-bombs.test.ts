import { readdirSync } from 'node:fs';
import {
  createSignalbox,
  defineJob,
  type JobDefinition,
  local,
  RetryCommonFourTimes,
  type Signalbox,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { closeBoxes, errorOf, keep, newPath, openBox, refusal } from '../input/boxes.ts';
import { forgeJournal } from './tampered-store.ts';

afterEach(closeBoxes);

const ignore = (): void => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };
const mebibyte = 1024 * 1024;

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let at = 0; at < depth; at += 1) value = { a: value };
  return value;
}

/** 250,000 keys: listing them takes long, so not every call is tried with it. */
function vast(): unknown {
  const value: Record<string, number> = {};
  for (let at = 0; at < 250_000; at += 1) value[`k${at}`] = at;
  return value;
}

const bottomless = nested(5_000_000);
const text = 'x'.repeat(mebibyte - 2);
/** 10 GB of JSON in a few bytes of memory: no text can be that long. */
const unfolding = Array.from({ length: 10_000 }, () => text);

const bombs: readonly (readonly [what: string, value: unknown, code: string, details: object])[] = [
  ['5,000,000 levels', bottomless, 'ARGS_TOO_DEEP', { limit: 64, actual: 65 }],
  [
    '1,000,000 elements',
    Array.from({ length: 1_000_000 }, () => 0),
    'ARGS_TOO_LARGE',
    { limit: 10_000, actual: 10_001, unit: 'keys' },
  ],
  [
    '2 MiB',
    'x'.repeat(2 * mebibyte),
    'ARGS_TOO_LARGE',
    { limit: mebibyte, actual: 2 * mebibyte, unit: 'bytes' },
  ],
  ['text that would take 10 GB', unfolding, 'ARGS_TOO_LARGE', { limit: mebibyte, unit: 'bytes' }],
];

/** Checks that the store works: a job runs, a checkpoint is made, and it opens again with all of its records. */
async function isWell(box: Signalbox, dir: string): Promise<void> {
  const journals = (): number => readdirSync(dir).filter((name) => name.startsWith('journal-')).length;
  const before = journals();
  for (let job = 0; job < 6; job += 1)
    await box.queue('a').put(keep('x'.repeat(10_000)), { beginAfter: '1h' });
  await expect.poll(journals).toBeGreaterThan(before);
  expect(await (await box.queue().put(keep('well'))).result()).toBe('well');
  await box.stop();
  const again = await openBox(jsonStore(dir));
  expect(await again.queue('a').length()).toBe(6);
}

function smallStore(dir: string) {
  return jsonStore(dir, { checkpointMinBytes: 20_000 });
}

describe('[S5] a bomb of JSON', () => {
  it.each(bombs)(
    '%s is refused by every call with the limit and the actual size, and the store is intact',
    async (_what, value, code, details) => {
      const give = defineJob({ name: 'give', run: (): unknown => value });
      const tell = defineJob({ name: 'tell', run: () => local.setLiveAnnotation('bomb', value) });
      const dir = newPath();
      const box = await openBox(smallStore(dir), [give, tell], { logger: silent });
      const waiting = await box.queue('a').put(keep(1));

      const doors: (() => unknown)[] = [
        () => box.queue().put(keep(value)),
        () => box.queue().put(keep(1).with({ annotations: { bomb: value } })),
        () => waiting.setArgs([value]),
        () => waiting.appendArgs([value]),
        () => waiting.setAnnotation('bomb', value),
        () => waiting.addCallback(keep.partial(value)),
        () => box.call(keep(value)),
        () => box.transaction((tx) => tx.queue().put(keep(value))),
      ];
      for (const door of doors) expect(await refusal(box, door)).toMatchObject({ code, details });

      await box.start({ agent: null });
      await box.queue('a').remove(waiting);
      for (const job of [give(), tell()]) expect(await box.call(job)).toMatchObject({ data: { code } });
      await box.stop();
      const started = await openBox(smallStore(dir));
      await started.start();
      await isWell(started, dir);
    },
  );

  it('is also one of many arguments, each of which would do', async () => {
    const box = await openBox(jsonStore(newPath()));
    const half = 'x'.repeat(mebibyte / 2);
    const numbers = Array.from({ length: 10_002 }, () => 1);

    const error = await refusal(box, () => box.queue().put(keep(half, half, half)));
    const many = await refusal(box, () => box.queue().put(keep(...numbers)));

    expect(error).toMatchObject({ code: 'ARGS_TOO_LARGE', details: { path: 'args', limit: mebibyte } });
    expect(many).toMatchObject({ code: 'ARGS_TOO_LARGE', details: { unit: 'keys', actual: 10_001 } });
  });

  it('may have 250,000 keys', async () => {
    const box = await openBox(jsonStore(newPath()));

    const error = await refusal(box, () => box.queue().put(keep(vast())));

    expect(error).toMatchObject({ code: 'ARGS_TOO_LARGE', details: { limit: 10_000, actual: 10_001 } });
  });

  it('has no room in the path that an error names', async () => {
    const box = await openBox(jsonStore(newPath()));
    const deep = Array.from({ length: 70 }).reduce<unknown>((inner) => ({ ['k'.repeat(10_000)]: inner }), 0);

    expect((await refusal(box, () => box.queue().put(keep(deep)))).message.length).toBeLessThan(6000);
  });

  it('is what the limits say', async () => {
    const limits = { depth: 2, keys: 3, bytes: 20 };
    const box = await openBox(jsonStore(newPath()), [], { limits });

    expect(await refusal(box, () => box.queue().put(keep([[[]]])))).toMatchObject({
      details: { limit: 2, actual: 3 },
    });
    expect(await refusal(box, () => box.queue().put(keep([1, 2, 3, 4])))).toMatchObject({
      details: { limit: 3 },
    });
    expect(await refusal(box, () => box.queue().put(keep('x'.repeat(19))))).toMatchObject({
      details: { limit: 20, actual: 21 },
    });
    await box.queue().put(keep([['x', 'y']]));
  });

  it.each([
    [{ depth: 257 }, 'a whole number from 1 to 256'],
    [{ keys: 0 }, 'a whole number from 1 to 10000000'],
    [{ bytes: '1' }, 'a whole number from 1 to'],
    [{ byte: 1 }, 'absent: only depth, keys, bytes'],
    [{ constructor: 1 }, 'absent: only depth, keys, bytes'],
  ])('has limits that are checked: %j', async (limits, expected) => {
    const error = await errorOf(() =>
      createSignalbox({ store: jsonStore(newPath()), limits: limits as object }),
    );

    expect([error.code, error.message]).toEqual(['INVALID_OPTION', expect.stringContaining(expected)]);
  });
});

describe('[S5] a failure', () => {
  const circular = new Error('circular');
  circular.cause = circular;
  const chain = Array.from({ length: 100_000 }).reduce<Error>(
    (cause, _none, at) => new Error(`${at}`, { cause }),
    new Error('first'),
  );
  const errors: Readonly<Record<string, () => unknown>> = {
    aCircularCause: () => circular,
    aChainOf100000Causes: () => chain,
    aPropertyOf5000000Levels: () => Object.assign(new Error('deep'), { bottomless }),
    aPropertyOf1000000Elements: () =>
      Object.assign(new Error('wide'), { list: Array.from({ length: 1_000_000 }, () => 0) }),
    aPropertyThatUnfolds: () => Object.assign(new Error('many'), { many: [unfolding, unfolding] }),
    aPropertyOf10GB: () => Object.assign(new Error('long'), { unfolding }),
    aMessageOf2MiB: () => new Error('x'.repeat(2 * mebibyte)),
    aNameOf2MiB: () =>
      Object.assign(new Error('x'), { name: 'x'.repeat(2 * mebibyte), code: 'y'.repeat(2 * mebibyte) }),
    aStackOf2MiB: () => Object.assign(new Error('x'), { stack: 'x'.repeat(2 * mebibyte) }),
    aThrown5000000Levels: () => bottomless,
    aThrown10GB: () => unfolding,
  };

  it('of any depth and size is stored small, and the store is intact', async () => {
    const jobs = Object.entries(errors).map(([name, error]) =>
      defineJob({
        name,
        run: () => {
          throw error();
        },
      }),
    ) as JobDefinition<readonly [], unknown>[];
    const dir = newPath();
    const box = await openBox(smallStore(dir), jobs, { logger: silent });
    await box.start();

    for (const job of jobs) {
      const put = await box.queue().put(job);
      await put.waitFor('COMPLETED');
      expect([job.definition.name, put.ending]).toEqual([job.definition.name, 'failed']);
      expect(JSON.stringify(put.record.outcome).length).toBeLessThan(256 * 1024);
    }
    await isWell(box, dir);
  });
});

describe('[S5] what a retry policy keeps', () => {
  it.each([
    ['deep', () => ({ kept: nested(100) })],
    ['5,000,000 levels deep', () => ({ kept: bottomless })],
    ['large', () => ({ kept: 'x'.repeat(5 * mebibyte) })],
  ])('is dropped when it is too %s, and the store is well', async (_what, data) => {
    const retry = { ...RetryCommonFourTimes, name: 'hoarder', updateData: data as unknown as () => null };
    const fail = defineJob({ name: 'fail', retry, run: () => Promise.reject(new Error('no')) });
    const dir = newPath();
    const box = await openBox(smallStore(dir), [fail], { logger: silent });
    await box.start();

    const job = await box.queue().put(fail);
    await job.waitFor('COMPLETED');

    expect(job.record.retryData).toMatchObject({ policy: 'hoarder' });
    expect(job.record.retryData?.kept).toBeUndefined();
    await isWell(box, dir);
  });
});

describe('[S5] text in a file of the store', () => {
  it('that nests 1,000,000 levels is refused when the store is opened', async () => {
    const dir = newPath();
    const box = await openBox(jsonStore(dir));
    await box.queue().put(keep('innocent'));
    await box.stop();
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    forgeJournal(dir, (line) => line.replace('"innocent"', deep));

    const error = await errorOf(() => openBox(jsonStore(dir)));

    expect([error.code, error.message]).toEqual(['STORE_CORRUPT', expect.stringContaining('nests deeper')]);
  });
});
