import type { Json } from '../../../machines/json.ts';
import { invalidOption } from '../../errors.ts';
import { checkCount, checkKnown } from '../checks/check-options.ts';
import { checkName } from '../checks/names.ts';
import type { Failure } from '../values/failure.ts';
import {
  afterWait,
  type FailureKind,
  keptByDefault,
  kindOfFailure,
  type RetryCache,
  type RetryPolicy,
  type RetryTools,
} from './retry.ts';
import { askedWaitMs } from './retry-errors.ts';

const conflictKey = 'transaction_error';
const disconnectKey = 'disconnected';
const otherKey = 'other';

const askedKey = 'asked_waits';
/** How often the common policies wait for a job because its code asks for it. */
const mostAskedWaits = 25;

/** The figures of a common policy. */
export interface CommonRetryFigures {
  readonly name: string;
  /** Retries after a conflict in one call; null for no limit. */
  readonly maxConflicts: number | null;
  /** Retries after an interruption; null for no limit. */
  readonly maxInterruptions: number | null;
  /** Whether commit errors of other kinds are retried without limit, after 0, 1, 2 … 60 s. */
  readonly retriesOtherCommitErrors: boolean;
  /** Logs the first retry, and every retry whose number is a multiple of this. Default 5. */
  readonly logEvery?: number;
  /** Which failures are conflicts, and which are lost connections. Default: `kindOfFailure`. */
  readonly kindOf?: (failure: Failure) => FailureKind;
  /** Waits after lost connections. Default 5, 10 … 60 s. */
  readonly disconnectWaits?: GrowingWait;
  /** Waits after other commit errors. Default 0, 1, 2 … 60 s. */
  readonly otherCommitWaits?: GrowingWait;
}

/** Waits that grow from one retry to the next. Milliseconds. */
export interface GrowingWait {
  readonly first: number;
  readonly step: number;
  readonly max: number;
}

const figureNames = [
  'name',
  'maxConflicts',
  'maxInterruptions',
  'retriesOtherCommitErrors',
  'logEvery',
  'kindOf',
  'disconnectWaits',
  'otherCommitWaits',
] as const satisfies readonly (keyof CommonRetryFigures)[];

/** @throws SignalboxError `INVALID_OPTION`, `INVALID_NAME`. */
function checkFigures(figures: CommonRetryFigures): void {
  checkKnown(figures, figureNames);
  checkName(figures.name, 'the name of a retry policy');
  for (const option of ['maxConflicts', 'maxInterruptions'] as const)
    if (figures[option] !== null) checkCount(figures[option], option, 0, Number.POSITIVE_INFINITY);
  if (figures.logEvery !== undefined) checkCount(figures.logEvery, 'logEvery', 1, Number.POSITIVE_INFINITY);
  if (typeof figures.retriesOtherCommitErrors !== 'boolean')
    throw invalidOption('retriesOtherCommitErrors', 'true or false', figures.retriesOtherCommitErrors);
  if (figures.kindOf !== undefined && typeof figures.kindOf !== 'function')
    throw invalidOption('kindOf', 'a function', figures.kindOf);
  for (const option of ['disconnectWaits', 'otherCommitWaits'] as const) {
    const waits = figures[option];
    if (waits === undefined) continue;
    checkKnown(waits, ['first', 'step', 'max']);
    for (const part of ['first', 'step', 'max'] as const)
      if (!(waits[part] >= 0))
        throw invalidOption(`${option}.${part}`, 'milliseconds, zero or more', waits[part]);
  }
}

function waitMs(wait: GrowingWait, count: number): number {
  return Math.min(wait.max, wait.first + (count - 1) * wait.step);
}

/**
 * Makes a common policy from its figures.
 *
 * @example
 * ```ts
 * import { commonRetryPolicy } from 'signalbox';
 *
 * export const twiceOnly = commonRetryPolicy({
 *   name: 'twiceOnly',
 *   maxConflicts: 1,
 *   maxInterruptions: 1,
 *   retriesOtherCommitErrors: false,
 * });
 * ```
 */
