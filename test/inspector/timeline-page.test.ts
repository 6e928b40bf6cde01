import { describe, expect, it } from 'vitest';
import type {
  JournalLine,
  JournalPage,
  SequenceRow,
  SequenceView,
} from '../../src/inspector/protocol/timeline.ts';
import {
  covers,
  emptyLog,
  firstGap,
  type Log,
  newerThan,
  rowsOf,
  withApart,
  withBefore,
  withNewest,
} from '../../src/inspector/ui/pages/timeline/log-model.ts';
import {
  timelineOf,
  timelineQuery,
  unknownWords,
} from '../../src/inspector/ui/pages/timeline/timeline-route.ts';
import { layoutOf } from '../../src/inspector/ui/parts/sequence-layout.ts';

const line = (seq: number): JournalLine => ({
  seq,
  at: seq * 10,
  commit: seq,
  kind: 'job',
  id: `j${seq}`,
  name: null,
  event: 'job.put',
  from: 'new',
  to: 'pending',
  isGone: false,
  ending: null,
  by: 'client',
  epoch: 1,
  note: null,
});

/** The entries from one seq to another; only every `step`th passes the filter. */
function page(from: number, to: number, step = 1): JournalPage {
  const seqs = Array.from({ length: to - from + 1 }, (_, index) => to - index);
  return {
    order: 'newest',
    lines: seqs.filter((seq) => seq % step === 0).map(line),
    from,
    to,
    looked: to - from + 1,
    next: from > 1 ? from : null,
    isCut: false,
    isDense: true,
    keptFrom: 1,
    newest: to,
    newestAt: to * 10,
    unknown: [],
  };
}

/** Lines by seq, gaps by how much they leave out. */
function shown(log: Log, until: number | null = null): readonly (number | string)[] {
  const rows = rowsOf(log, until);
  return Array.from({ length: rows.length }, (_, index) => {
    const row = rows.at(index);
    return row?.is === 'gap' ? `${row.entries} missing` : (row?.line.seq ?? 'nothing');
  });
}

describe('The log of a page', () => {
  const first = withNewest(emptyLog, page(7, 9));

  it('grows at the top by what is new, and at the end by what is asked for', () => {
    const log = withBefore(withNewest(first, page(8, 11)), 7, page(5, 6));

    expect(shown(log)).toEqual([11, 10, 9, 8, 7, 6, 5]);
    expect(log.next).toBe(5);
  });

  it('is the same when nothing is new', () => {
    expect(withNewest(first, page(7, 9))).toBe(first);
  });

  it('says how many entries it did not read between two looks, until they are read', () => {
    const log = withNewest(first, page(21, 23));

    expect(shown(log)).toEqual([23, 22, 21, '11 missing', 9, 8, 7]);
    expect(firstGap(log)).toEqual({ before: 21, entries: 11 });
    const half = withBefore(log, 21, page(18, 20));
    expect(shown(half)).toEqual([23, 22, 21, 20, 19, 18, '8 missing', 9, 8, 7]);
    expect(half.next).toBe(7);
    expect(shown(withBefore(half, 18, page(6, 17)))).toEqual([
      23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7,
    ]);
  });

  it('says that entries were not read where seqs do not say how many', () => {
    const sparse = (from: number, to: number): JournalPage => ({ ...page(from, to), isDense: false });
    const log = withBefore(
      withNewest(withNewest(emptyLog, sparse(7, 9)), sparse(21, 23)),
      21,
      sparse(18, 20),
    );

    expect(shown(log)).toEqual([23, 22, 21, 20, 19, 18, 'null missing', 9, 8, 7]);
    expect([firstGap(log), rowsOf(log, null).missing]).toEqual([{ before: 18, entries: null }, null]);
    expect(rowsOf(withBefore(log, 18, sparse(9, 17)), null).missing).toBe(0);
  });

  it('has no gap where a filter lets few entries pass', () => {
    const log = withNewest(withNewest(emptyLog, page(1, 9, 4)), page(3, 17, 4));

    expect(shown(log)).toEqual([16, 12, 8, 4]);
  });

  it('keeps what is new apart until it is asked for', () => {
    const log = withNewest(first, page(8, 12));

    expect(shown(log, 9)).toEqual([9, 8, 7]);
    expect(newerThan(log, 9)).toEqual({ n: 3, more: false });
    expect(newerThan(withNewest(first, page(21, 23)), 9)).toEqual({ n: 3, more: true });
  });

  it('takes an entry of long ago with those around it', () => {
    const log = withApart(withNewest(emptyLog, page(90, 99)), page(10, 14));

    expect(shown(log).slice(9)).toEqual([90, '75 missing', 14, 13, 12, 11, 10]);
    expect([covers(log, 12), covers(log, 50), log.next]).toEqual([true, false, 10]);
  });

  it('finds the row of an entry, and of one that the filter leaves out', () => {
    const rows = rowsOf(withApart(withNewest(emptyLog, page(90, 99, 3)), page(10, 14)), null);

    expect([99, 98, 96, 50, 12, 9].map((seq) => rows.placeOf(seq))).toEqual([0, 1, 1, 5, 7, -1]);
    expect(rows.at(0)).toMatchObject({ is: 'line', afterMs: 30 });
    expect(rows.at(rows.length)).toBeUndefined();
  });

  it('never holds more than 100,000 lines: older ones are asked for again', () => {
    const log = withBefore(withNewest(emptyLog, page(80_001, 120_000)), 80_001, page(1, 80_000));

    expect([rowsOf(log, null).length, log.next]).toEqual([100_000, 20_001]);
  });
});

