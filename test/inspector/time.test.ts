import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/inspector/protocol/answer.ts';
import type { HistoryLine, JobView } from '../../src/inspector/protocol/job.ts';
import { atMoment } from '../../src/inspector/ui/time/at-moment.ts';
import { type History, heightsOf, instantOf, seqAt, ticksBetween } from '../../src/inspector/ui/time/axis.ts';
import { nextLine, nextSeq, speedAfter } from '../../src/inspector/ui/time/pace.ts';
import { typedMoment } from '../../src/inspector/ui/time/typed.ts';

/** Ten seconds: ten entries in the first one, nothing for eight, five in the last. */
const history: History = {
  from: { seq: 1, at: 1000 },
  to: { seq: 15, at: 11_000 },
  stepMs: 1000,
  seqs: [0, 10, 10, 10, 10, 10, 10, 10, 10, 10, 15],
  failed: [],
  seqAt: null,
  missing: null,
};

describe('The scale of a time bar', () => {
  it.each([
    [0, 1],
    [1000, 1],
    [1500, 5],
    [2000, 10],
    [9999, 10],
    [10_500, 12],
    [11_000, 15],
    [99_000, 15],
  ])('has at %d ms entry %d', (at, seq) => {
    expect(seqAt(history, at)).toBe(seq);
  });

  it.each([1, 5, 9, 11, 12, 14, 15])('leads from entry %d to its place and back', (seq) => {
    expect(seqAt(history, instantOf(history, seq) + 1)).toBe(seq);
  });

  it('has few round ticks, by the clock of the one who looks', () => {
    const hour = 3_600_000;
    expect(ticksBetween(0, 3 * hour, 0)).toEqual([1, 2, 3, 4, 5].map((count) => count * 30 * 60_000));
    expect(ticksBetween(10, 30_010, 0)).toEqual([5000, 10_000, 15_000, 20_000, 25_000, 30_000]);
    expect(ticksBetween(0, 30 * hour, 2 * hour)).toEqual([4, 10, 16, 22, 28].map((count) => count * hour));
    expect(ticksBetween(5, 5, 0)).toEqual([]);
  });

  it('shows one entry beside a hundred thousand', () => {
    const [few = 0, none, many] = heightsOf({ seqs: [0, 1, 1, 100_001] });

    expect([few > 0.05, none, many]).toEqual([true, 0, 1]);
  });
});

describe('The past that is played', () => {
  it.each([
    // As fast as it was: a quarter of a second holds two or three of ten entries.
    [1, 250, 3],
    // Four times as fast.
    [1, 1000, 10],
    // Nothing happens for eight seconds: the next entry comes at once.
    [10, 250, 11],
    [11, 250, 12],
    // The end is now.
    [14, 250, null],
    [15, 250, null],
  ])('goes from entry %d in %d ms to %s', (seq, ms, next) => {
    expect(nextSeq(history, seq, ms)).toBe(next);
  });

  it.each([
    [10, 250, 20],
    [10, 1500, 40],
    [15, 250, 20],
    [40, 250, 50],
    [50, 250, null],
    [60, 250, null],
  ])('of a job goes from entry %d in %d ms to %s', (seq, ms, next) => {
    const lines = [
      [10, 0],
      [20, 1000],
      [30, 1100],
      [40, 1200],
      [50, 90_000],
      [60, 90_100],
    ].map(([each = 0, at = 0]) => ({ seq: each, at }));

    expect(nextLine(lines, seq, ms)).toBe(next);
  });

  it('has three speeds, one after the other', () => {
    expect([speedAfter(1), speedAfter(4), speedAfter(16)]).toEqual([4, 16, 1]);
  });
});

describe('A moment that is typed', () => {
  const now = new Date(2026, 10, 30, 14, 3, 22).getTime();

  it.each([
    ['88412', { is: 'seq', seq: 88_412 }],
    [' seq 88,412 ', { is: 'seq', seq: 88_412 }],
    ['', { is: 'now' }],
    ['Now', { is: 'now' }],
    ['14:01', { is: 'instant', at: new Date(2026, 10, 30, 14, 1).getTime() }],
    ['14:01:09.22', { is: 'instant', at: new Date(2026, 10, 30, 14, 1, 9, 220).getTime() }],
    // A time of day that has not come yet is that of yesterday.
    ['23:59', { is: 'instant', at: new Date(2026, 10, 29, 23, 59).getTime() }],
    ['2026-11-29 9:05', { is: 'instant', at: new Date(2026, 10, 29, 9, 5).getTime() }],
    ['2026-11-29T12:00:00Z', { is: 'instant', at: Date.UTC(2026, 10, 29, 12) }],
    ['5m ago', { is: 'instant', at: now - 300_000 }],
    ['1.5 h', { is: 'instant', at: now - 5_400_000 }],
    ['25:00', { is: 'id', id: '25:00' }],
    ['XFw7sWyu47UkwOwnr8mvF', { is: 'id', id: 'XFw7sWyu47UkwOwnr8mvF' }],
  ])("'%s' is understood", (text, expected) => {
    expect(typedMoment(text, now)).toEqual(expected);
  });
});

describe('A job at a moment', () => {
  const line = (seq: number, to: string): HistoryLine =>
    ({
      seq,
      at: seq * 100,
      to,
      from: null,
      event: 'job',
      edge: null,
      ending: null,
    }) as unknown as HistoryLine;
  const view = (state: string, lines: readonly HistoryLine[]): JobView =>
    ({
      id: 'a',
      state,
      ending: null,
      states: [],
      taken: [],
      next: [],
      history: { lines },
    }) as unknown as JobView;
  const all = [line(10, 'pending'), line(20, 'assigned'), line(30, 'active.running')];
  const whole = view('active.running', all);
  const then = (seq: number, data: JobView): Answer<JobView> => ({ seq, at: seq * 100 + 7, data });
  const asked = { answer: null, asOf: null, whole, at: 25, now: 9999 };

  it('is what the store had then, with the later lines beside it', () => {
    const found = atMoment({ ...asked, answer: then(25, view('assigned', all.slice(0, 2))), asOf: 25 });

    expect(found?.view.history.lines).toBe(all);
    expect(found?.way).toMatchObject({
      line: { seq: 20 },
      state: 'assigned',
      at: 2507,
      isPast: true,
      isWhole: true,
    });
  });

  it('is of its history alone until that is read, and where the store has no past', () => {
    const found = atMoment(asked);

    expect([found?.view.state, found?.way]).toMatchObject([
      'active.running',
      { line: { seq: 20 }, state: 'assigned', isPast: true, isWhole: false },
    ]);
  });

  it('is what was read last while another moment is read', () => {
    const found = atMoment({
      ...asked,
      at: 12,
      answer: then(25, view('assigned', all.slice(0, 2))),
      asOf: 25,
    });

    expect(found?.way).toMatchObject({ line: { seq: 20 }, state: 'assigned' });
  });

  it('of which nothing is kept any more now is shown by what was then', () => {
    const found = atMoment({
      ...asked,
      whole: null,
      answer: then(25, view('assigned', all.slice(0, 2))),
      asOf: 25,
    });

    expect([found?.view.history.lines.length, found?.way]).toMatchObject([
      2,
      { line: { seq: 20 }, isPast: true },
    ]);
  });
});