export function commonRetryPolicy(figures: CommonRetryFigures): RetryPolicy {
  checkFigures(figures);
  const logEvery = figures.logEvery ?? 5;
  const kindOf = figures.kindOf ?? kindOfFailure;
  const disconnectWaits = figures.disconnectWaits ?? { first: 5000, step: 5000, max: 60_000 };
  const otherWaits = figures.otherCommitWaits ?? { first: 0, step: 1000, max: 60_000 };
  const isLogged = (count: number): boolean => count === 1 || count % logEvery === 0;

  async function decide(failure: Failure, cache: RetryCache, tools: RetryTools): Promise<boolean | null> {
    const kind = kindOf(failure);
    if (kind === 'other') return null;
    const key = kind === 'conflict' ? conflictKey : disconnectKey;
    const count = counted(cache, key, failure);
    if (kind === 'disconnect') {
      if (isLogged(count)) tools.trace('WARNING', `retry ${count} requested after a lost connection`);
      await tools.wait(waitMs(disconnectWaits, count));
      return true;
    }
    const again = figures.maxConflicts === null || count <= figures.maxConflicts;
    if (!again) tools.trace('WARNING', `retries given up after ${count} conflicts`);
    else if (isLogged(count)) tools.trace('WARNING', `retry ${count} requested after a conflict`);
    return again;
  }

  return {
    name: figures.name,
    async jobError(failure, cache, tools) {
      const wait = askedWaitMs(failure, tools.now());
      if (wait === null) return (await decide(failure, cache, tools)) ?? false;
      const count = Number(cache.get(askedKey) ?? 0) + 1;
      cache.set(askedKey, count);
      return count <= mostAskedWaits ? afterWait(wait, tools) : false;
    },
    async commitError(failure, cache, tools) {
      const answer = await decide(failure, cache, tools);
      if (answer !== null) return answer;
      if (!figures.retriesOtherCommitErrors) return false;
      const count = counted(cache, otherKey, failure);
      if (isLogged(count))
        tools.events('CRITICAL', `commit error ${count}: ${failure.name}: ${failure.message}`);
      const wait = waitMs(otherWaits, count);
      if (wait > 0) await tools.wait(wait);
      return true;
    },
    interrupted(data, tools) {
      const count = Number(data.interruptions ?? 0) + 1;
      const again = figures.maxInterruptions === null || count <= figures.maxInterruptions;
      if (!again) tools.trace('DEBUG', `retries given up after ${count} interruptions`);
      else if (isLogged(count)) tools.trace('DEBUG', `retry requested after interruption ${count}`);
      return { answer: again, data: { ...data, interruptions: count } };
    },
    updateData: keptByDefault,
  };
}

// Conflicts and lost connections are counted anew in each call of a job, and each call has a cache of its own.
const countsOfCalls = new WeakMap<RetryCache, Map<string, number>>();

function counted(cache: RetryCache, key: string, failure: Failure): number {
  const counts = countsOfCalls.get(cache) ?? new Map<string, number>();
  countsOfCalls.set(cache, counts);
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  cache.set(key, count);
  cache.set(`last_${key}`, failure.data as unknown as Json);
  return count;
}

/** The default of jobs: five attempts on conflicts, ten on interruptions, no limit on lost connections. */
export const RetryCommonFourTimes: RetryPolicy = commonRetryPolicy({
  name: 'RetryCommonFourTimes',
  maxConflicts: 4,
  maxInterruptions: 9,
  retriesOtherCommitErrors: false,
});

/** The default of callbacks and system jobs: retries conflicts, interruptions and commit errors without limit. */
export const RetryCommonForever: RetryPolicy = commonRetryPolicy({
  name: 'RetryCommonForever',
  maxConflicts: null,
  maxInterruptions: null,
  retriesOtherCommitErrors: true,
});

/** For jobs with effects outside the store: retries nothing. The start is synced before the code is called. */
export const NeverRetry: RetryPolicy = {
  name: 'NeverRetry',
  startsOnce: true,
  jobError: () => false,
  commitError: () => false,
  interrupted: (data) => ({
    answer: false,
    data: { ...data, interruptions: Number(data.interruptions ?? 0) + 1 },
  }),
  updateData: keptByDefault,
};
