import { randomIds } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { idBeginning } from '../../src/model/values/ids.ts';

const dayMs = 24 * 60 * 60 * 1000;
const day = Date.UTC(2026, 11, 1);

describe('Ids of jobs', () => {
  it('have 21 characters that are safe in URLs', () => {
    const ids = Array.from({ length: 1000 }, () => randomIds.newId());

    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^1[-0-9A-Z_a-z]{20}$/);
    expect(ids.map(encodeURIComponent)).toEqual(ids);
  });

  it('begin with the time at which they are made', () => {
    const before = Date.now();
    const id = randomIds.newId();
    const after = Date.now();

    expect([idBeginning(before) <= id.slice(0, 8), id.slice(0, 8) <= idBeginning(after)]).toEqual([
      true,
      true,
    ]);
  });

  it('sort by time as texts, character by character', () => {
    const instants = [0, 1, 63, 64, 4095, 4096, day - 1, day, day + 1, day + 37 * dayMs, 2 ** 42 - 1];

    const beginnings = instants.map(idBeginning);

    expect([...beginnings].sort()).toEqual(beginnings);
    expect(new Set(beginnings).size).toBe(instants.length);
    for (const beginning of beginnings) expect(beginning).toHaveLength(8);
  });

  it('lie within the bounds of their day', () => {
    const isOfDay = (id: string): boolean => id >= idBeginning(day) && id < idBeginning(day + dayMs);
    const [least, greatest] = ['-'.repeat(13), 'z'.repeat(13)];

    expect(isOfDay(idBeginning(day) + least)).toBe(true);
    expect(isOfDay(idBeginning(day + dayMs - 1) + greatest)).toBe(true);
    expect(isOfDay(idBeginning(day - 1) + greatest)).toBe(false);
    expect(isOfDay(idBeginning(day + dayMs) + least)).toBe(false);
  });
});
