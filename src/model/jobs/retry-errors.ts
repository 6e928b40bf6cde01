import { type Duration, durationMs, durationText, instantMs } from '../../time.ts';
import { checkName } from '../checks/names.ts';
import type { Failure } from '../values/failure.ts';

/**
 * Thrown by the code of a job when another attempt cannot help. No policy is asked: the job has failed.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore, UnrecoverableError } from 'signalbox';
 *
 * const charge = defineJob({
 *   name: 'charge',
 *   retry: { maxAttempts: 10 },
 *   run: (card: string) => {
 *     throw new UnrecoverableError(`card ${card} was reported stolen`);
 *   },
 * });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [charge] });
 * await box.start();
 * const job = await box.queue().put(charge('4711'));
 * await job.waitFor('COMPLETED');
 * console.log(job.ending, job.record.attempts); // => failed 1
 * await box.stop();
 * ```
 */
export class UnrecoverableError extends Error {
  override readonly name: string = 'UnrecoverableError';
  // Stored with the failure: a subclass may have another name.
  readonly unrecoverable = true;
}

/**
 * Thrown by the code of a job that knows when another attempt makes sense, from the header `Retry-After` for example.
 * The common policies and `retry: { … }` wait at least that long; `NeverRetry` does not.
 *
 * @example
 * ```ts
 * import { defineJob, RetryAfterError } from 'signalbox';
 *
 * export const fetchPage = defineJob({
 *   name: 'fetchPage',
 *   retry: { maxAttempts: 10 },
 *   run: async (url: string) => {
 *     const response = await fetch(url);
 *     if (response.status === 429) throw new RetryAfterError(`${response.headers.get('retry-after') ?? 60}s`);
 *     return response.text();
 *   },
 * });
 * ```
 *
 * With `limit`, one of the job's limits is closed until then, so that all jobs of the same key wait; and it counts as no attempt,
 * up to 25 times a job.
 *
 * @throws SignalboxError `INVALID_DURATION`, `INVALID_INSTANT`, `INVALID_NAME`.
 */
export class RetryAfterError extends Error {
  override readonly name: string = 'RetryAfterError';
  /** Stored with the failure: milliseconds, or the instant in epoch milliseconds, and the limit to close. */
  readonly retryAfter: ({ readonly ms: number } | { readonly at: number }) & { readonly limit?: string };

  constructor(after: Duration | Date, options: RetryAfterOptions = {}) {
    const wait =
      after instanceof Date ? { at: instantMs(after, 'after') } : { ms: durationMs(after, 'after') };
    const when = 'at' in wait ? `at ${new Date(wait.at).toISOString()}` : `after ${durationText(wait.ms)}`;
    const { limit, ...others } = options;
    super(`to be tried again ${when}`, others);
    this.retryAfter =
      limit === undefined ? wait : { ...wait, limit: checkName(limit, 'the name of a limit') };
  }
}

/** Options of a {@link RetryAfterError}. */
export interface RetryAfterOptions {
  readonly cause?: unknown;
  /** The name of a limit of the job. */
  readonly limit?: string;
}

/** The limit that the code has asked to close; null: none. */
export function limitToClose({ data }: Failure): string | null {
  const { retryAfter } = data.extra;
  if (typeof retryAfter !== 'object' || retryAfter === null) return null;
  const { limit } = retryAfter as { readonly limit?: unknown };
  return typeof limit === 'string' ? limit : null;
}

/** Whether another attempt cannot help: the code has said so, or there is none. */
export function isUnrecoverable({ name, code, data }: Failure): boolean {
  return name === 'UnrecoverableError' || code === 'THREAD_MODULE' || data.extra.unrecoverable === true;
}

/** The milliseconds that the code has asked to wait; null when it has not asked. Other libraries set texts and numbers. */
export function askedWaitMs({ data }: Failure, now: number): number | null {
  const { retryAfter } = data.extra;
  if (typeof retryAfter !== 'object' || retryAfter === null) return null;
  const { ms, at } = retryAfter as { readonly ms?: unknown; readonly at?: unknown };
  if (typeof ms === 'number') return Math.max(0, ms);
  return typeof at === 'number' ? Math.max(0, at - now) : null;
}
