import { defineJob, type HistoryEntry, memoryStore } from 'signalbox';
import { copyAsTest, createTestBox, VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { ada, charge, mail, order } from '../../actors/machines.ts';

/** The journal of a life of an order, which is declined, and of its jobs. */
async function journal(): Promise<readonly HistoryEntry[]> {
  const reactor = new VirtualReactor({ now: Date.UTC(2026, 10, 29, 10) });
  const { box, tearDown } = await createTestBox({
    ...{ reactor, store: memoryStore(), jobs: [charge, mail], machines: [order], log: null },
  });
  for (const [key, cents] of [
    ['17', 200_000],
    ['18', 10],
  ] as const) {
    await reactor.until(box.actor(order, key).start({ ...ada, cents }));
    await reactor.advance('11m');
    await reactor.until(box.actor(order, key).ask({ type: 'order.approve', by: 'Grace' }));
    await reactor.advance('1m');
  }
  const entries: HistoryEntry[] = [];
  for await (const entry of box.entries()) entries.push(entry);
  await tearDown();
  return entries;
}

const entries = await journal();
const of = (kind: string, id: string): readonly HistoryEntry[] =>
  entries.filter((entry) => entry.kind === kind && entry.id === id);
const jobs = (name: string): string =>
  entries.find(({ kind, patch }) => kind === 'job' && patch?.name === name)?.id ?? '';
const from = { module: '../src/machines.ts', name: 'order' };

describe('The history of an actor as a test', () => {
  it('is a whole file that says what happened, and the way that it went', () => {
    const [first, last] = [of('actor', 'order/17')[0], of('actor', 'order/17').at(-1)];

    expect(copyAsTest(of('actor', 'order/17'), { redact: [], from })).toBe(`\
// order/17, entries ${first?.seq} to ${last?.seq}, 2026-11-29.
import { replay } from 'signalbox/testing';
import { expect, test } from 'vitest';
import { order } from '../src/machines.ts';

test('order/17: order.approve, charge has failed, and it was rejected', async () => {
  const run = await replay(order, {
    at: '2026-11-29T10:00:00.000Z',
    input: { id: '17', email: 'ada@example.org', cents: 200000 },
    story: [
      ['+11m', { type: 'order.approve', by: 'Grace' }],
      ['+11m', { type: 'xstate.error.actor.charge', error: { name: 'Error', message: 'declined' } }],
    ],
  });

  // As it went; change it to how it should have gone.
  expect(run.states).toEqual(['approval', 'paying', 'rejected']);
  expect(run.status).toBe('done');
  expect(run.snapshot.output).toEqual({ receipt: null });
});
`);
  });

  it('is the same in whatever order its entries come', () => {
    const history = of('actor', 'order/17');

    expect(copyAsTest(history.toReversed(), { redact: [] })).toBe(copyAsTest(history, { redact: [] }));
  });

  it('begins a child where its parent has started it', () => {
    const file = copyAsTest(of('actor', 'order/18/parcel'), { redact: [] });

    expect(file).toContain("context: { to: 'ada@example.org', scans: 0 }");
    expect(file).toContain("// import { parcel } from '../src/machines.ts';");
    expect(file).not.toContain('input:');
  });

  it.each([
    [{ redact: ['email', 'by'] }, ['[redacted]', 'cents: 200000', 'redacted paths'], ['ada@', 'Grace']],
    [
      {},
      ["input: '[redacted]'", "value: '[redacted]'", 'nothing says'],
      ['ada@', 'Grace', '200000', 'declined'],
    ],
    [{ redact: ['email'], values: true }, ['ada@example.org', 'Grace'], ['[redacted]', 'left out']],
  ] as const)('with %j shows what may be shown', (options, shown, hidden) => {
    const file = copyAsTest(of('actor', 'order/17'), options as never);

    expect(shown.filter((text) => !file.includes(text))).toEqual([]);
    expect(hidden.filter((text) => file.includes(text))).toEqual([]);
  });

  it.each([
    [
      { module: './m.ts', name: 'default' },
      "import { default as machine } from './m.ts';",
      'replay(machine,',
    ],
    [
      { module: "./it's.ts", name: 'replay' },
      "import { replay as machine } from './it\\'s.ts';",
      'replay(machine,',
    ],
  ])('imports %j', (place, line, use) => {
    const file = copyAsTest(of('actor', 'order/17'), { redact: [], from: place });

    expect(file).toContain(line);
    expect(file).toContain(use);
  });
});

describe('The history of a job as a test', () => {
  it('is its story, with one line for the real job, and what its chart makes of it', () => {
    const file = copyAsTest(of('job', jobs('charge')), {
      redact: [],
      from: { module: '../jobs.ts', name: 'charge' },
    });

    expect(file).toContain(
      "// The real job goes here, instead of the next line: import { charge as job } from '../jobs.ts';\n",
    );
    expect(file).toContain(`test('charge: it threw "declined", and it failed'`);
    expect(file).toContain("args: ['17', 200000],");
    expect(file).toContain("expect(run.ending).toBe('failed');");
    expect(file).toContain("test('charge: the chart of jobs gives this history'");
    expect(file).not.toContain('at run (');
  });

  it('hides its values and those of its failures', () => {
    const file = copyAsTest(of('job', jobs('charge')));

    expect(['declined', '200000', "'17'"].filter((text) => file.includes(text))).toEqual([]);
    expect(file).toContain("'[redacted]'");
  });

  it('is stepped by its chart alone where other jobs decide about it', async () => {
    const child = defineJob({ name: 'child', run: () => 1 });
    const parent = defineJob({ name: 'parent', run: () => 2 });
    const reactor = new VirtualReactor();
    const { box, tearDown } = await createTestBox({
      reactor,
      store: memoryStore(),
      jobs: [child, parent],
      log: null,
    });
    const job = parent();
    await job.addCallback(child());
    await box.queue().put(job);
    await reactor.advance('1s');
    const all: HistoryEntry[] = [];
    for await (const entry of box.entries()) if (entry.kind === 'job') all.push(entry);
    await tearDown();
    const callback = all.filter(({ id }) => id !== job.id);

    const file = copyAsTest(callback, { redact: [] });

    expect(file).toContain('// Only its events are here: callback.add at +0ms');
    expect(file).not.toContain('replay');
    expect(file).toContain("{ type: 'job.start', at:");
  });
});

it.each<[string, readonly HistoryEntry[], object, string]>([
  ['no entries', [], {}, 'INVALID_OPTION'],
  ['entries of several', entries.filter(({ kind }) => kind === 'job'), {}, 'INVALID_OPTION'],
  [
    'entries of something else',
    entries.filter(({ kind }) => kind === 'agent').slice(0, 1),
    {},
    'INVALID_OPTION',
  ],
  ['an actor without its beginning', of('actor', 'order/17').slice(1), {}, 'HISTORY_CUT'],
  ['a job without its beginning', of('job', jobs('charge')).slice(1), {}, 'HISTORY_CUT'],
  ['an unknown option', of('actor', 'order/17'), { form: from }, 'INVALID_OPTION'],
  [
    'a name that is none',
    of('actor', 'order/17'),
    { from: { module: './m.ts', name: 'a b' } },
    'INVALID_OPTION',
  ],
  ['no module', of('job', jobs('charge')), { from: { module: '', name: 'a' } }, 'INVALID_OPTION'],
])('A copy of %s is refused', (_name, given, options, code) => {
  expect(() => copyAsTest(given, options)).toThrow(expect.objectContaining({ code }));
});

it('A machine whose name is no name in code has another', () => {
  const renamed = of('actor', 'order/17').map((entry) =>
    entry.patch?.machine === undefined
      ? entry
      : { ...entry, patch: { ...entry.patch, machine: 'shop.new-order' } },
  );

  expect(copyAsTest(renamed, { redact: [] })).toContain('replay(shopNewOrder,');
});
