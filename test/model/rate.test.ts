import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterStart,
  forEver,
  freeTokens,
  isSpent,
  type LimitState,
  openLimit,
  opensAt,
  type Rate,
} from '../../src/model/jobs/rate.ts';

const hundred: Rate = { limit: 100, per: 60_000, burst: 1 };
const tenAtOnce: Rate = { limit: 10, per: 1000, burst: 3 };
const now = 1_000_000;

function state(tat: number | null, closedUntil: number | null = null): LimitState {
  return { tat, closedUntil };
}

describe('what may begin now', () => {
  it.each<[string, Rate | null, LimitState, number, number]>([
    ['nothing is limited without a rate', null, openLimit, Number.POSITIVE_INFINITY, now],
    ['one, when nothing has begun', hundred, openLimit, 1, now],
    ['none, right after one', hundred, state(now + 600), 0, now + 600],
    ['one again at the instant', hundred, state(now), 1, now],
    ['the whole burst, when nothing has begun', tenAtOnce, openLimit, 3, now],
    ['what is left of the burst', tenAtOnce, state(now + 100), 2, now],
    ['the last of the burst', tenAtOnce, state(now + 200), 1, now],
    ['none, when the burst is used up', tenAtOnce, state(now + 300), 0, now + 100],
    ['none while it is closed', tenAtOnce, state(null, now + 5), 0, now + 5],
    ['the burst once it has opened', tenAtOnce, state(null, now), 3, now],
    ['none while a limit without a rate is closed', null, state(null, forEver), 0, forEver],
    ['one, when the clock was set back by an hour', hundred, state(now + 3_600_000), 1, now],
    ['one of a burst, when the clock was set back', tenAtOnce, state(now + 3_600_000), 1, now],
  ])('%s', (_what, rate, of, tokens, opens) => {
    expect([freeTokens(rate, of, now), opensAt(rate, of, now)]).toEqual([tokens, opens]);
  });

  it('a limit says nothing any more when its rate owes nothing and it has opened', () => {
    const said = [openLimit, state(now), state(now + 1), state(null, now + 1), state(now, now)];

    expect(said.map((each) => isSpent(each, now))).toEqual([true, true, false, false, true]);
  });
});

const rates = fc.record({
  limit: fc.integer({ min: 1, max: 50 }),
  per: fc.integer({ min: 1, max: 5000 }),
  burst: fc.integer({ min: 1, max: 5 }),
});

it('in each window of `per` at most limit + burst - 1 begin, whenever they try', () => {
  fc.assert(
    fc.property(rates, fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 400 }), (rate, gaps) => {
      let at = now;
      let tat: number | null = null;
      const starts: number[] = [];
      for (const gap of gaps) {
        at += gap;
        const tokens = freeTokens(rate, state(tat), at);
        expect(opensAt(rate, state(tat), at) === at).toBe(tokens > 0);
        if (tokens === 0) continue;
        tat = afterStart(rate, tat, at);
        starts.push(at);
      }
      const most = rate.limit + rate.burst - 1;
      for (let index = 0; index + most < starts.length; index += 1)
        expect((starts[index + most] as number) - (starts[index] as number)).toBeGreaterThanOrEqual(rate.per);
    }),
    { numRuns: 500 },
  );
});

it('at the instant at which it opens one may begin, and as many as there are tokens', () => {
  fc.assert(
    fc.property(rates, fc.double({ min: 0, max: 1, noNaN: true }), (rate, part) => {
      const owed = (part * rate.burst * rate.per) / rate.limit;
      const opens = opensAt(rate, state(now + owed), now);
      expect(freeTokens(rate, state(now + owed), opens)).toBeGreaterThanOrEqual(1);

      let [tat, begun]: [number | null, number] = [now + owed, 0];
      const tokens = freeTokens(rate, state(tat), opens);
      while (freeTokens(rate, state(tat), opens) > 0) {
        tat = afterStart(rate, tat, opens);
        begun += 1;
      }
      expect(begun).toBe(tokens);
    }),
    { numRuns: 500 },
  );
});
