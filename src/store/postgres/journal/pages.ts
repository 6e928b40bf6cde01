import { firstSeqOf } from '../commits/entries.ts';
import type { Rows } from '../sql-port.ts';

/** How much of the journal is read at a time: lines, and entries, more or less. */
export interface Size {
  readonly lines: number;
  readonly entries: number;
}

/** At first, since who reads one entry reads no more, and from then on. */
export const smallest: Size = { lines: 32, entries: 512 };
export const largest: Size = { lines: 500, entries: 8192 };

export function lastOf({ c, count }: Rows[number]): number {
  return firstSeqOf(Number(c)) + Number(count) - 1;
}

/** A snapshot that sees as much as another one, but nothing that is newer than the newest transaction of some rows. */
export function upTo(snapshot: string, rows: Rows): string {
  let end = 0n;
  for (const { xid } of rows) if (BigInt(String(xid)) >= end) end = BigInt(String(xid)) + 1n;
  const open = (snapshot.split(':')[2] ?? '').split(',').filter((xid) => xid !== '' && BigInt(xid) < end);
  return `${open[0] ?? end}:${end}:${open.join()}`;
}

export function isFull(rows: Rows): boolean {
  return (
    rows.length === largest.lines ||
    rows.reduce((sum, { count }) => sum + Number(count), 0) >= largest.entries
  );
}

/** How many lines of a page come before the first missing number that may still be used. */
export function beforeGap(page: Rows, from: number, settled: number): number {
  // Numbers below 0 are those of promoted lines, which all are there.
  let next = Math.max(0, from);
  for (const [index, { c }] of page.entries()) {
    if (Number(c) > next && next >= settled) return index;
    next = Math.max(0, Number(c) + 1);
  }
  return page.length;
}
