import { createSignalbox, defineJob, local, memoryStore, type OpenStore, type Signalbox } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SequenceView } from '../../src/inspector/protocol/timeline.ts';
import { entryView } from '../../src/inspector/views/timeline/entry-view.ts';
import { foldRepeats } from '../../src/inspector/views/timeline/folding.ts';
import { journalView } from '../../src/inspector/views/timeline/journal-view.ts';
import { jobLanes, lanesView } from '../../src/inspector/views/timeline/lanes-view.ts';
import { sequenceView } from '../../src/inspector/views/timeline/sequence-view.ts';
import type { HistoryEntry } from '../../src/store/entry.ts';

const charge = defineJob({
  name: 'charge',
  retry: { maxAttempts: 3, delay: '5s', factor: 6, jitter: 0 },
  run: async (fails: boolean) => {
    await local.sleep('200ms');
    if (fails) throw Object.assign(new Error('connect ECONNRESET 10.0.0.7'), { code: 'ECONNRESET' });
    return 'charged';
  },
});
const release = defineJob({ name: 'release', run: () => 'released' });
const rows = defineJob({
  name: 'rows',
  run: async () => {
    await local.sleep('10s');
    return 12;
  },
});
const report = defineJob({ name: 'report', run: () => local.getQueue().put(rows()) });

let box: Signalbox;
let reactor: VirtualReactor;

beforeEach(async () => {
  reactor = new VirtualReactor();
  box = await createSignalbox({
    store: memoryStore(),
    reactor,
    uuid: 'd10f3c52-8a61-4f5e-9a0b-6c1d2e3f4a5b',
    jobs: [charge, release, rows, report],
    queues: ['bank', 'mail'],
  });
  reactor.attach(box);
});
afterEach(() => box.stop({ grace: 0 }));

const newest = { from: null, before: null, limit: 200, text: '' };
const bank = () => box.queue('bank');

/** The store, and how many entries are read from it. */
function counted(store: OpenStore): { readonly reader: OpenStore; readonly read: () => number } {
  let read = 0;
  const reader = Object.create(store, {
    entries: {
      value: async function* (from: number): AsyncGenerator<HistoryEntry> {
        for await (const entry of store.entries(from)) {
          read += 1;
          yield entry;
        }
      },
    },
  }) as OpenStore;
  return { reader: bound(reader, store), read: () => read };
}

/** Private parts of a store are its own: every other call goes to it. */
function bound(reader: OpenStore, store: OpenStore): OpenStore {
  return new Proxy(reader, {
    get: (target, key) => {
      if (key === 'entries') return target.entries;
      const value = store[key as keyof OpenStore];
      return typeof value === 'function' ? value.bind(store) : value;
    },
  });
}

