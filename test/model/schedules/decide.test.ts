import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Misfire, Overlap, ScheduleFigures } from '../../../machines/schedule.context.ts';
import type { ScheduleRecord } from '../../../src/model/records/records.ts';
import { decideTick, firstTick, type LastJob, nextTicks } from '../../../src/model/schedules/decide.ts';
import { newScheduleRecord, stepSchedule } from '../../../src/model/schedules/step.ts';
import { mostCounted, Ticks } from '../../../src/model/schedules/ticks.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = Date.parse('2026-01-01T00:00:00Z');

const hourly: ScheduleFigures = {
  cron: '0 * * * *',
  tz: 'UTC',
  every: null,
  from: null,
  overlap: 'allow',
  misfire: 'once',
  misfireWindow: 24 * hour,
  jitter: 0,
  until: null,
  maxRuns: null,
};

function scheduled(
  figures: Partial<ScheduleFigures> = {},
  more: Partial<ScheduleRecord> = {},
): ScheduleRecord {
  const record = { ...newScheduleRecord('q/s'), figures: { ...hourly, ...figures }, ...more };
  const next = firstTick(record, record.figures, start);
  return {
    ...record,
    state: 'active',
    rev: 1,
    nextTick: next?.tick ?? null,
    nextAt: next?.at ?? null,
    ...more,
  };
}

/** What a tick becomes, in a word and in hours after the start. */
function shown(record: ScheduleRecord, now: number, last: LastJob | null = null): unknown {
  const decision = decideTick(record, now, last);
  if (decision === null) return null;
  const { tick, next, why, missed, cancelsLast } = decision;
  const hours = (at: number): number => (at - start) / hour;
  return [
    why ?? 'put',
    hours(tick),
    next === null ? null : hours(next.tick),
    missed,
    ...(cancelsLast ? ['cancel'] : []),
  ];
}

const running: LastJob = { isOver: false, hasBegun: true, isInLine: true };
const waiting: LastJob = { isOver: false, hasBegun: false, isInLine: true };
const over: LastJob = { isOver: true, hasBegun: true, isInLine: true };
const withoutKey: LastJob = { isOver: false, hasBegun: true, isInLine: false };

