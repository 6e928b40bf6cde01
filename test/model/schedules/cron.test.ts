import { describe, expect, it } from 'vitest';
import { SignalboxError } from '../../../src/errors.ts';
import { checkCron, checkTimeZone, cronTimes } from '../../../src/model/schedules/cron.ts';

const at = (text: string): number => Date.parse(text);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** All instants of a pattern from one to before another. */
function ticksOf(pattern: string, tz: string, from: number, to: number): number[] {
  const { after } = cronTimes(pattern, tz);
  const found: number[] = [];
  for (let tick = after(from - 1); tick !== null && tick < to; tick = after(tick)) found.push(tick);
  return found;
}

const text = (ticks: readonly number[]): string[] => ticks.map((tick) => new Date(tick).toISOString());

describe('A pattern at the clock changes of a zone', () => {
  it.each([
    // A time that does not exist runs at the first instant after the gap, once; a list of such times, too.
    ['30 2 * * *', 'Europe/Berlin', '2024-03-31', ['2024-03-31T01:00:00.000Z']],
    ['0,30 2 * * *', 'Europe/Berlin', '2024-03-31', ['2024-03-31T01:00:00.000Z']],
    ['30 2 * * *', 'America/New_York', '2024-03-10', ['2024-03-10T07:00:00.000Z']],
    ['15 2 * * *', 'Australia/Lord_Howe', '2024-10-05', ['2024-10-05T15:30:00.000Z']],
    ['30 0 * * *', 'America/Santiago', '2024-09-08', ['2024-09-08T04:00:00.000Z']],
    // A time that comes twice runs at its first.
    ['30 2 * * *', 'Europe/Berlin', '2024-10-27', ['2024-10-27T00:30:00.000Z']],
    ['30 1 * * *', 'America/New_York', '2024-11-03', ['2024-11-03T05:30:00.000Z']],
    ['45 1 * * *', 'Australia/Lord_Howe', '2024-04-06', ['2024-04-06T14:45:00.000Z']],
    ['30 23 * * *', 'America/Santiago', '2024-04-07', ['2024-04-07T02:30:00.000Z']],
    // A pattern that repeats goes on through both.
    [
      '30 * * * *',
      'Europe/Berlin',
      '2024-10-27',
      Array.from({ length: 24 }, (_, hour) =>
        new Date(at('2024-10-27T00:30:00Z') + hour * hourMs).toISOString(),
      ),
    ],
    [
      '*/30 2 * * *',
      'Europe/Berlin',
      '2024-10-27',
      ['00:00', '00:30', '01:00', '01:30'].map((time) => `2024-10-27T${time}:00.000Z`),
    ],
    ['*/30 2 * * *', 'Europe/Berlin', '2024-03-31', []],
    // Zones without clock changes have none.
    ['30 2 * * *', 'Asia/Kolkata', '2024-03-31', ['2024-03-31T21:00:00.000Z']],
    ['30 2 * * *', 'UTC', '2024-03-31', ['2024-03-31T02:30:00.000Z']],
  ])('%s in %s on %s UTC', (pattern, tz, day, expected) => {
    const from = at(`${day}T00:00:00Z`);

    expect(text(ticksOf(pattern, tz, from, from + dayMs))).toEqual(expected);
  });
});

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Asia/Kolkata',
] as const;

/** The offset of a zone in milliseconds, from what the platform prints. */
function offsetIn(tz: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: tz,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (instant) => {
    const parts = Object.fromEntries(
      format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute) - instant;
  };
}

/** The instant of a wall time, by the rule of docs/guide.md and without any cron library. */
function instantOf(wall: number, offset: (instant: number) => number): number {
  const offsets = [...new Set([offset(wall - dayMs), offset(wall + dayMs)])];
  const exact = offsets.map((one) => wall - one).filter((instant) => instant + offset(instant) === wall);
  if (exact.length > 0) return Math.min(...exact);
  // In a gap: the first instant after it. Clocks change at full half hours.
  const half = hourMs / 2;
  let instant = Math.ceil((wall - Math.max(...offsets)) / half) * half;
  while (instant + offset(instant) < wall) instant += half;
  return instant;
}

