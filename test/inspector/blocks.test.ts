import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../src/inspector/protocol/jobs.ts';
import {
  type Block,
  blockOf,
  cursorOf,
  inOrderOf,
  missingBlock,
  seenBlock,
  slotsOf,
  withBlock,
} from '../../src/inspector/ui/pages/jobs/blocks.ts';

function rowsOf(from: number, to: number, queue = ''): JobRow[] {
  return Array.from({ length: to - from }, (_, index) => ({ id: `${from + index}`, queue }) as JobRow);
}

const full = { looked: 200, isCut: false };

/** Pages of 200, of which each knows the next. */
function pages(count: number): readonly Block[] {
  return Array.from({ length: count }, (_, at) =>
    blockOf(at === 0 ? null : `c${at}`, {
      rows: rowsOf(at * 200, at * 200 + 200),
      next: `c${at + 1}`,
      ...full,
    }),
  );
}

describe('A long list of jobs', () => {
  it('is asked for two pages ahead of what can be seen, and no further', () => {
    expect(missingBlock(pages(1), { from: 0, to: 40 })).toBe(1);
    expect(missingBlock(pages(2), { from: 0, to: 40 })).toBe(2);
    expect(missingBlock(pages(3), { from: 0, to: 40 })).toBe(null);
    expect(missingBlock(pages(3), { from: 190, to: 230 })).toBe(3);
    expect(cursorOf(pages(3), 3)).toBe('c3');
  });

  it('ends where there is no next page', () => {
    const last = blockOf('c1', { rows: rowsOf(200, 210), next: null, ...full });

    expect(missingBlock([...pages(1), last], { from: 180, to: 210 })).toBe(null);
  });

  it('is looked through no further than a person asks, where few jobs pass the filter', () => {
    const cut = blockOf(null, { rows: rowsOf(0, 3), next: 'c1', looked: 20_000, isCut: true });

    expect(missingBlock([cut], { from: 0, to: 40 })).toBe(null);
    expect(missingBlock([cut], { from: 0, to: 40 }, true)).toBe(1);
  });

  it('knows the page that is looked at', () => {
    const found = [0, 150, 190, 500].map((from) => seenBlock(pages(3), { from, to: from + 40 }));

    expect(found).toEqual([0, 0, 1, 2]);
    expect(seenBlock(pages(3), { from: 900, to: 940 })).toBe(2);
  });

  it('keeps the rows of a page that is in use where they are, and shows what changed in them', () => {
    const known = blockOf('c1', { rows: rowsOf(0, 3), next: null, ...full });
    const newest = blockOf('c1', { rows: rowsOf(1, 5, 'mail'), next: null, ...full });

    expect(inOrderOf(known, newest).rows?.map(({ id, queue }) => [id, queue])).toEqual([
      ['0', ''],
      ['1', 'mail'],
      ['2', 'mail'],
    ]);
    expect(inOrderOf({ ...known, rows: null }, newest)).toBe(newest);
  });

  it('forgets the rows of pages that are far away, keeps their room, and asks for them again', () => {
    const far = { from: 2040, to: 2080 };

    const blocks = withBlock(
      pages(11),
      11,
      blockOf('c11', { rows: rowsOf(2200, 2400), next: null, ...full }),
      far,
    );

    expect(blocks.map(({ rows }) => rows !== null)).toEqual([
      true,
      ...[false, false, false, false],
      ...[true, true, true, true, true, true, true],
    ]);
    expect(slotsOf(blocks).length).toBe(2400);
    expect(slotsOf(blocks)[300]).toEqual({ row: null, place: 301 });
    expect(missingBlock(blocks, { from: 900, to: 940 })).toBe(2);
    expect(cursorOf(blocks, 2)).toBe('c2');
  });

  it('counts places in each queue, and shows a job that moved to a later page once', () => {
    const first = blockOf(null, { rows: [...rowsOf(0, 2), ...rowsOf(2, 3, 'mail')], next: 'c1', ...full });
    const second = blockOf('c1', { rows: rowsOf(2, 4, 'mail'), next: null, ...full });

    expect(slotsOf([first, second]).map(({ row, place }) => [row?.id, place])).toEqual([
      ['0', 1],
      ['1', 2],
      ['2', 1],
      ['3', 2],
    ]);
  });
});