describe('A tick', () => {
  it('is not due before its instant', () => {
    expect(shown(scheduled(), start + hour - 1)).toBe(null);
    expect(shown(scheduled(), start + hour)).toEqual(['put', 1, 2, 0]);
  });

  it('is in time for a minute', () => {
    expect(shown(scheduled({ misfire: 'skip' }), start + hour + minute)).toEqual(['put', 1, 2, 0]);
    expect(shown(scheduled({ misfire: 'skip' }), start + hour + minute + 1)).toEqual(['missed', 1, 2, 1]);
  });

  it.each([
    // Five hours late, six minutes: ticks 1 to 6 are missed.
    ['once', {}, ['put', 6, 7, 5]],
    ['all', {}, ['put', 1, 2, 0]],
    ['skip', {}, ['missed', 6, 7, 6]],
    // Only the last hour is in the window.
    ['once', { misfireWindow: hour }, ['put', 6, 7, 5]],
    ['all', { misfireWindow: hour }, ['missed', 5, 6, 5]],
    ['all', { misfireWindow: 6 * hour }, ['put', 1, 2, 0]],
    ['skip', { misfireWindow: hour }, ['missed', 6, 7, 6]],
    // None of them is.
    ['once', { misfireWindow: 5 * minute }, ['missed', 6, 7, 6]],
    ['all', { misfireWindow: 5 * minute }, ['missed', 6, 7, 6]],
    // It ended meanwhile.
    ['once', { until: start + 3 * hour }, ['put', 3, null, 2]],
    ['all', { until: start + hour }, ['put', 1, null, 0]],
    ['skip', { until: start + 3 * hour }, ['missed', 3, null, 3]],
  ] as const)('that was missed, misfire %s %j', (misfire, figures, expected) => {
    expect(shown(scheduled({ misfire, ...figures }), start + 6 * hour + 6 * minute)).toEqual(expected);
  });

  it.each([
    ['skip', null, ['put', 1, 2, 0]],
    ['skip', over, ['put', 1, 2, 0]],
    ['skip', running, ['overlap', 1, 2, 0]],
    ['skip', waiting, ['overlap', 1, 2, 0]],
    ['buffer', over, ['put', 1, 2, 0]],
    ['buffer', running, ['put', 1, 2, 0]],
    ['buffer', waiting, ['buffered', 1, 2, 0]],
    ['buffer', withoutKey, ['overlap', 1, 2, 0]],
    ['allow', running, ['put', 1, 2, 0]],
    ['allow', waiting, ['put', 1, 2, 0]],
    ['cancel', over, ['put', 1, 2, 0]],
    ['cancel', running, ['put', 1, 2, 0, 'cancel']],
    ['cancel', waiting, ['put', 1, 2, 0, 'cancel']],
    ['cancel', withoutKey, ['overlap', 1, 2, 0, 'cancel']],
  ] as const)('with overlap %s, after %j', (overlap, last, expected) => {
    expect(shown(scheduled({ overlap }), start + hour, last)).toEqual(expected);
  });

  it.each(
    (['once', 'all', 'skip'] as const).flatMap((misfire) =>
      (['skip', 'buffer', 'allow', 'cancel'] as const).map((overlap) => [misfire, overlap] as const),
    ),
  )(
    'that is missed while the last job runs, misfire %s and overlap %s',
    (misfire: Misfire, overlap: Overlap) => {
      const [tick, missed] = { once: [6, 5], all: [1, 0], skip: [6, 6] }[misfire] as [number, number];
      const why = misfire === 'skip' ? 'missed' : overlap === 'skip' ? 'overlap' : 'put';
      const cancels = overlap === 'cancel' && misfire !== 'skip' ? ['cancel'] : [];
      const record = scheduled({ misfire, overlap });

      expect(shown(record, start + 6 * hour + 6 * minute, running)).toEqual([
        why,
        tick,
        tick + 1,
        missed,
        ...cancels,
      ]);
    },
  );
});

describe('Every so long', () => {
  it('counts from its instant, without drift', () => {
    const ticks = new Ticks('q/s', { ...hourly, cron: null, every: 90 * minute, from: start + 5 });

    expect(ticks.after(start - hour)?.tick).toBe(start + 5);
    expect(ticks.after(start + 5)?.tick).toBe(start + 5 + 90 * minute);
    expect(ticks.after(start + 1000 * 90 * minute)?.tick).toBe(start + 5 + 1000 * 90 * minute);
    expect(ticks.latest(start + 4)).toBe(null);
    expect(ticks.latest(start + 5)).toBe(start + 5);
  });
});

describe('Missed ticks', () => {
  it('are counted up to a bound, so that a year of seconds costs no minutes', () => {
    for (const figures of [{ cron: '* * * * * *' }, { cron: null, every: 1000, from: start }]) {
      const record = scheduled({ ...figures, misfire: 'once' });

      expect(decideTick(record, start + 365 * 24 * hour, null)).toMatchObject({
        tick: start + 365 * 24 * hour - minute - 1000,
        missed: mostCounted - 1,
        why: null,
      });
    }
  });
});

describe('Jitter', () => {
  it('makes a tick due later by the same time on every host, spread over all of it', () => {
    const jitter = 10 * minute;
    const spread = Array.from({ length: 1000 }, (_, n) => {
      const tick = start + n * hour;
      const { dueAt } = { dueAt: new Ticks('q/s', { ...hourly, jitter }).dueAt(tick) };
      expect(new Ticks('q/s', { ...hourly, jitter }).dueAt(tick)).toBe(dueAt);
      return (dueAt - tick) / jitter;
    });
    const tenths = Array.from(
      { length: 10 },
      (_, n) => spread.filter((at) => Math.min(9, Math.floor(at * 10)) === n).length,
    );

    expect(Math.min(...spread)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...spread)).toBeLessThanOrEqual(1);
    expect(Math.min(...tenths)).toBeGreaterThan(60);
    expect(new Ticks('q/other', { ...hourly, jitter }).dueAt(start)).not.toBe(
      new Ticks('q/s', { ...hourly, jitter }).dueAt(start),
    );
  });

  it('counts no tick as missed that is not a minute late', () => {
    const record = scheduled({ cron: '* * * * *', jitter: 30 * minute, misfire: 'skip' });
    const now = start + 3 * hour;
    const decision = decideTick(record, now, null);

    expect(new Ticks('q/s', record.figures).dueAt(decision?.tick ?? now)).toBeLessThan(now - minute);
    expect(decision?.tick).toBeGreaterThanOrEqual(now - 32 * minute);
  });
});

