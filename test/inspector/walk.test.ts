import type { HistoryEntry, StoreReader } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { walkBack } from '../../src/inspector/views/timeline/walk.ts';

/** A journal with entries of these seqs, and how much of it was read. */
function journalOf(seqs: readonly number[]) {
  const count = { read: 0, reads: 0 };
  const reader = {
    oldestSeq: () => seqs[0] ?? 1,
    async *entries(from: number) {
      count.reads += 1;
      for (const seq of seqs) {
        if (seq < from) continue;
        count.read += 1;
        yield { seq } as HistoryEntry;
      }
    },
  } as unknown as StoreReader;
  return { reader, count, end: (seqs.at(-1) ?? 0) + 1 };
}

/** Commits of so many entries, in which each begins at a multiple of 4096. */
function commits(sizes: readonly number[], first = 1): readonly number[] {
  return sizes.flatMap((size, index) =>
    Array.from({ length: size }, (_, entry) => (first + index) * 4096 + entry),
  );
}

const many = (count: number, size: number): readonly number[] => new Array<number>(count).fill(size);

const journals = {
  'has no gaps': Array.from({ length: 30_000 }, (_, index) => index + 1),
  'has one entry a commit': commits(many(30_000, 1)),
  'has 150 entries a commit': commits(many(300, 150)),
  'has full commits': commits(many(8, 4096)),
  'has full commits between small ones': commits([...many(4000, 1), 4096, ...many(4000, 2), 4096, 1]),
  'has a long hole': [...commits(many(5000, 1)), ...commits(many(5000, 3), 5_000_000)],
  'was without gaps once': [
    ...Array.from({ length: 9000 }, (_, index) => index + 1),
    ...commits(many(9000, 1), 3),
  ],
};

describe('A walk back through a journal', () => {
  it.each(Object.entries(journals))(
    'that %s looks at each entry once, and reads little else',
    async (_what, seqs) => {
      const { reader, count, end } = journalOf(seqs);
      const looked: number[] = [];

      const walked = await walkBack(reader, end, {
        limit: 100,
        wants: ({ seq }) => looked.push(seq) < 0,
      });

      const expected = seqs.slice(-20_000);
      expect(looked).toEqual(expected.toReversed());
      expect([walked.looked, walked.isCut]).toEqual([expected.length, expected.length < seqs.length]);
      expect(seqs.filter((seq) => seq < (walked.next ?? 0)).length).toBe(seqs.length - expected.length);
      expect(count.read).toBeLessThan(1.5 * expected.length + 3 * 4096);
      expect(count.reads).toBeLessThan(60);
    },
  );

  it.each(Object.entries(journals))('that %s has pages that follow each other', async (_what, seqs) => {
    const { reader, end } = journalOf(seqs);
    const found: number[] = [];

    let before = end;
    for (let page = 0; page < 5; page += 1) {
      const walked = await walkBack(reader, before, { limit: 200, wants: () => true });
      expect([walked.entries.length, walked.looked, walked.isCut]).toEqual([200, 200, false]);
      found.push(...walked.entries.map(({ seq }) => seq));
      before = walked.next ?? 0;
    }

    expect(found).toEqual(seqs.slice(-1000).toReversed());
  });

  it('reads no entry of a journal without gaps that it does not look at, but for the one behind each window', async () => {
    const { reader, count, end } = journalOf(journals['has no gaps']);

    await walkBack(reader, end, { limit: 100, look: 10_000, wants: () => false });

    expect(count.read).toBe(10_000 + count.reads - 1);
  });
});
