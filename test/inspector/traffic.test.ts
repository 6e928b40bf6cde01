import type { HistoryEntry } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { storedCharts } from '../../src/inspector/views/machines/charts.ts';
import { pieceLength, type Traffic, traffic } from '../../src/inspector/views/machines/traffic.ts';
import { Stays } from '../../src/reading/coverage/stays.ts';

type Told = readonly [
  at: number,
  id: string,
  event: string,
  from: string | null,
  to: string | null,
  kind?: HistoryEntry['kind'],
];

/** Entries of a journal that begins with a seq. */
function journal(told: readonly Told[], first = 1): readonly HistoryEntry[] {
  return told.map(([at, id, event, from, to, kind = 'job'], index) => ({
    ...{ kind, id, event, from, to, at },
    ...{
      seq: first + index,
      commit: first + index,
      patch: null,
      gone: event === 'evicted',
      q: 0,
      by: 'client#1',
      mv: 'job@1',
    },
  }));
}

/** Edges by name with their counts. */
function counts(counted: Traffic, kind: 'job' | 'representation' = 'job'): Record<string, number> {
  const { edges } = counted.of(kind);
  return Object.fromEntries(
    [...edges].map(([{ source, event, target }, { count }]) => [`${source} ${event} ${target}`, count]),
  );
}

const life: readonly Told[] = [
  [0, 'a', 'job.put', 'new', 'pending'],
  [40, 'a', 'job.claim', 'pending', 'assigned'],
  [42, 'a', 'job.start', 'assigned', 'active.running'],
  [142, 'a', 'job.finish', 'active.running', 'callbacks'],
  [145, 'a', 'job.complete', 'callbacks', 'completed'],
];

