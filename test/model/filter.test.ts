import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterAcceptsLane, matchesPattern } from '../../src/model/jobs/filter.ts';

/** The meaning of a pattern in its simplest form: tries every way to cut the name. */
function reference(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  if (pattern[0] === '*') {
    for (let at = 0; at <= name.length; at += 1) if (reference(pattern.slice(1), name.slice(at))) return true;
    return false;
  }
  return name !== '' && pattern[0] === name[0] && reference(pattern.slice(1), name.slice(1));
}

describe('a pattern', () => {
  it('matches what trying every cut matches', () => {
    const few = (letters: string, maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...letters), maxLength, size: 'max' });

    fc.assert(
      fc.property(few('ab.*', 7), few('ab.', 9), (pattern, name) => {
        expect(matchesPattern(pattern, name)).toBe(reference(pattern, name));
      }),
      { numRuns: 20_000 },
    );
  });

  it('takes everything but * for itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('*'));
        expect(matchesPattern(text, text)).toBe(true);
        expect(matchesPattern(`${text}*`, `${text}x`)).toBe(true);
        expect(matchesPattern(text, `${text}x`)).toBe(false);
      }),
    );
  });

  it('of many stars takes time in proportion to its length', () => {
    const started = performance.now();

    expect(matchesPattern(`${'*a'.repeat(2000)}*b`, 'a'.repeat(20_000))).toBe(false);

    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe('a filter of names', () => {
  it.each([
    [{ jobs: ['signalbox.resumeCallbacks'] }, 'signalbox.resumeCallbacks:pay', true],
    [{ notJobs: ['signalbox.resumeCallbacks'] }, 'signalbox.resumeCallbacks:pay', false],
    [{ jobs: ['pay'] }, 'signalbox.resumeCallbacks:pay', false],
    [{ jobs: ['pay'] }, 'pay', true],
    [{ notJobs: ['pay*'] }, 'pay.later', false],
  ])('%j on the lane %s: %s', (filter, lane, accepts) => {
    expect(filterAcceptsLane(filter, lane, [])).toBe(accepts);
  });
});
