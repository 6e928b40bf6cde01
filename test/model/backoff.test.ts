import { describe, expect, it } from 'vitest';
import {
  type Backoff,
  backoffFigures,
  backoffMs,
  backoffName,
  backoffOfName,
} from '../../src/model/jobs/backoff.ts';
import {
  askedWaitMs,
  isUnrecoverable,
  RetryAfterError,
  UnrecoverableError,
} from '../../src/model/jobs/retry-errors.ts';
import { Failure } from '../../src/model/values/failure.ts';

const hourMs = 3_600_000;

/** The delays after 30 failures in seconds, with this randomness. */
function series(given: Backoff, random = 0.5): readonly number[] {
  const figures = backoffFigures(given);
  return Array.from({ length: 30 }, (_, index) => backoffMs(figures, index + 1, random) / 1000);
}

const doubled = Array.from({ length: 30 }, (_, index) => Math.min(3600, 2 ** index));

describe('the delays of 30 attempts', () => {
  it.each<[string, Backoff, readonly number[]]>([
    ['double from a second to an hour by default', {}, doubled],
    ['are tripled', { factor: 3, maxDelay: '30s' }, [1, 3, 9, 27, ...Array(26).fill(30)]],
    [
      'grow by steps',
      { backoff: 'linear', delay: '2m' },
      Array.from({ length: 30 }, (_, i) => (i + 1) * 120),
    ],
    ['are all the same', { backoff: 'fixed', delay: 1500 }, Array(30).fill(1.5)],
    ['are as long as delay says, though that is longer than an hour', { delay: '2h' }, Array(30).fill(7200)],
    ['are nothing', { delay: 0, factor: 1000 }, Array(30).fill(0)],
    ['end at maxDelay', { delay: '1d', factor: 1000, maxDelay: '10d' }, [86_400, ...Array(29).fill(864_000)]],
  ])('%s', (_what, given, expected) => {
    expect(series(given)).toEqual(expected);
  });

  it('stay finite after as many failures as may be', () => {
    for (const backoff of ['exponential', 'linear', 'fixed'] as const)
      for (const delay of [0, '3650d'])
        expect(backoffMs(backoffFigures({ backoff, delay, factor: 1000 }), 1_000_000, 0.5)).toBeLessThan(
          1e12,
        );
  });
});

describe('jitter', () => {
  it.each<[Backoff['jitter'], random: number, expected: number]>([
    [0, 0, 100],
    [0, 0.999, 100],
    [0.2, 0, 80],
    [0.2, 0.5, 100],
    [0.2, 0.75, 110],
    [1, 0, 0],
    [1, 0.5, 100],
    ['full', 0, 0],
    ['full', 0.25, 25],
    ['full', 0.5, 50],
    [undefined, 0, 80],
  ])('of %s turns 100 s at randomness %d into %d s', (jitter, random, expected) => {
    const given = { backoff: 'fixed', delay: '100s', ...(jitter === undefined ? {} : { jitter }) } as const;

    expect(series(given, random)).toEqual(Array(30).fill(expected));
  });

  it('stays within its bounds, also where the delay is at its longest', () => {
    for (const random of [0, 0.1, 0.9, 0.999_999]) {
      const last = series({}, random).at(-1) ?? 0;
      expect(Math.abs(last * 1000 - hourMs)).toBeLessThanOrEqual(0.2 * hourMs);
    }
  });
});

describe('the name of a backoff', () => {
  it.each<[string, Backoff]>([
    ['without figures', {}],
    [
      'with all of them',
      {
        maxAttempts: 7,
        backoff: 'linear',
        delay: '1500ms',
        factor: 1.5,
        maxDelay: '3650d',
        jitter: 'full',
        maxInterruptions: null,
      },
    ],
    ['with very small ones', { delay: 1e-7, jitter: 1e-7, factor: 1.000_000_1 }],
    [
      'with very large ones',
      { maxAttempts: 1_000_000, maxInterruptions: Number.MAX_SAFE_INTEGER, factor: 1000 },
    ],
  ])('%s gives the same policy in another process', (_what, given) => {
    const name = backoffName(given);

    expect(backoffOfName(name)?.name).toBe(name);
    expect(backoffName(figuresIn(name))).toBe(name);
  });

  it.each([
    'signalbox.backoff',
    'signalbox.backoff:exponential:4:1000:2:3600000:0.2',
    'signalbox.backoff:exponential:4:1000:2:3600000:0.2:9:9',
    'signalbox.backoff:cubic:4:1000:2:3600000:0.2:9',
    'signalbox.backoff:exponential:0:1000:2:3600000:0.2:9',
    'signalbox.backoff:exponential:4:-1:2:3600000:0.2:9',
    'other:exponential:4:1000:2:3600000:0.2:9',
    'RetryCommonForever',
  ])('is not %s', (name) => {
    expect(backoffOfName(name)).toBeNull();
  });
});

/** The figures that a name says, read as a person would. */
function figuresIn(name: string): Backoff {
  const [, backoff, attempts, delay, factor, maxDelay, jitter, interruptions] = name.split(':');
  return {
    backoff: backoff as 'linear',
    maxAttempts: Number(attempts),
    delay: Number(delay),
    factor: Number(factor),
    maxDelay: Number(maxDelay),
    jitter: jitter === 'full' ? jitter : Number(jitter),
    maxInterruptions: interruptions === 'null' ? null : Number(interruptions),
  };
}

describe('what the code of a job says about another attempt', () => {
  class Gone extends UnrecoverableError {
    override readonly name = 'Gone';
  }
  const many = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`key ${index}`, 'x'.repeat(20)]),
  );

  it.each<[string, unknown, boolean]>([
    ['an UnrecoverableError', new UnrecoverableError('x'), true],
    ['one of a class of its own', new Gone('x'), true],
    ['one with more properties than are kept', Object.assign(new UnrecoverableError('x'), many), true],
    ['an error that it caused', new Error('x', { cause: new UnrecoverableError('x') }), false],
    ['another error', new Error('UnrecoverableError'), false],
    ['a text', 'UnrecoverableError', false],
  ])('is read from %s: %s', (_what, error, expected) => {
    expect(isUnrecoverable(Failure.from(error))).toBe(expected);
  });

  it.each<[string, unknown, number | null]>([
    ['a duration', new RetryAfterError('30s'), 30_000],
    ['milliseconds', new RetryAfterError(1500), 1500],
    ['an instant', new RetryAfterError(new Date(61_000)), 60_000],
    ['an instant that has passed', new RetryAfterError(new Date(0)), 0],
    ['an error without it', new Error('x'), null],
    ['the number of another library', Object.assign(new Error('x'), { retryAfter: 30 }), null],
    ['the text of another library', Object.assign(new Error('x'), { retryAfter: '30' }), null],
    ['an object of another library', Object.assign(new Error('x'), { retryAfter: { ms: '30' } }), null],
  ])('is a wait, from %s', (_what, error, expected) => {
    expect(askedWaitMs(Failure.from(error), 1000)).toBe(expected);
  });

  it.each(['soon', -1, Number.NaN, new Date(Number.NaN)])('RetryAfterError refuses %s', (after) => {
    expect(() => new RetryAfterError(after)).toThrow(/^Expected `after` to be a(n instant| duration)/);
  });
});