describe('The address of the timeline', () => {
  it('says the same when it is read and written', () => {
    const query = {
      view: 'lanes',
      q: 'task:mail.*',
      pings: '1',
      fold: '0',
      neighbours: '0',
      n: '200',
      from: '7',
      to: '88',
    };

    expect(timelineQuery(timelineOf(query))).toEqual(query);
    expect(timelineQuery(timelineOf({}))).toEqual({ view: 'log' });
    expect(timelineOf({ view: 'x', n: '1e9', to: '-1' })).toMatchObject({
      view: 'log',
      length: 1000,
      to: null,
    });
  });

  it.each([
    ['', '-event:ping', null],
    ['id:abc event:job.put', 'id:abc event:job.put -event:ping', 'abc'],
    ['event:ping', 'event:ping', null],
  ])('leaves signs of life out, unless they are asked for: %j', (q, text, job) => {
    expect(timelineOf({ q })).toMatchObject({ text, job });
  });

  it('knows which words mean nothing', () => {
    expect(unknownWords('kind:job args.0:x -event:ping plain -no:thing')).toEqual(['args.0:x', '-no:thing']);
  });
});

describe('The picture of a sequence', () => {
  const message = (from: number, to: number, text: string, isFirst = true): SequenceRow => ({
    is: 'message',
    seq: 1,
    at: 0,
    afterMs: 0,
    isFirst,
    from,
    to,
    text,
    isBack: false,
    isBad: false,
  });
  const view = (rows: readonly SequenceRow[]): SequenceView => ({
    id: 'j',
    name: 'charge',
    lanes: ['client', 'store', 'main', 'charge'].map((title) => ({ is: 'job', title, note: '', job: null })),
    rows,
    bars: [],
    from: 1,
    to: 1,
    fromAt: 0,
    toAt: 0,
    entries: 1,
    shown: 1,
    isCut: false,
    more: 0,
  });

  it('has lanes as far apart as the longest text between them needs, and no row on another', () => {
    const text = 'job.reschedule, again in 30 seconds';
    const fold: SequenceRow = { is: 'fold', spans: [], repeats: null, entries: 0 };

    const { x, y, width } = layoutOf(
      view([message(2, 1, text), message(1, 3, 'job.claim', false), fold, message(2, 3, 'a')]),
    );

    expect((x[2] ?? 0) - (x[1] ?? 0)).toBeGreaterThan('job.reschedule, again in 30 s'.length * 6.6);
    expect((x[3] ?? 0) - (x[2] ?? 0)).toBeLessThan(130);
    expect(width).toBeGreaterThan(x[3] ?? 0);
    for (const [index, place] of y.entries())
      if (index > 0) expect(place - (y[index - 1] ?? 0)).toBeGreaterThanOrEqual(24);
  });
});
