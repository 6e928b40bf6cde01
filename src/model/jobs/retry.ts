import { isAgentPlace } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError, shown } from '../../errors.ts';
import { durationMs, isInstant } from '../../time.ts';
import type { JobRecord } from '../records/records.ts';
import type { Failure } from '../values/failure.ts';

/**
 * The answer of a retry policy: `true` retries at once, `false` gives up, a Date or `{ after }` puts the job back until
 * then; `{ after: 0 }` puts it at the front of its queue.
 */
export type RetryAnswer = boolean | Date | { readonly after: number | string };

/** Persistent data of a policy, stored with the job. */
export type RetryData = { readonly [key: string]: Json };

/** What a policy may read and use while it decides. */
export interface RetryTools {
  /** The number of the attempt that failed or was lost; the first is 1. */
  readonly attempt: number;
  /** What is stored with the job: a copy. */
  readonly data: RetryData;
  /** The job, as it was when the attempt began. */
  readonly job: JobRecord;
  /** The time of the store, in epoch milliseconds. */
  now(): number;
  /** Returns a number from 0 up to, but without, 1: see `createSignalbox({ random })`. */
  random(): number;
  /** Waits for some milliseconds and keeps the slot meanwhile. */
  wait(ms: number): Promise<void>;
  /** Writes a message to the trace log. */
  trace(level: 'DEBUG' | 'INFO' | 'WARNING', message: string): void;
  /** Writes a message to the events log. */
  events(level: 'CRITICAL', message: string): void;
}

/**
 * Decides whether a job is retried. Policies are registered by name; jobs store the name. For attempts at growing distances
 * no policy has to be written: see {@link Backoff}.
 *
 * @example
 * ```ts
 * import { NeverRetry, type RetryPolicy } from 'signalbox';
 *
 * // Three times after an hour, then once a day.
 * export const stubborn: RetryPolicy = {
 *   ...NeverRetry,
 *   name: 'stubborn',
 *   startsOnce: false,
 *   jobError: (_failure, cache) => {
 *     const failures = Number(cache.get('failures') ?? 0) + 1;
 *     cache.set('failures', failures);
 *     return { after: failures <= 3 ? '1h' : '1d' };
 *   },
 * };
 * ```
 */
export interface RetryPolicy {
  readonly name: string;
  /** Forbids a second run: the start is synced before the code is called. Default false. */
  readonly startsOnce?: boolean;
  /** `synced`: every start is on disk before the code is called, so that each one is counted. Default `written`. */
  readonly start?: 'written' | 'synced';
  /** Answers an error that the code threw. `cache`: see {@link RetryCache}. */
  jobError(failure: Failure, cache: RetryCache, tools: RetryTools): RetryAnswer | Promise<RetryAnswer>;
  /** Answers a commit of the result that failed. */
  commitError(failure: Failure, cache: RetryCache, tools: RetryTools): RetryAnswer | Promise<RetryAnswer>;
  /** Answers the loss of the process or its dispatcher while the job ran. Returns the answer and the data to store. */
  interrupted(data: RetryData, tools: RetryTools): { readonly answer: RetryAnswer; readonly data: RetryData };
  /**
   * Returns the data to store when the job ends or is put back. Null keeps the stored data. Default: the stored data, and over
   * it what is in the cache.
   */
  updateData?(data: RetryData, cache: RetryCache): RetryData | null;
}

/**
 * What a policy counts, shared by `jobError` and `commitError` of one call of a job. When an agent calls a job that was put
 * back, the cache has what was kept of the calls before; at the first call it is empty.
 */
export type RetryCache = Map<string, Json>;

/** What a policy keeps when it does not say: what it has stored, and over it what is in its cache. */
export function keptByDefault(data: RetryData, cache: RetryCache): RetryData | null {
  return cache.size === 0 ? null : { ...data, ...Object.fromEntries(cache) };
}

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

/**
 * The answer that lets this time pass. The job is put back, so that it holds no slot meanwhile; a job that no agent holds,
 * such as a callback, cannot be, and waits in its place.
 */
export async function afterWait(
  ms: number,
  { job, wait }: Pick<RetryTools, 'job' | 'wait'>,
): Promise<RetryAnswer> {
  if (job.parent !== null && isAgentPlace(job.parent)) return { after: ms };
  await wait(ms);
  return true;
}

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
