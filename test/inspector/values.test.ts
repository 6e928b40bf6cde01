import { describe, expect, it } from 'vitest';
import type { Json } from '../../machines/json.ts';
import { pathOf } from '../../src/inspector/views/job/path.ts';
import { failureView, framesOf } from '../../src/inspector/views/values/failure-view.ts';
import { treeOf } from '../../src/inspector/views/values/tree.ts';
import type { HistoryEntry } from '../../src/store/entry.ts';

describe('A value as a page draws it', () => {
  it.each([
    ['a reference', { $job: 'j1' }, { is: 'job', id: 'j1' }],
    ['what a codec has encoded', { $coded: 'x' }, { is: 'hidden', why: 'encrypted' }],
    ['what is hidden', '[redacted]', { is: 'hidden', why: 'redacted' }],
    ['an integer beyond 2^53', 2 ** 60, { is: 'number', value: { $n: '1152921504606846976' } }],
    [
      "a program's key with a $",
      { $$job: 1 },
      { is: 'object', entries: [['$job', { is: 'number', value: 1 }]], more: 0 },
    ],
  ] as const)('says what %s is', (_what, value, tree) => {
    expect(treeOf(value as Json)).toEqual(tree);
  });

  it('is cut, and says how much is left out', () => {
    const limits = { characters: 10, depth: 2, width: 3 };

    expect(treeOf('a'.repeat(25), limits)).toEqual({ is: 'text', text: 'a'.repeat(10), more: 15 });
    expect(treeOf([1, 2, 3, 4], limits)).toMatchObject({ is: 'list', items: { length: 3 }, more: 1 });
    expect(treeOf([[[]]], limits)).toMatchObject({ items: [{ items: [{ is: 'deep' }] }] });
  });

  it('stays small, whatever it is', () => {
    let deep: Json = 'end';
    for (let depth = 0; depth < 10_000; depth += 1) deep = [deep];
    const wide = Array.from({ length: 200 }, () =>
      Array.from({ length: 200 }, () => ({ key: 'v'.repeat(50) })),
    );

    expect(JSON.stringify(treeOf(deep)).length).toBeLessThan(2000);
    expect(JSON.stringify(treeOf(wide)).length).toBeLessThan(2_000_000);
    expect(treeOf('\ud83d\ude00'.repeat(40), { characters: 3, depth: 1, width: 1 })).toMatchObject({
      text: expect.not.stringMatching(/\ud83d$/u),
    });
  });
});

describe('A failure as a page shows it', () => {
  it('tells own frames from those of libraries and of Node', () => {
    const stack = `Error: no
    at charge (/app/src/payments.ts:88:19)
    at Object.<anonymous> (/app/node_modules/x/index.js:1:2)
    at node:internal/process/task_queues:95:5
    at C:\\app\\src\\mail.ts:3:1`;

    expect(framesOf(stack).map(({ isOwn, place }) => [isOwn, place])).toEqual([
      [true, 'payments.ts:88'],
      [false, 'index.js:1'],
      [false, 'task_queues:95'],
      [true, 'mail.ts:3'],
    ]);
  });

  it('ends in a circle of causes', () => {
    const failure = { name: 'Error', message: 'no', stack: '', code: null, extra: {}, cause: null as never };
    failure.cause = failure as never;

    expect(JSON.stringify(failureView(failure)).length).toBeLessThan(5000);
  });
});

describe('The way of a job', () => {
  const entry = (event: string, from: string | null, to: string | null, at: number): HistoryEntry => ({
    kind: 'job',
    id: 'j',
    event,
    from,
    to,
    patch: null,
    gone: false,
    mv: '',
    q: 0,
    seq: at,
    commit: at,
    at,
    by: 'client#1',
  });

  it('through a state that today’s chart lacks is listed beside it', () => {
    const { states, taken } = pathOf(
      [entry('job.put', 'new', 'parked', 1), entry('job.wake', 'parked', 'pending', 5)],
      9,
    );

    expect(states.filter(({ visits }) => visits > 0)).toEqual([
      { state: 'pending', visits: 1, ms: 4, isNow: true, isKnown: true },
      { state: 'parked', visits: 1, ms: 4, isNow: false, isKnown: false },
    ]);
    expect(taken.map(({ event, isKnown, isLast }) => [event, isKnown, isLast])).toEqual([
      ['job.put', false, false],
      ['job.wake', false, true],
    ]);
  });

  it('counts a state around others once while it goes from one to the other', () => {
    const { states } = pathOf(
      [
        entry('job.start', 'assigned', 'active.running', 0),
        entry('job.wait', 'active.running', 'active.waiting', 3),
      ],
      10,
    );
    const of = (name: string) => states.find(({ state }) => state === name);

    expect(of('active')).toMatchObject({ visits: 1, ms: 10, isNow: true });
    expect([of('active.running')?.ms, of('active.waiting')?.ms]).toEqual([3, 7]);
  });

  it('is not changed by what leaves no state', () => {
    const { taken } = pathOf(
      [
        entry('job.put', 'new', 'pending', 0),
        entry('retryPolicy.set', 'pending', 'pending', 3),
        entry('retryPolicy.set', 'pending', 'pending', 4),
      ],
      10,
    );

    expect(taken).toMatchObject([
      { event: 'job.put', count: 1, isLast: true },
      { source: '', event: 'retryPolicy.set', target: null, count: 2, isLast: false },
    ]);
  });
});