describe('The journal as a log', () => {
  it('has the newest entry first, and goes on where a page ends', async () => {
    for (let index = 0; index < 5; index += 1) await bank().put(charge(false));

    const { reader, read } = counted(box.store);
    const first = await journalView(reader, { ...newest, limit: 3 });
    const second = await journalView(reader, { ...newest, limit: 3, before: first.next });

    const { seq } = await box.store.position();
    expect([...first.lines, ...second.lines].map((line) => line.seq)).toEqual(
      [0, 1, 2, 3, 4, 5].map((n) => seq - n),
    );
    expect(first).toMatchObject({
      order: 'newest',
      from: seq - 2,
      to: seq,
      looked: 3,
      isCut: false,
      newest: seq,
    });
    expect(first.lines[0]).toMatchObject({
      kind: 'job',
      event: 'job.put',
      from: 'new',
      to: 'pending',
      by: 'client',
      epoch: 1,
      name: 'charge',
      note: "into queue 'bank'",
    });
    expect(read()).toBeLessThan(300);
  });

  it('has the oldest entry first from a position on', async () => {
    const before = (await box.store.position()).seq;
    for (let index = 0; index < 3; index += 1) await bank().put(charge(false));

    const page = await journalView(box.store, { ...newest, from: before + 1, limit: 2 });
    const rest = await journalView(box.store, { ...newest, from: page.next, limit: 2 });

    expect(
      [page, rest].map(({ order, lines, next }) => [order, lines.map(({ seq }) => seq - before), next]),
    ).toEqual([
      ['oldest', [1, 2], before + 3],
      ['oldest', [3], null],
    ]);
  });

  it.each([
    ['kind:job event:put', 2],
    ['event:job.*', 2],
    ['-kind:job', 'others'],
    ['task:char*', 1],
    ['queue:mail', 2],
    ['by:client kind:job', 2],
    ['to:pending', 2],
    ['quota', 0],
    ['charge', 0],
    ['JOB/job.put', 2],
  ] as const)('is filtered by %s', async (text, count) => {
    await bank().put(charge(false));
    await box.queue('mail').put(release());

    const all = await journalView(box.store, newest);
    const page = await journalView(box.store, { ...newest, text });

    expect(page.lines.length).toBe(count === 'others' ? all.lines.length - 2 : count);
    expect(page.unknown).toEqual([]);
  });

  it('names the words of a filter that mean nothing', async () => {
    const page = await journalView(box.store, { ...newest, text: 'args.0:secret constructor:1 kind:job' });

    expect(page.unknown).toEqual(['args.0:secret', 'constructor:1']);
  });

  it('looks at 20,000 entries for a filter, and no more: it says where it stopped', async () => {
    for (let round = 0; round < 22; round += 1)
      await bank().putAll(Array.from({ length: 1000 }, () => release()));

    for (const request of [
      { ...newest, text: 'event:none' },
      { ...newest, text: 'event:none', from: 1 },
    ]) {
      const { reader, read } = counted(box.store);
      const page = await journalView(reader, request);

      expect([page.lines, page.looked, page.isCut]).toEqual([[], 20_000, true]);
      expect(page.next).toBe(request.from === null ? page.newest - 19_999 : 20_001);
      expect(read()).toBeLessThan(20_000 + 2048 + 2);
    }
  });

  it('says of a failure what kind it was, and how the job ended', async () => {
    await box.start();
    const { id } = await bank().put(charge(true));
    await reactor.advance('1m');

    const { lines } = await journalView(box.store, { ...newest, text: `id:${id}` });

    expect(lines.map(({ event, note, ending }) => [event, note, ending]).slice(0, 3)).toEqual([
      ['job.complete', null, 'failed'],
      ['job.finish', 'ECONNRESET', 'failed'],
      ['job.start', null, null],
    ]);
    expect(lines.map(({ note }) => note)).toContain('ECONNRESET, again in 5 seconds');
  });
});

describe('An entry', () => {
  it('has what it changed, its revision, and what was committed with it', async () => {
    await box.start();
    const { id } = await bank().put(charge(false));
    await reactor.advance('1s');
    const { lines } = await journalView(box.store, { ...newest, text: `id:${id} event:job.start` });

    const entry = await entryView(box.store, lines[0]?.seq ?? 0);

    expect(entry.line).toMatchObject({ event: 'job.start', from: 'assigned', to: 'active.running' });
    expect(entry.changes.find(({ key }) => key === 'attempts')).toMatchObject({
      before: { value: 0 },
      after: { value: 1 },
    });
    expect(entry.rev).toBe(3);
    expect(entry.charts[0]).toMatch(/^job@/);
    expect(entry.commit.map(({ event }) => event)).toEqual(['job.claim', 'job.start']);
  });

  it('of a setting has what it was before', async () => {
    await bank().quotas.create('smtp', { size: 2 });
    await bank().quotas.set('smtp', { size: 5 });

    const entry = await entryView(box.store, (await box.store.position()).seq);

    expect(entry.changes).toContainEqual({
      key: 'size',
      before: { is: 'number', value: 2 },
      after: { is: 'number', value: 5 },
    });
  });

  it('that is not there is named so', async () => {
    expect(await entryView(box.store, 10_000)).toMatchObject({
      line: null,
      missing: expect.stringContaining('no entry'),
    });
  });
});

