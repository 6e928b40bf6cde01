import { type Duration, Failure, type Job, type JobStatus, TimeoutError } from '../index.ts';
import { checkOptions, invalid } from './check-options.ts';
import { defaultTimeout } from './within.ts';

/** The options of a wait. Its limit counts in the time of the job's box. */
export interface WaitOptions {
  /** Default 6 s. */
  readonly timeout?: Duration;
}

/**
 * Waits until a job is started, and returns the refreshed job. Follows the journal, without polling.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { waitForStart } from 'signalbox/testing';
 *
 * const think = defineJob({ name: 'think', run: async () => 42 });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [think] });
 * await box.start();
 * const job = await waitForStart(await box.queue().put(think()));
 * console.log(job.activeStart instanceof Date); // => true
 * await box.stop();
 * ```
 *
 * @throws TimeoutError after `timeout`; it says the job's status and the likely reason.
 */
export async function waitForStart<Result>(
  job: Job<Result>,
  options: WaitOptions = {},
): Promise<Job<Result>> {
  await reached(job, 'ACTIVE', 'the start', options);
  return job;
}

/**
 * Waits until a job is COMPLETED, callbacks included, and returns its value, or its Failure. Follows the journal.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { waitForResult } from 'signalbox/testing';
 *
 * const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [multiply] });
 * await box.start();
 * console.log(await waitForResult(await box.queue().put(multiply(14, 3)))); // => 42
 * await box.stop();
 * ```
 *
 * @throws TimeoutError after `timeout`; it says the job's status and the likely reason.
 */
export async function waitForResult<Result>(
  job: Job<Result>,
  options: WaitOptions = {},
): Promise<Result | Failure> {
  await reached(job, 'COMPLETED', 'the completion', options);
  const { outcome } = job;
  if (outcome === null) return Failure.from(undefined);
  return outcome.ok ? outcome.value : outcome.failure;
}

/**
 * Waits until a job has an annotation, and returns its value. Follows the journal.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, local, memoryStore } from 'signalbox';
 * import { waitForAnnotation } from 'signalbox/testing';
 *
 * const greet = defineJob({ name: 'greet', run: () => local.setLiveAnnotation('hello', 'from inside!') });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [greet] });
 * await box.start();
 * console.log(await waitForAnnotation(await box.queue().put(greet()), 'hello')); // => from inside!
 * await box.stop();
 * ```
 *
 * @throws TimeoutError after `timeout`, or when the job is COMPLETED without it; it says the job's status and the likely reason.
 */
export async function waitForAnnotation(
  job: Job<unknown>,
  name: string,
  options: WaitOptions = {},
): Promise<unknown> {
  checkWait(job, options);
  const isThere = async (): Promise<boolean> => Object.hasOwn((await job.refresh()).annotations, name);
  const { unsubscribe, promise } = whenTouched(job, isThere);
  try {
    // A completed job has no further entries: one last check decides.
    const end = reached(job, 'COMPLETED', `annotation "${name}"`, options).then(isThere);
    if (await Promise.race([promise, end])) return job.annotations[name];
    throw timedOut(job, `annotation "${name}"`, options, {
      got: `status ${job.status} without it`,
      repair: 'Let the job set it before its code ends.',
    });
  } finally {
    unsubscribe();
  }
}

/** Checks once, and again after each entry of the job, until the check succeeds. */
function whenTouched(
  job: Job<unknown>,
  ask: () => Promise<boolean>,
): { readonly promise: Promise<true>; readonly unsubscribe: () => void } {
  let look: () => void = () => {};
  const { unsubscribe } = job.actorRef().subscribe(() => look());
  const promise = new Promise<true>((resolve, reject) => {
    look = () => {
      ask().then((answer) => {
        if (answer) resolve(true);
      }, reject);
    };
    look();
  });
  return { promise, unsubscribe };
}

async function reached(
  job: Job<unknown>,
  status: JobStatus,
  what: string,
  options: WaitOptions,
): Promise<void> {
  checkWait(job, options);
  try {
    await job.waitFor(status, { timeout: options.timeout ?? defaultTimeout });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    const { got, repair } = error.details;
    throw timedOut(job, what, options, { ...(got && { got }), ...(repair && { repair }) });
  }
}

function checkWait(job: Job<unknown>, options: WaitOptions): void {
  if (typeof (job as Partial<Job<unknown>> | null | undefined)?.waitFor !== 'function')
    throw invalid('job', 'a job', String(job));
  checkOptions(options, ['timeout']);
}

function timedOut(
  job: Job<unknown>,
  what: string,
  options: WaitOptions,
  reason: { readonly got?: string; readonly repair?: string },
): TimeoutError {
  const limit = `${options.timeout ?? defaultTimeout}`;
  return new TimeoutError({ what: `${what} of ${job}`, limit, ...reason });
}
