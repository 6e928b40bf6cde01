import type { Json } from '../../../machines/json.ts';
import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { durationMs, isInstant } from '../../time.ts';
import { checkCount, checkKnown } from '../checks/check-options.ts';
import { checkName } from '../checks/names.ts';
import type { Failure } from '../values/failure.ts';

/**
 * The answer of a retry policy: `true` retries at once, `false` gives up, a Date or `{ after }` puts the job back until
 * then; `{ after: 0 }` puts it at the front of its queue.
 */
export type RetryAnswer = boolean | Date | { readonly after: number | string };

/** Persistent data of a policy, stored with the job. */
export type RetryData = { readonly [key: string]: Json };

/** What a policy may use while it decides. */
export interface RetryTools {
  /** Waits for some milliseconds and keeps the slot meanwhile. */
  wait(ms: number): Promise<void>;
  /** Writes a message to the trace log. */
  trace(level: 'INFO' | 'WARNING', message: string): void;
  /** Writes a message to the events log. */
  events(level: 'CRITICAL', message: string): void;
}

/**
 * Decides whether a job is retried. Policies are registered by name; jobs store the name.
 *
 * @example
 * ```ts
 * import { NeverRetry, type RetryPolicy } from 'signalbox';
 *
 * export const oncePerHour: RetryPolicy = {
 *   ...NeverRetry,
 *   name: 'oncePerHour',
 *   startsOnce: false,
 *   jobError: () => ({ after: '1h' }),
 * };
 * ```
 */
export interface RetryPolicy {
  readonly name: string;
  /** Forbids a second run: the start is synced before the code is called. Default false. */
  readonly startsOnce?: boolean;
  /** `synced`: every start is on disk before the code is called, so that each one is counted. Default `written`. */
  readonly start?: 'written' | 'synced';
  /** Answers an error that the code threw. `cache` lives as long as this call of the job. */
  jobError(failure: Failure, cache: RetryCache, tools: RetryTools): RetryAnswer | Promise<RetryAnswer>;
  /** Answers a commit of the result that failed. */
  commitError(failure: Failure, cache: RetryCache, tools: RetryTools): RetryAnswer | Promise<RetryAnswer>;
  /** Answers the loss of the process or its dispatcher while the job ran. Returns the answer and the data to store. */
  interrupted(data: RetryData, tools: RetryTools): { readonly answer: RetryAnswer; readonly data: RetryData };
  /** Returns the data to store with the outcome. Null keeps the stored data. */
  updateData(data: RetryData, cache: RetryCache): RetryData | null;
}

/** Refuses what is not a policy. A missing method means: do not retry. @throws SignalboxError `INVALID_…`. */
export function checkPolicy(policy: unknown): RetryPolicy {
  if (typeof policy !== 'object' || policy === null || !('name' in policy)) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'retry policy',
      expected: 'an object with a name and methods',
      actual: shown(policy),
      repair: "Write { ...NeverRetry, name: 'mine', jobError }, or pass commonRetryPolicy(figures).",
    });
  }
  checkName(policy.name, 'the name of a retry policy');
  return policy as RetryPolicy;
}

/** Refuses what is neither a policy nor the name of a policy. @throws SignalboxError `INVALID_…`. */
export function checkPolicyOrName(policy: unknown): RetryPolicy | string {
  return typeof policy === 'string' ? checkName(policy, 'the name of a retry policy') : checkPolicy(policy);
}

/** Counts and failures of one call of a job, shared by `jobError` and `commitError`. Empty at the start of a call. */
export type RetryCache = Map<string, Json>;

/**
 * Returns the instant until which an answer puts a job back; null for the front of its queue, which is the answer of a
 * delay of zero or less and of a Date that has passed.
 *
 * @throws SignalboxError `INVALID_OPTION` for anything but a Date or `{ after }`, and for an instant that no
 * Date can hold.
 */
export function putBackAt(answer: RetryAnswer, now: number): number | null {
  const at = instantOf(answer, now);
  if (at === null || (at > now && !isInstant(at))) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'the answer of a retry policy',
      expected: 'true, false, a Date or { after }',
      actual: shown(answer),
    });
  }
  return at > now ? at : null;
}

function instantOf(answer: RetryAnswer, now: number): number | null {
  if (typeof answer !== 'object' || answer === null) return null;
  if (answer instanceof Date) return Number.isNaN(answer.getTime()) ? null : answer.getTime();
  if (typeof answer.after === 'number') return Number.isFinite(answer.after) ? now + answer.after : null;
  return typeof answer.after === 'string' ? now + durationMs(answer.after, 'after') : null;
}

const conflictKey = 'transaction_error';
const disconnectKey = 'disconnected';
const otherKey = 'other';

/** Error codes of a lost connection or a store that did not answer. */
const disconnectCodes: readonly string[] = [
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'STORE_DISCONNECTED',
];

/** The kinds of failure that a policy distinguishes. */
export type FailureKind = 'conflict' | 'disconnect' | 'other';

/** Whether a start must be on disk before the code is called. */
export function startsSynced(policy: RetryPolicy): boolean {
  return policy.startsOnce === true || policy.start === 'synced';
}

/** The kind of a failure: a conflict, a lost connection, or anything else. */
export function kindOfFailure(failure: Failure): FailureKind {
  if (failure.name === 'ConflictError' || failure.code === 'CONFLICT') return 'conflict';
  return failure.code !== null && disconnectCodes.includes(failure.code) ? 'disconnect' : 'other';
}

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
      return (await decide(failure, cache, tools)) ?? false;
    },
    async commitError(failure, cache, tools) {
      const answer = await decide(failure, cache, tools);
      if (answer !== null) return answer;
      if (!figures.retriesOtherCommitErrors) return false;
      const count = counted(cache, otherKey, failure);
      if (isLogged(count)) tools.events('CRITICAL', `commit error ${count}: ${failure.text('brief')}`);
      const wait = waitMs(otherWaits, count);
      if (wait > 0) await tools.wait(wait);
      return true;
    },
    interrupted(data, tools) {
      const count = Number(data.interruptions ?? 0) + 1;
      const again = figures.maxInterruptions === null || count <= figures.maxInterruptions;
      if (!again) tools.trace('INFO', `retries given up after ${count} interruptions`);
      else if (isLogged(count)) tools.trace('INFO', `retry requested after interruption ${count}`);
      return { answer: again, data: { ...data, interruptions: count } };
    },
    updateData(data, cache) {
      return cache.size === 0 ? null : { ...data, ...Object.fromEntries(cache) };
    },
  };
}

function counted(cache: RetryCache, key: string, failure: Failure): number {
  const count = Number(cache.get(key) ?? 0) + 1;
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
  updateData: () => null,
};