describe('The tick after a schedule was set or resumed', () => {
  it('is the first from now on, and never before the last one', () => {
    const record = scheduled();
    expect(firstTick(record, hourly, start + 5 * hour)?.tick).toBe(start + 6 * hour);
    // The clock was set back.
    expect(firstTick({ ...record, lastTick: start + 9 * hour }, hourly, start)?.tick).toBe(start + 10 * hour);
  });

  it('is none after the last of its runs, and none after its end', () => {
    expect(firstTick({ id: 'q/s', lastTick: null, runs: 3 }, { ...hourly, maxRuns: 3 }, start)).toBe(null);
    expect(firstTick({ id: 'q/s', lastTick: null, runs: 0 }, { ...hourly, until: start + 1 }, start)).toBe(
      null,
    );
    expect(
      firstTick({ id: 'q/s', lastTick: null, runs: 0 }, { ...hourly, until: start + hour }, start)?.tick,
    ).toBe(start + hour);
  });

  it.each([
    ['active', {}, [1, 2, 3]],
    ['active', { maxRuns: 2 }, [1, 2]],
    ['active', { until: start + 2 * hour }, [1, 2]],
    ['paused', {}, [6, 7, 8]],
    ['ended', {}, []],
  ] as const)('and those behind it, of one that is %s %j', (state, figures, expected) => {
    const planned = scheduled(figures);
    const record = { ...planned, state, ...(state === 'active' ? {} : { nextTick: null, nextAt: null }) };

    expect(nextTicks(record, start + 5 * hour, 3).map(({ tick }) => (tick - start) / hour)).toEqual(expected);
  });
});

it('Whatever the clock does, ticks only grow, and each is dealt with once', () => {
  const figures = fc.record({
    cron: fc.constantFrom('*/7 * * * *', '0 * * * *', null),
    every: fc.constant(5 * minute),
    from: fc.constant(start),
    misfire: fc.constantFrom<Misfire>('once', 'all', 'skip'),
    misfireWindow: fc.constantFrom(0, hour, 24 * hour),
    jitter: fc.constantFrom(0, 3 * minute, 90 * minute),
    overlap: fc.constantFrom<Overlap>('skip', 'buffer', 'allow', 'cancel'),
  });
  const moves = fc.array(fc.integer({ min: -3 * hour, max: 5 * hour }), { maxLength: 40 });
  fc.assert(
    fc.property(figures, moves, (given, clock) => {
      const { cron, every, from, ...rest } = given;
      let record = scheduled({ cron, ...rest, ...(cron === null ? { every, from } : {}) });
      let now = start;
      for (const move of clock) {
        now += move;
        for (let rounds = 0; rounds < 1000; rounds += 1) {
          const decision = decideTick(record, now, null);
          if (decision === null) break;
          const { tick, next, why, missed } = decision;
          expect(tick).toBeGreaterThan(record.lastTick ?? 0);
          expect(tick).toBeGreaterThanOrEqual(record.nextTick ?? 0);
          expect(next?.tick).toBeGreaterThan(tick);
          const before = record;
          const step =
            why === null
              ? stepSchedule(record, { type: 'schedule.tick', tick, next, missed, job: 'j' })
              : stepSchedule(record, { type: 'schedule.skip', tick, next, missed, why });
          record = { ...record, ...step.patch, rev: record.rev + 1 };
          const passed = new Ticks('q/s', record.figures).count(before.nextTick ?? 0, tick);
          const counted = record.runs + record.missed + record.skipped;
          expect(counted - before.runs - before.missed - before.skipped).toBe(passed);
        }
      }
    }),
    { numRuns: 150 },
  );
});