describe('The sequence of a job', () => {
  function told({ lanes, rows }: SequenceView): readonly string[] {
    return rows.map((row) =>
      row.is === 'fold'
        ? `~ ${row.spans.map(({ is, ms }) => `${ms} ${is}`).join(', ')}`
        : `${lanes[row.from]?.title} ${row.isBack ? '..' : '->'} ${lanes[row.to]?.title}: ${row.text}${row.isBad ? '!' : ''}`,
    );
  }

  it('shows who sent what to whom, with its callback, and folds silence', async () => {
    await box.start();
    const job = charge(true);
    await job.addCallbacks({ failure: release() as never });
    const { id } = await bank().put(job);
    await reactor.advance('1m');

    const view = (await sequenceView(box.store, id ?? '', {
      isFolded: true,
      withNeighbours: true,
    })) as SequenceView;

    expect(told(view)).toEqual([
      'client -> store: put charge',
      'store -> charge: job.put',
      'main -> store: claim',
      'store -> charge: job.claim',
      'main -> charge: job.start',
      'charge -> main: ECONNRESET!',
      'main -> store: job.reschedule, again in 5 seconds',
      '~ 5000 held',
      'main -> store: claim',
      'store -> charge: job.claim',
      'main -> charge: job.start',
      'charge -> main: ECONNRESET!',
      'main -> store: job.reschedule, again in 30 seconds',
      '~ 30000 held',
      'main -> store: claim',
      'store -> charge: job.claim',
      'main -> charge: job.start',
      'charge -> main: ECONNRESET!',
      'main -> store: job.finish!',
      'charge -> release: starts release',
      'release .. charge: succeeded',
      'main -> store: job.complete',
    ]);
    const bars = view.bars.filter(({ lane }) => view.lanes[lane]?.job === id).map(({ is }) => is);
    expect(bars).toEqual([
      'pending',
      'assigned',
      'running',
      'held',
      'assigned',
      'running',
      'held',
      'assigned',
      'running',
      'callbacks',
      'failed',
    ]);
  });

  it('shows the job that it waits for', async () => {
    await box.start();
    const { id } = await bank().put(report());
    await reactor.advance('1s');

    const view = (await sequenceView(box.store, id ?? '', {
      isFolded: true,
      withNeighbours: true,
    })) as SequenceView;

    expect(told(view).at(-1)).toBe('report -> rows: waits for its result');
    const alone = await sequenceView(box.store, id ?? '', { isFolded: true, withNeighbours: false });
    expect(alone?.lanes.map(({ title }) => title)).toEqual(['client', 'store', 'main', 'report']);
  });

  it('ends for a cancelled job with a word that is no failure', async () => {
    await box.start();
    const job = await bank().put(charge(false));
    await reactor.runUntilIdle();
    await job.cancel();
    await reactor.advance('10s');

    const view = await sequenceView(box.store, job.id ?? '', { isFolded: true, withNeighbours: true });

    expect(view?.bars.some(({ is }) => is === 'cancelled')).toBe(true);
    expect(view?.rows.filter((row) => row.is === 'message' && row.isBad)).toEqual([]);
  });

  it('is not there for a job that is not', async () => {
    expect(await sequenceView(box.store, 'none', { isFolded: true, withNeighbours: true })).toBeUndefined();
  });
});

describe('Repeats', () => {
  it('are folded to the first and the last cycle, with their number', () => {
    const items = ['put', ...Array.from({ length: 242 }, () => ['claim', 'start', 'again']).flat(), 'end'];

    const folded = foldRepeats(items, (item) => item);

    expect(folded.map((each) => (each.is === 'one' ? each.item : `×${each.times}`))).toEqual([
      'put',
      'claim',
      'start',
      'again',
      '×240',
      'claim',
      'start',
      'again',
      'end',
    ]);
  });

  it.each([
    ['that are fewer than four', 'xaaay'],
    ['of nothing', ''],
    ['that never come', 'abcdefgh'],
  ])('%s stay as they are', (_what, text) => {
    expect(foldRepeats([...text], (item) => item)).toEqual([...text].map((item) => ({ is: 'one', item })));
  });
});

