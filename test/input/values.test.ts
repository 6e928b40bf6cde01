import { defineJob } from 'signalbox';
import { afterEach, describe, expect, it } from 'vitest';
import { closeBoxes, keep, openBox, refusal, stores } from './boxes.ts';

afterEach(closeBoxes);

class Customer {
  readonly name = 'Ada';
}

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let at = 0; at < depth; at += 1) value = [value];
  return value;
}

const notJson: readonly (readonly [what: string, value: unknown, path: string, got: string])[] = [
  ['a Date', new Date(0), 'args[0]', 'Date'],
  ['a Map', new Map([['a', 1]]), 'args[0]', 'Map'],
  ['a Set', new Set([1]), 'args[0]', 'Set'],
  ['a RegExp', /x/, 'args[0]', 'RegExp'],
  ['an Error', new TypeError('x'), 'args[0]', 'TypeError'],
  ['a Promise', Promise.resolve(1), 'args[0]', 'Promise'],
  ['bytes', new Uint8Array(2), 'args[0]', 'Uint8Array'],
  ['a class instance', new Customer(), 'args[0]', 'Customer'],
  ['a boxed number', Object(1), 'args[0]', 'Number'],
  ['a function', function send() {}, 'args[0]', 'function send'],
  ['a symbol', Symbol('x'), 'args[0]', 'Symbol(x)'],
  ['undefined', undefined, 'args[0]', 'undefined'],
  ['NaN', Number.NaN, 'args[0]', 'NaN'],
  ['Infinity', Number.POSITIVE_INFINITY, 'args[0]', 'Infinity'],
  ['a bigint', 10n, 'args[0]', 'bigint'],
  ['a symbol key', { [Symbol('x')]: 1 }, 'args[0]', 'an object with a symbol key'],
  ['an object with toJSON', { toJSON: () => 1 }, 'args[0]', 'an object with toJSON'],
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is refused
  ['a hole', [1, , 3], 'args[0][1]', 'a hole'],
  ['NUL in text', 'a\u0000b', 'args[0]', 'text with a NUL character'],
  ['a lone surrogate in text', 'a\ud800', 'args[0]', 'text with a lone surrogate'],
  ['NUL in a key', { 'a\u0000': 1 }, 'args[0]["a\\u0000"]', 'text with a NUL character'],
  ['a lone surrogate in a key', { '\udc00': 1 }, 'args[0]["\\udc00"]', 'text with a lone surrogate'],
  ['a Date within an object', { when: new Date(0) }, 'args[0].when', 'Date'],
  ['undefined within a list', { list: [1, undefined] }, 'args[0].list[1]', 'undefined'],
  ['a Map under a key that is no name', { 'a b': { c: new Map() } }, 'args[0]["a b"].c', 'Map'],
  [
    'a getter that throws',
    Object.defineProperty({}, 'x', { enumerable: true, get: () => mustNot() }),
    'args[0].x',
    'a getter that threw',
  ],
];

function mustNot(): never {
  throw new Error('the getter failed');
}

const tooMuch: readonly (readonly [what: string, value: unknown, code: string, message: string])[] = [
  ['65 levels', nested(65), 'ARGS_TOO_DEEP', 'nested at most 64 deep, got more at args[0][0]'],
  ['a cycle', cyclic, 'ARGS_TOO_DEEP', 'nested at most 64 deep, got more at args[0].self.self'],
  [
    '10,001 elements',
    Array.from({ length: 10_001 }, () => 0),
    'ARGS_TOO_LARGE',
    'at most 10000 keys, got 10001',
  ],
  ['more than 1 MiB', 'x'.repeat(1024 * 1024 - 1), 'ARGS_TOO_LARGE', 'at most 1048576 bytes, got 1048577'],
  ['1 MiB of escapes', '\u0001'.repeat(200_000), 'ARGS_TOO_LARGE', 'at most 1048576 bytes, got 1200002'],
  ['1 MiB of long characters', '漢'.repeat(400_000), 'ARGS_TOO_LARGE', 'at most 1048576 bytes, got 1200002'],
];

