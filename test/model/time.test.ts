import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginningMs, durationMs, durationText, instantMs } from '../../src/time.ts';

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const part = fc.tuple(fc.nat(10_000), fc.constantFrom(...(Object.keys(unitMs) as (keyof typeof unitMs)[])));

describe('a duration', () => {
  it('as text is the sum of its parts', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const text = parts.map(([amount, unit]) => `${amount}${unit}`).join('');

        expect(durationMs(text, 'x')).toBe(
          parts.reduce((sum, [amount, unit]) => sum + amount * unitMs[unit], 0),
        );
      }),
    );
  });

  it('as a number is milliseconds, of zero or more', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        if (Number.isFinite(value) && value >= 0) expect(durationMs(value, 'x')).toBe(value);
        else expect(() => durationMs(value, 'x')).toThrow('Expected `x` to be a duration of zero or more');
      }),
    );
  });

  it('as any other text is refused', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        fc.pre(!/^(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+$/.test(value));
        expect(() => durationMs(value, 'x')).toThrow('Write it as one of these.');
      }),
    );
  });

  it('as text that no number holds is refused', () => {
    expect(() => durationMs(`${'9'.repeat(400)}d`, 'x')).toThrow('a duration of zero or more');
  });

  it.each([
    [0, '0 ms'],
    [250, '250 ms'],
    [999, '999 ms'],
    [90_000, '1 minute 30 seconds'],
    [90_061_000, '1 day 1 hour 1 minute 1 second'],
  ])('of %d ms reads %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});

describe('an instant', () => {
  const date = fc.date({ min: new Date('1971-01-01'), max: new Date('2200-01-01'), noInvalidDate: true });

  it('means the same as a Date, as milliseconds and as text with any offset', () => {
    const offset = fc.record({
      sign: fc.constantFrom(1, -1),
      hours: fc.nat(13),
      minutes: fc.constantFrom(0, 30, 45),
    });

    fc.assert(
      fc.property(date, offset, (value, { sign, hours, minutes }) => {
        const shift = sign * (hours * 60 + minutes) * 60_000;
        const two = (number: number): string => String(number).padStart(2, '0');
        const there = new Date(value.getTime() + shift).toISOString().slice(0, -1);
        const text = `${there}${sign > 0 ? '+' : '-'}${two(hours)}:${two(minutes)}`;

        for (const same of [value, value.getTime(), value.toISOString(), text])
          expect(instantMs(same, 'x')).toBe(value.getTime());
      }),
    );
  });

  it('without an offset is refused', () => {
    fc.assert(
      fc.property(date, (value) => {
        expect(() => instantMs(value.toISOString().slice(0, -1), 'x')).toThrow('with an offset');
      }),
    );
  });

  it('of a beginning counts from now where it is a delay, and only there', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(100_000), (now, ms) => {
        expect(beginningMs(`${ms}ms`, now, 'x')).toBe(now + ms);
        expect(beginningMs({ after: ms }, now, 'x')).toBe(now + ms);
        expect(beginningMs(ms, now, 'x')).toBe(ms);
        expect(beginningMs(new Date(ms), now, 'x')).toBe(ms);
      }),
    );
  });

  it('that no Date can hold is refused in every form', () => {
    const last = new Date(8.64e15);

    expect(instantMs(last, 'x')).toBe(instantMs(last.getTime(), 'x'));
    for (const beyond of [8.64e15 + 1, -8.64e15 - 1, 1e300, '200000000d', { after: 8.64e15 }])
      expect(() => beginningMs(beyond, 1, 'x')).toThrow('to be an instant');
  });
});