describe('The traffic of a chart', () => {
  it('counts each edge of the chart of today that an entry took', () => {
    const other: readonly Told[] = [[150, 'b', 'job.put', 'new', 'pending']];

    const counted = traffic(journal([...life, ...other]), storedCharts);

    expect(counts(counted)).toEqual({
      'new job.put pending': 2,
      'pending job.claim assigned': 1,
      'assigned job.start active': 1,
      'active.running job.finish callbacks': 1,
      'callbacks job.complete completed': 1,
    });
    expect(counted.of('job').total).toBe(6);
    expect([counted.first, counted.last]).toEqual([
      { seq: 1, at: 0 },
      { seq: 6, at: 150 },
    ]);
  });

  it('counts events that leave no state, and none as a stay that ended', () => {
    const counted = traffic(
      journal([
        [0, 'a', 'job.put', 'new', 'pending'],
        [10, 'a', 'args.set', 'pending', 'pending'],
        [30, 'a', 'job.claim', 'pending', 'assigned'],
      ]),
      storedCharts,
    );

    expect(counts(counted)['pending args.set null']).toBe(1);
    expect(counted.of('job').dwell.get('pending')).toEqual({ count: 1, p50: 30, p95: 30 });
  });

  it('takes the first entry of a record as its begin, not as an edge', () => {
    const counted = traffic(
      journal([
        [5, 'a', 'job.stored', null, 'new'],
        [9, 'a', 'job.put', 'new', 'pending'],
      ]),
      storedCharts,
    );

    expect(counts(counted)).toEqual({ 'new job.put pending': 1 });
    expect(counted.of('job').dwell.get('new')).toEqual({ count: 1, p50: 4, p95: 4 });
  });

  it('counts apart what no edge of the chart of today says, most first', () => {
    const counted = traffic(
      journal([
        [0, 'a', 'job.put', 'new', 'queued'],
        [1, 'b', 'job.put', 'new', 'queued'],
        [2, 'a', 'job.claim', 'queued', 'assigned'],
        [3, 'c', 'job.complete', 'new', 'completed'],
        [4, 'c', 'job.complete', 'new', 'completed'],
        [5, 'c', 'job.complete', 'new', 'completed'],
      ]),
      storedCharts,
    );

    expect(counts(counted)).toEqual({});
    expect(counted.of('job').unknown).toEqual([
      { from: 'new', event: 'job.complete', to: 'completed', count: 3 },
      { from: 'new', event: 'job.put', to: 'queued', count: 2 },
      { from: 'queued', event: 'job.claim', to: 'assigned', count: 1 },
    ]);
  });

  it('keeps charts apart, and leaves out records without a state', () => {
    const counted = traffic(
      journal([
        [0, 'q/d', 'representation.activate', 'registered', 'activated', 'representation'],
        [1, 'q/d', 'ping', 'activated', 'activated', 'representation'],
        [2, 'a/n', 'annotation.set', null, null, 'annotation'],
      ]),
      storedCharts,
    );

    expect(counts(counted, 'representation')).toEqual({
      'registered representation.activate activated': 1,
      ' ping null': 1,
    });
    expect(counted.of('job').total).toBe(0);
    expect(counted.of('annotation').total).toBe(0);
  });

  it('remembers the last 20 that took an edge, the newest first, over all pieces', () => {
    const length = pieceLength + 5;
    const puts = Array.from({ length }, (_, at): Told => [at, `j${at}`, 'job.put', 'new', 'pending']);

    const counted = traffic(journal(puts), storedCharts);

    const [last] = [...counted.of('job').edges.values()].map((each) => each.last);
    expect(last).toHaveLength(20);
    expect(last?.slice(0, 2)).toEqual([
      { id: `j${length - 1}`, seq: length, at: length - 1 },
      { id: `j${length - 2}`, seq: length - 1, at: length - 2 },
    ]);
  });

  it('measures no stay whose begin is not in the range', () => {
    const counted = traffic(journal(life.slice(1)), storedCharts);

    expect([...counted.of('job').dwell.keys()].sort()).toEqual(['active.running', 'assigned', 'callbacks']);
  });

  it('forgets a job that is dropped: one with its id begins anew', () => {
    const counted = traffic(
      journal([
        ...life,
        [900, 'a', 'evicted', null, null],
        [1000, 'a', 'job.file', 'completed', 'completed'],
        [1001, 'a', 'job.put', 'new', 'pending'],
      ]),
      storedCharts,
    );

    expect(counted.of('job').dwell.has('new')).toBe(false);
    expect(counted.of('job').dwell.has('completed')).toBe(false);
  });

  it.each([
    ['that end before a seq', pieceLength + 100, 10 * pieceLength],
    ['of which there are too many', 0, 2 * pieceLength - 1],
  ])('forgets its oldest pieces %s, and is then as if it had begun later', (_what, before, most) => {
    const told = Array.from(
      { length: 2 * pieceLength },
      (_, at): Told => [at, `j${at}`, 'job.put', 'new', 'pending'],
    );
    const entries = journal(told);

    const counted = traffic(entries, storedCharts);
    counted.forget(before, most);

    const later = traffic(entries.slice(pieceLength), storedCharts);
    expect([counted.first, counted.size]).toEqual([later.first, pieceLength]);
    expect(counted.of('job')).toEqual(later.of('job'));
  });

  it('measures no stay that began in a piece which is forgotten', () => {
    const puts = Array.from(
      { length: pieceLength + 1 },
      (_, at): Told => [at, `j${at}`, 'job.put', 'new', 'pending'],
    );
    const counted = traffic(journal(puts), storedCharts);
    counted.forget(pieceLength + 1, 10 * pieceLength);
    const claims = journal([[9000, 'j0', 'job.claim', 'pending', 'assigned']], pieceLength + 2);

    for (const entry of claims) counted.add(entry);

    expect(counted.of('job').dwell.size).toBe(0);
  });
});

describe('Stays', () => {
  it.each([
    [[7], 7, 7],
    [[1, 2, 3, 4, 1000], 3, 1000],
    [Array.from({ length: 100 }, (_, ms) => ms), 50, 95],
    [[83_456, 83_444], 83_500, 83_500],
  ] as const)('of %j last %i at the middle, %i at most of them', (lengths, p50, p95) => {
    const stays = new Stays();
    for (const ms of lengths) stays.add(ms);

    expect(stays.dwell()).toEqual({ count: lengths.length, p50, p95 });
  });

  it('of two pieces are those of both, and each stays as it is', () => {
    const [one, other] = [new Stays(), new Stays()];
    one.add(5);
    other.add(5);
    other.add(900);

    expect(one.with(other).dwell()).toEqual({ count: 3, p50: 5, p95: 900 });
    expect(one.dwell().count).toBe(1);
  });
});