describe.each(Object.entries(stores))('on a %s store, as an argument', (_name, store) => {
  it.each(notJson)('%s is refused, with its path', async (_what, value, path, got) => {
    const box = await openBox(store());

    const error = await refusal(box, () => box.queue().put(keep(value)));

    expect(error.code).toBe('ARGS_NOT_JSON');
    expect(error.message).toContain(`Expected ${path} to be a JSON value, got ${got}`);
  });

  it.each(tooMuch)('%s is refused, with the limit', async (_what, value, code, message) => {
    const box = await openBox(store());

    const error = await refusal(box, () => box.queue().put(keep(value)));

    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it('a value 5,000,000 levels deep is refused at once', async () => {
    const box = await openBox(store());
    const value = nested(5_000_000);
    const job = keep(value);
    const started = performance.now();

    await expect(box.queue().put(job)).rejects.toMatchObject({ code: 'ARGS_TOO_DEEP' });

    expect(performance.now() - started).toBeLessThan(200);
  });

  it('a value that fits to the last level, key and byte is accepted', async () => {
    const box = await openBox(store());
    const values = [nested(64), Array.from({ length: 10_000 }, () => 0), 'x'.repeat(1024 * 1024 - 2)];

    for (const value of values) await box.queue().put(keep(value));

    expect(await box.queue().length()).toBe(3);
  });

  it('a bad value among the annotations, the changed arguments or the callbacks of a job is refused with its path', async () => {
    const box = await openBox(store());
    const waiting = await box.queue().put(keep(1));
    const annotated = keep(1).with({ annotations: { started: new Date(0) as unknown } });
    const called = keep(1);
    await called.addCallback(keep.partial({ deep: [new Map()] }));

    const errors = [
      await refusal(box, () => box.queue().put(annotated)),
      await refusal(box, () => box.queue().put(called)),
      await refusal(box, () => waiting.setArgs([1, { at: new Date(0) as unknown }])),
      await refusal(box, () => waiting.setAnnotation('by', new Customer())),
      await refusal(box, () => waiting.addCallback(keep.partial(10n))),
    ];

    expect(errors.map(({ details }) => (details as { path: string }).path)).toEqual([
      'annotations["started"]',
      'args[0].deep[0]',
      'args[1].at',
      'annotations["by"]',
      'args[0]',
    ]);
  });
});

const hostile: readonly (readonly [what: string, value: unknown])[] = [
  ['__proto__', JSON.parse('{"__proto__":{"polluted":true}}')],
  ['constructor and its kin', { constructor: 1, prototype: 2, hasOwnProperty: 3, toString: 4, valueOf: 5 }],
  ['$job', { $job: 'another-id' }],
  ['$job within', { list: [{ $job: 'x' }, { $job: 1, more: 2 }] }],
  ['$$job and other dollars', { $$job: 1, $: 2, $$: 3, $$$: 4, a$: 5 }],
  ['a toJSON that is no function', { toJSON: 'text' }],
  ['empty keys', { '': { '': [] } }],
  ['line ends and escapes', { '\u2028\n\r"\\': '\u2029\u0001\u007f' }],
];

describe.each(Object.entries(stores))('on a %s store, what user keys are named', (_name, store) => {
  it.each(hostile)('has no effect: %s comes back unchanged', async (_what, value) => {
    const box = await openBox(store());
    await box.start();

    const job = await box.queue().put(keep(value).with({ annotations: { value } }));
    const result = await job.result();
    await job.refresh();

    for (const back of [result, job.args[0], job.annotations.value]) {
      expect(JSON.stringify(back)).toBe(JSON.stringify(value));
      expect(back).toEqual(value);
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('an object without a prototype comes back with its keys, and -0 as 0', async () => {
    const box = await openBox(store());
    await box.start();

    const job = await box.queue().put(keep(Object.assign(Object.create(null), { a: -0 })));

    expect(await job.result()).toStrictEqual({ a: 0 });
  });
});

describe.each(Object.entries(stores))('on a %s store, a result', (_name, store) => {
  it.each(notJson.filter(([what]) => !['undefined', 'a Promise', 'an Error'].includes(what)))(
    'that is %s fails its job, and nothing else',
    async (_what, value, path) => {
      const give = defineJob({ name: 'give', run: (): unknown => value });
      const box = await openBox(store(), [give]);
      await box.start();

      const job = await box.queue().put(give());

      await expect(job.result()).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
      await expect(job.result()).rejects.toThrow(path.replace('args[0]', 'result'));
      expect(await (await box.queue().put(keep('next'))).result()).toBe('next');
    },
  );
});
