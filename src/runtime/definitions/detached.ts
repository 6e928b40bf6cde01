/** A promise that a job returned to free its worker: see `detached`. */
export class Detached<Result> {
  readonly promise: Promise<Result>;

  constructor(promise: Promise<Result>) {
    // Types do not keep anyone from passing a value, or something with a `then` of its own.
    this.promise = Promise.resolve(promise);
  }
}

/**
 * Returned from a job, lets the worker go while the promise is pending. The job stays ACTIVE and keeps its agent's
 * slot; what the promise settles to becomes its outcome. It lives in memory: after a crash the job is interrupted.
 *
 * @example
 * ```ts
 * import { defineJob, detached } from 'signalbox';
 *
 * export const fetchPage = defineJob({
 *   name: 'fetchPage',
 *   run: (url: string) => detached(fetch(url).then((response) => response.status)),
 * });
 * ```
 */
export function detached<Result>(promise: Promise<Result>): Detached<Result> {
  return new Detached(promise);
}
