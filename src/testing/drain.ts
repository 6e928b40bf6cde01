import {
  BadStatusError,
  type Duration,
  type Job,
  type JobDefinition,
  type PutOptions,
  type Signalbox,
} from '../index.ts';
import { checkObject, checkOptions } from './check-options.ts';
import { within } from './within.ts';

/** The options of `drain`. */
export interface DrainOptions {
  /** Default `''`. */
  readonly queue?: string;
  /** Default 6 s. */
  readonly timeout?: Duration;
}

/** The options of `putInline`. */
export interface InlineOptions extends DrainOptions, Omit<PutOptions, 'id' | 'timeout'> {
  readonly id?: string;
}

/**
 * Drain mode: calls all due jobs of a queue here and now, one after the other, and the jobs that they put, until no due
 * job is left. No dispatcher needs to run, so no job runs before the test calls this. Jobs that are held for later or
 * whose quota is full stay in the queue.
 *
 * Times are those of the box's reactor: under a `VirtualReactor` write `await reactor.until(drain(box))`.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { drain } from 'signalbox/testing';
 *
 * const mail = defineJob({ name: 'mail', run: (whom: string) => `mailed ${whom}` });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [mail], queues: [''] });
 * const job = await box.queue().put(mail('Ada'));
 * console.log(job.status); // => PENDING
 * const called = await drain(box);
 * console.log(called.length, await job.result()); // => 1 mailed Ada
 * await box.stop();
 * ```
 *
 * @returns the jobs that it called, each once, in the order of their first calls.
 * @throws TimeoutError after `timeout`, for example when a job waits for a job in another queue.
 */
export async function drain(box: Signalbox, options: DrainOptions = {}): Promise<readonly Job<unknown>[]> {
  checkOptions(options, ['queue', 'timeout']);
  const { queue = '' } = options;
  const called = new Map<string, Job<unknown>>();
  let isOver = false;
  const draining = async (): Promise<void> => {
    while (!isOver) {
      const job = await box.queue(queue).claim();
      if (job === null) {
        const open = await stillOpen(called.values());
        if (open.length === 0) return;
        // The called jobs wait for jobs or promises: the first that ends may have put others.
        await Promise.race(open.map((each) => each.waitFor('COMPLETED')));
        continue;
      }
      called.set(job.id ?? '', job);
      await box.call(job).catch((error: unknown) => {
        // A job that failed while it waited is offered, and cannot be called.
        if (!(error instanceof BadStatusError)) throw error;
      });
    }
  };
  const what = (): string => `queue '${queue}' to be drained, with ${called.size} jobs called,`;
  await within(box.reactor, options.timeout, what, draining()).finally(() => {
    isOver = true;
  });
  return [...called.values()];
}

/**
 * Inline mode: puts a job and calls it before the put resolves, with everything that it puts in the same queue.
 * For tests that need the effect of a put, without dispatchers and agents.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { putInline } from 'signalbox/testing';
 *
 * const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [multiply], queues: [''] });
 * const job = await putInline(box, multiply(14, 3));
 * console.log(job.status, job.outcome); // => COMPLETED { ok: true, value: 42 }
 * await box.stop();
 * ```
 *
 * @returns the refreshed job: COMPLETED, unless it begins later.
 * @throws the errors of `queue.put` and `drain`.
 */
export async function putInline<Result>(
  box: Signalbox,
  item: Job<Result> | JobDefinition<readonly [], Result>,
  options: InlineOptions = {},
): Promise<Job<Result>> {
  checkObject(options);
  const { queue = '', timeout, ...put } = options;
  const job = await box.queue(queue).put(item, put);
  await drain(box, { queue, ...(timeout !== undefined && { timeout }) });
  return job.refresh();
}

async function stillOpen(jobs: Iterable<Job<unknown>>): Promise<Job<unknown>[]> {
  const open: Job<unknown>[] = [];
  for (const job of jobs) {
    await job.refresh();
    if (job.status === 'ACTIVE' || job.status === 'CALLBACKS') open.push(job);
  }
  return open;
}