describe('The ticks of 2024', () => {
  const from = at('2024-01-01T00:00:00Z');
  const to = at('2025-01-01T00:00:00Z');
  const wallDays = Array.from({ length: 368 }, (_, day) => from + (day - 1) * dayMs);

  it.each(zones)('of a time of the day in %s are those of a table', (tz) => {
    const offset = offsetIn(tz);
    for (const [hour, minute] of [
      [2, 30],
      [1, 45],
      [0, 15],
      [12, 0],
    ] as const) {
      const table = wallDays
        .map((day) => instantOf(day + hour * hourMs + minute * 60_000, offset))
        .filter((tick) => tick >= from && tick < to);

      expect([hour, minute, text(ticksOf(`${minute} ${hour} * * *`, tz, from, to))]).toEqual([
        hour,
        minute,
        text(table),
      ]);
    }
  });

  it.each(zones)('of each hour in %s go on through a change, and none comes twice', (tz) => {
    const spring = [at('2024-03-01T00:00:00Z'), at('2024-04-15T00:00:00Z')] as const;
    const ticks = ticksOf('0 * * * *', tz, ...spring);
    const hours = (spring[1] - spring[0]) / hourMs;

    expect(new Set(ticks).size).toBe(ticks.length);
    // Where the clock changes by half an hour, one of them is half an hour from the next.
    expect(Math.abs(ticks.length - hours)).toBeLessThanOrEqual(1);
  });

  it.each(zones)('in %s are found backwards as well', (tz) => {
    for (const pattern of ['30 2 * * *', '*/30 2 * * *', '15 10 29 2 *']) {
      const ticks = ticksOf(pattern, tz, from, to);
      const { latest } = cronTimes(pattern, tz);

      for (const [index, tick] of ticks.entries()) {
        if (index % 11 > 1) continue;
        expect([latest(tick), latest(tick + 999)]).toEqual([tick, tick]);
        if (index > 0) expect(latest(tick - 1)).toBe(ticks[index - 1]);
      }
    }
  });
});

describe('What is refused', () => {
  const refusalOf = (check: () => unknown): unknown => {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error;
      return [error.code, (error.details as { readonly field?: string }).field];
    }
  };

  it.each([
    ['60 * * * *', 'minute'],
    ['0 24 * * *', 'hour'],
    ['61 0 0 * * *', 'second'],
    ['0 0 32 * *', 'day of month'],
    ['0 0 1 13 *', 'month'],
    ['0 0 * * FOO', 'day of week'],
    ['? * * * *', 'minute'],
    ['0 0 31 2 *', 'day of month'],
    ['0 0 30 2,2 *', 'day of month'],
    ['* * * *', 'the pattern'],
    ['* * * * * * *', 'the pattern'],
    ['', 'the pattern'],
    ['@reboot', 'the pattern'],
    ['@fortnightly', 'the pattern'],
    [`0 0 * * ${'1,'.repeat(200)}1`, 'the pattern'],
    [undefined, 'the pattern'],
    [5, 'the pattern'],
  ])('the pattern %j, because of its %s', (pattern, field) => {
    expect(refusalOf(() => checkCron(pattern))).toEqual(['INVALID_CRON', field]);
  });

  it.each(['0 0 29 2 *', '30 2 * * 1-5', '0 0 0 L * *', '0 0 * * FRI#2', '*/5 * * * *', '@daily'])(
    'is not the pattern %s',
    (pattern) => {
      expect(checkCron(pattern)).toBe(pattern);
    },
  );

  it.each([undefined, null, '', 'Europe/Nowhere', '+02:00', 7])('the time zone %j', (tz) => {
    expect(refusalOf(() => checkTimeZone(tz))).toEqual(['INVALID_TIME_ZONE', undefined]);
  });

  it.each([...zones, 'CET'])('is not the time zone %s', (tz) => {
    expect(checkTimeZone(tz)).toBe(tz);
  });
});
