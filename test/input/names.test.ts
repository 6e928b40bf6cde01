import { agent, defineChooser, defineFilter, defineJob, type Signalbox } from 'signalbox';
import { afterEach, describe, expect, it } from 'vitest';
import { closeBoxes, errorOf, keep, openBox, refusal, stores } from './boxes.ts';

afterEach(closeBoxes);

const starts = [
  '',
  ' ',
  '_',
  '-',
  '.',
  ':',
  '$',
  '/',
  '\\',
  '1',
  'é',
  '漢',
  '%',
  '#',
  '~',
  '\u0000',
  '\u202e',
  '\ufeff',
];
const inside = [
  ' ',
  '/',
  '\\',
  '\n',
  '\r',
  '\t',
  '\u0000',
  '\u001b[31m',
  '\u2028',
  '\u202e',
  '\ud800',
  '"',
  "'",
  '`',
  ';',
  ',',
  '*',
  '?',
  '<',
  '>',
  '|',
  '&',
  '$',
  '%',
  '#',
  '@',
  '!',
  '=',
  '+',
  '~',
  '^',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  'é',
  '漢',
  '😀',
  '\u00ad',
  '\u200b',
  '\ufeff',
];
const notText = [
  undefined,
  null,
  0,
  1,
  -1,
  1.5,
  Number.NaN,
  true,
  false,
  10n,
  Symbol('a'),
  [],
  ['a'],
  {},
  { a: 1 },
  () => 'a',
  new Date(0),
];
const known = [
  '__proto__',
  '../etc/passwd',
  '..',
  '.',
  '/etc/passwd',
  'C:\\autoexec.bat',
  'a/../b',
  'a/b',
  'a//b',
  '%2e%2e',
  '$job',
  '$$job',
  "'; drop table jobs; --",
  '<script>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template that must never be evaluated
  '${7*7}',
  '{{7*7}}',
  '$(rm -rf /)',
  '`id`',
  '-rf',
  '--help',
  'a'.repeat(129),
  'a'.repeat(100_000),
  'line\nbreak',
  'a b',
];

/** More than 200 values that are not names. Each `''` below is the empty name itself. */
const hostile: readonly unknown[] = [
  ...starts.map((start) => `${start}a`).filter((name) => name !== 'a'),
  ...starts.filter((start) => start !== ''),
  ...inside.map((text) => `a${text}`),
  ...inside.map((text) => `a${text}b`),
  ...inside.map((text) => text),
  ...notText,
  ...known,
];

const wrong = (value: unknown): never => value as never;

/** Every place that takes a name of the common form. */
function takers(box: Signalbox): Readonly<Record<string, (name: unknown) => unknown>> {
  const agents = box.queue().dispatchers.get('d1');
  return {
    queue: (name) => box.createQueue(wrong(name)),
    'queue that is asked': (name) => box.queue(wrong(name)).put(keep(1)),
    quota: (name) => box.queue().quotas.create(wrong(name)),
    agent: async (name) => (await agents).agents.set(wrong(name), agent()),
    definition: (name) => defineJob({ name: wrong(name), run: () => 1 }),
    filter: (name) => defineFilter(wrong(name), () => true),
    chooser: (name) => defineChooser(wrong(name), () => null),
  };
}

describe.each(Object.entries(stores))('on a %s store', (_name, store) => {
  it(`each of ${hostile.length} hostile names is refused for a queue, a quota, an agent, a definition, a filter and a chooser`, async () => {
    const box = await openBox(store());
    await box.queue().dispatchers.register('d1');

    for (const [what, take] of Object.entries(takers(box))) {
      // Undefined means the default queue, which exists.
      const names = what === 'queue that is asked' ? hostile.filter((name) => name !== undefined) : hostile;
      await refusal(box, async () => {
        const errors = [];
        for (const name of names) errors.push(await errorOf(() => take(name)));
        expect(new Set(errors.map(({ code }) => code)), what).toEqual(new Set(['INVALID_NAME']));
        expect(Math.max(...errors.map(({ message }) => message.length))).toBeLessThan(400);
        throw errors[0];
      });
    }
    expect(await box.queues()).toEqual(['', 'a']);
  });

  it('the empty name is refused for everything but a queue', async () => {
    const box = await openBox(store());
    await box.queue().dispatchers.register('d1');

    for (const [what, take] of Object.entries(takers(box))) {
      if (!what.startsWith('queue')) expect((await refusal(box, () => take(''))).code).toBe('INVALID_NAME');
    }
  });

  it('an id takes letters, digits, _ and - only, which is safe in URLs and file names', async () => {
    const box = await openBox(store());
    const ids = hostile.filter((id) => typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id));

    expect(ids.length).toBeGreaterThan(180);
    for (const id of ids) {
      expect((await errorOf(() => box.job(wrong(id)))).code).toBe('INVALID_OPTION');
      if (id === undefined) continue;
      const error = await errorOf(() => box.queue().put(keep(1), { id: wrong(id) }));
      expect(error.message).toContain('Expected `id` to be 1 to 64 letters, digits, _ or -, got');
    }
    expect(await box.queue().length()).toBe(0);
  });

  it('an annotation may have any name that a store can keep, and comes back under it', async () => {
    const box = await openBox(store());
    const job = await box.queue().put(keep(1));
    const isBad = (name: unknown): boolean =>
      typeof name !== 'string' ||
      name.length === 0 ||
      name.length > 128 ||
      !name.isWellFormed() ||
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
      /[\u0000-\u001f]/.test(name);
    const bad = hostile.filter(isBad);
    const good = [...new Set(hostile.filter((name) => !isBad(name)) as string[])];

    for (const name of bad)
      expect((await errorOf(() => job.setAnnotation(wrong(name), 1))).code).toBe('INVALID_OPTION');
    for (const name of bad.filter((each) => typeof each === 'string')) {
      const annotated = keep(1).with({ annotations: { [name as string]: 1 } });
      expect((await errorOf(() => box.queue().put(annotated))).code).toBe('INVALID_OPTION');
    }
    for (const name of good) await job.setAnnotation(name, name);
    await job.refresh();

    expect(Object.keys(job.annotations).sort()).toEqual([...good].sort());
    for (const name of good) expect(job.annotations[name]).toBe(name);
    expect(await box.queue().length()).toBe(1);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'prototype', 'a'.repeat(128), 'a.b:c_d-e'])(
    'a name that only looks dangerous is a name: %s',
    async (name) => {
      const job = defineJob({ name, run: () => name });
      const box = await openBox(store(), [job]);
      const queue = await box.createQueue(name);
      await queue.quotas.create(name);
      await box.start();

      const put = await queue.put(job().with({ quotaNames: [name], annotations: { [name]: 1 } }));

      expect(await put.result()).toBe(name);
      expect((await put.refresh()).annotations[name]).toBe(1);
    },
  );
});