describe('Jobs as lanes', () => {
  const entry = (
    seq: number,
    id: string,
    from: string | null,
    to: string,
    at: number,
    patch = {},
  ): HistoryEntry => ({
    kind: 'job',
    id,
    event: 'x',
    from,
    to,
    patch,
    gone: false,
    q: from === 'new' ? 0 : 1,
    seq,
    commit: seq,
    at,
    by: 'client#1',
    mv: '',
  });

  it('have a part for each state, and split what is held from what waits', () => {
    const lanes = jobLanes(
      [
        entry(1, 'a', 'new', 'pending', 10, { beginAfter: 15 }),
        entry(2, 'b', 'active.running', 'callbacks', 12, { ending: 'failed' }),
        entry(3, 'a', 'pending', 'assigned', 20),
        entry(4, 'a', 'assigned', 'active.running', 20),
        entry(5, 'b', 'callbacks', 'completed', 30),
      ],
      { from: 0, to: 40 },
    );

    expect(lanes).toEqual([
      {
        id: 'a',
        name: null,
        ending: null,
        parts: [
          { is: 'held', from: 10, to: 15, seq: 1 },
          { is: 'pending', from: 15, to: 20, seq: 1 },
          { is: 'running', from: 20, to: 40, seq: 4 },
        ],
      },
      {
        id: 'b',
        name: null,
        ending: 'failed',
        parts: [
          { is: 'running', from: 0, to: 12, seq: null },
          { is: 'callbacks', from: 12, to: 30, seq: 2 },
          { is: 'failed', from: 30, to: 30, seq: 5 },
        ],
      },
    ]);
  });

  it('of a cancelled job show that it was asked to stop, and an end that is no failure', () => {
    const lanes = jobLanes(
      [
        entry(1, 'a', 'active.running', 'active.cancelling', 10),
        entry(2, 'a', 'active.cancelling', 'callbacks', 14, { ending: 'cancelled' }),
        entry(3, 'a', 'callbacks', 'completed', 20),
        entry(4, 'b', 'active.running', 'active.timingOut', 20),
      ],
      { from: 0, to: 30 },
    );

    expect(lanes.map(({ ending, parts }) => [ending, parts.map(({ is, to }) => [is, to])])).toEqual([
      [
        'cancelled',
        [
          ['running', 10],
          ['cancelling', 14],
          ['callbacks', 20],
          ['cancelled', 20],
        ],
      ],
      [
        null,
        [
          ['running', 20],
          ['timingOut', 30],
        ],
      ],
    ]);
  });

  it('are those of a part of the journal, at most 200', async () => {
    await bank().putAll(Array.from({ length: 300 }, () => release()));
    const { seq } = await box.store.position();

    const all = await lanesView(box.store, { from: null, to: null, length: null, text: '' });
    const few = await lanesView(box.store, { from: null, to: seq - 3, length: 2, text: '' });

    expect([all.jobs.length, all.more]).toEqual([200, 100]);
    expect([few.jobs.length, few.jobs[0]?.name, few.from, few.to]).toEqual([2, 'release', seq - 4, seq - 3]);
  });

  it('go on from an entry, and at the end of the journal have the whole length before it', async () => {
    await bank().putAll(Array.from({ length: 10 }, () => release()));
    const { seq } = await box.store.position();

    const parts = [];
    for (const from of [seq - 5, seq - 1])
      parts.push(await lanesView(box.store, { from, to: null, length: 3, text: '' }));
    const between = await lanesView(box.store, { from: seq - 5, to: seq - 2, length: null, text: '' });

    expect(parts.map(({ from, to, looked, isCut }) => [seq - from, seq - to, looked, isCut])).toEqual([
      [5, 3, 3, false],
      [2, 0, 3, false],
    ]);
    expect([between.jobs.length, between.to, between.isCut]).toEqual([4, seq - 2, false]);
  });
});
