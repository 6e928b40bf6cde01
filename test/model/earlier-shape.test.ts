import { describe, expect, it } from 'vitest';
import { inPresentShape } from '../../src/model/records/earlier-shape.ts';

describe('What earlier versions wrote is read as it is written now', () => {
  it.each([
    ['a job', 'job', { id: 'a', order: ['now', 17] }, { id: 'a', line: 'now', position: 17 }],
    ['a position as distance', 'job', { order: ['claimed', 0] }, { line: 'claimed', position: 0 }],
    ['a job that left its line', 'job', { order: null, claim: 2 }, { line: null, claim: 2 }],
    ['a proxy', 'proxy', { id: 'p', order: ['callback', 5] }, { id: 'p', createdSeq: 5 }],
    ['what is written now', 'job', { line: 'now', position: 3 }, { line: 'now', position: 3 }],
    ['another kind', 'queue', { order: ['now', 1] }, { order: ['now', 1] }],
    ['what no version wrote', 'job', { order: 'now' }, { order: 'now' }],
  ])('a record: %s', (_what, kind, given, present) => {
    expect(inPresentShape(kind, given, false)).toEqual(present);
  });

  it.each([
    ['a job enters a line', 'job', { order: ['held', 0] }, { line: 'held' }],
    ['a job leaves its line', 'job', { order: null }, { line: null }],
    ['a proxy is made', 'proxy', { order: ['callback', 0], chosen: null }, { chosen: null }],
  ])('a patch: %s', (_what, kind, given, present) => {
    expect(inPresentShape(kind, given, true)).toEqual(present);
  });
});
