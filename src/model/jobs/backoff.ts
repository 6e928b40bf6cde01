import { invalidOption } from '../../errors.ts';
import { type Duration, durationMs } from '../../time.ts';
import { checkCount, checkKnown } from '../checks/check-options.ts';
import type { Failure } from '../values/failure.ts';
import { commonRetryPolicy } from './common-retry.ts';
import { afterWait, type RetryPolicy } from './retry.ts';
import { askedWaitMs } from './retry-errors.ts';

/** Attempts that follow each other at growing distances. Given as `retry` or `retryPolicy` it is a policy. */
export interface Backoff {
  /** Attempts in all, the first included. Interruptions do not count. Default 4. */
  readonly maxAttempts?: number;
  /** How the delay grows with each failure. Default `exponential`. */
  readonly backoff?: 'exponential' | 'linear' | 'fixed';
  /** The delay after the first failure. Default 1 s. */
  readonly delay?: Duration;
  /** What an exponential delay is multiplied by after each failure. Default 2. */
  readonly factor?: number;
  /** The longest delay, before jitter. Default 1 h, or `delay` when that is longer. */
  readonly maxDelay?: Duration;
  /**
   * How much chance changes each delay, so that jobs that failed together do not come back together: 0.2 is a fifth more
   * or less, `full` anything between nothing and the delay. Default 0.2.
   */
  readonly jitter?: number | 'full';
  /** Whether a failure is worth another attempt. Default: all are. */
  readonly retryIf?: (failure: Failure) => boolean;
  /** Retries after an interruption; null for no limit. Default 9. */
  readonly maxInterruptions?: number | null;
}

/** A backoff with all its figures. Delays in milliseconds. */
export interface BackoffFigures extends Required<Omit<Backoff, 'delay' | 'maxDelay' | 'retryIf'>> {
  readonly delay: number;
  readonly maxDelay: number;
}

const kinds = ['exponential', 'linear', 'fixed'] as const;

const options = [
  'maxAttempts',
  'backoff',
  'delay',
  'factor',
  'maxDelay',
  'jitter',
  'retryIf',
  'maxInterruptions',
] as const satisfies readonly (keyof Backoff)[];

// A sum of it and an instant is an instant, and its digits are part of a name.
const tenYearsMs = 3650 * 86_400_000;
const mostAttempts = 1_000_000;
const largestFactor = 1000;

/** The figures, with defaults for those that are not given. @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`. */
export function backoffFigures(given: Backoff): BackoffFigures {
  checkKnown(given, options);
  const { maxAttempts = 4, backoff = 'exponential', factor = 2, jitter = 0.2, maxInterruptions = 9 } = given;
  if (!kinds.includes(backoff)) throw invalidOption('backoff', `one of ${kinds.join(', ')}`, backoff);
  checkCount(maxAttempts, 'maxAttempts', 1, mostAttempts);
  if (maxInterruptions !== null) checkCount(maxInterruptions, 'maxInterruptions', 0);
  if (!(factor >= 1 && factor <= largestFactor))
    throw invalidOption('factor', `a number from 1 to ${largestFactor}`, factor);
  if (jitter !== 'full' && !(jitter >= 0 && jitter <= 1))
    throw invalidOption('jitter', "a number from 0 to 1, or 'full'", jitter);
  if (given.retryIf !== undefined && typeof given.retryIf !== 'function')
    throw invalidOption('retryIf', 'a function', given.retryIf);
  const delay = delayMs(given.delay ?? 1000, 'delay');
  const maxDelay = delayMs(given.maxDelay ?? Math.max(3_600_000, delay), 'maxDelay');
  return { maxAttempts, backoff, delay, factor, maxDelay, jitter, maxInterruptions };
}

function delayMs(given: Duration, option: string): number {
  const ms = durationMs(given, option);
  if (ms > tenYearsMs) throw invalidOption(option, 'at most ten years', given);
  return ms;
}

/**
 * The milliseconds from a failure to the next attempt. `failures`: how often it has failed by now; `random`: a number from 0
 * up to, but without, 1. Pure.
 */
export function backoffMs(figures: BackoffFigures, failures: number, random: number): number {
  const { jitter } = figures;
  const most = Math.min(figures.maxDelay, figures.delay * growth(figures, failures));
  return Math.round(jitter === 'full' ? most * random : most * (1 + jitter * (2 * random - 1)));
}

function growth({ backoff, factor }: BackoffFigures, failures: number): number {
  if (backoff === 'fixed') return 1;
  // Zero times infinity is no number.
  return backoff === 'linear' ? failures : Math.min(factor ** (failures - 1), Number.MAX_VALUE);
}

const failuresKey = 'failures';

/**
 * Makes a retry policy of a backoff. `retry: { … }` of `defineJob` does the same with the name `<definition>.retry`.
 *
 * After an error of the code the job is put back, so that it holds no slot while it waits. A job that no agent holds, such
 * as a callback, waits in its place. Failed commits and interruptions are answered as by the common policies.
 *
 * @example
 * ```ts
 * import { backoffPolicy } from 'signalbox';
 *
 * export const patient = backoffPolicy({ name: 'patient', maxAttempts: 10, delay: '5s', maxDelay: '10m' });
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`, `INVALID_NAME`.
 */
export function backoffPolicy({ name, ...given }: Backoff & { readonly name: string }): RetryPolicy {
  const figures = backoffFigures(given);
  const { retryIf = () => true } = given;
  const common = commonRetryPolicy({
    name,
    maxConflicts: 4,
    maxInterruptions: figures.maxInterruptions,
    retriesOtherCommitErrors: false,
  });
  return {
    ...common,
    async jobError(failure, cache, tools) {
      const failures = Number(cache.get(failuresKey) ?? 0) + 1;
      cache.set(failuresKey, failures);
      if (failures >= figures.maxAttempts || !retryIf(failure)) return false;
      const wait = backoffMs(figures, failures, tools.random());
      return afterWait(Math.max(wait, askedWaitMs(failure, tools.now()) ?? 0), tools);
    },
  };
}

const prefix = 'signalbox.backoff';
const order = [
  'backoff',
  'maxAttempts',
  'delay',
  'factor',
  'maxDelay',
  'jitter',
  'maxInterruptions',
] as const satisfies readonly (keyof BackoffFigures)[];

/**
 * The name of the policy of a backoff that is given for one job: its figures, so that every process knows it.
 * @throws SignalboxError `INVALID_OPTION` with `retryIf`, which no name can hold.
 */
export function backoffName(given: Backoff): string {
  const figures = backoffFigures(given);
  if (given.retryIf !== undefined) {
    const expected = 'absent where only a job is meant: pass backoffPolicy({ name, retryIf, … })';
    throw invalidOption('retryIf', expected, given.retryIf);
  }
  return [prefix, ...order.map((figure) => String(figures[figure]))].join(':');
}

/** The policy of such a name; null for every other name. */
export function backoffOfName(name: string): RetryPolicy | null {
  if (!name.startsWith(prefix)) return null;
  const [start, ...parts] = name.split(':');
  if (start !== prefix || parts.length !== order.length) return null;
  const given = Object.fromEntries(order.map((figure, index) => [figure, figureOf(parts[index] ?? '')]));
  try {
    return backoffPolicy({ ...(given as Backoff), name });
  } catch {
    // A name that only looks like one of these is unknown, as others are.
    return null;
  }
}

function figureOf(text: string): string | number | null {
  if (text === 'null') return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
}
