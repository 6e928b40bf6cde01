import type { Duration, Job } from '../index.ts';
import { checkOptions } from './check-options.ts';
import type { VirtualReactor } from './virtual-reactor.ts';

/** The options of a wait for jobs: how much virtual time they get. */
export interface JobsWaitOptions {
  /** How far each step moves time. Default 5 s: one poll. */
  readonly pollInterval?: Duration;
  /** The largest number of steps. Default 10. */
  readonly attempts?: number;
}

/**
 * Lets virtual time pass, poll by poll, until jobs are COMPLETED. Does not throw when the time is not enough:
 * returns the jobs that are not COMPLETED, an empty list when all are. Refreshes all of them.
 *
 * @example
 * ```ts
 * import { defineJob } from 'signalbox';
 * import { createTestBox, VirtualReactor, waitForJobs } from 'signalbox/testing';
 *
 * const tick = defineJob({ name: 'tick', run: () => 'tock' });
 * const reactor = new VirtualReactor();
 * const { box, tearDown } = await createTestBox({ reactor, jobs: [tick] });
 * const soon = await box.queue().put(tick(), { beginAfter: '20s' });
 * const late = await box.queue().put(tick(), { beginAfter: '1h' });
 * console.log((await waitForJobs(reactor, [soon])).length); // => 0
 * console.log((await waitForJobs(reactor, [soon, late])).map((job) => job.id === late.id)); // => [ true ]
 * await tearDown();
 * ```
 */
export async function waitForJobs(
  reactor: VirtualReactor,
  jobs: readonly Job<unknown>[],
  options: JobsWaitOptions = {},
): Promise<readonly Job<unknown>[]> {
  checkOptions(options, ['pollInterval', 'attempts']);
  const { pollInterval = '5s', attempts = 10 } = options;
  let open = jobs;
  for (let attempt = 0; attempt < attempts && open.length > 0; attempt += 1) {
    await reactor.advance(pollInterval);
    for (const job of open) await job.refresh();
    open = open.filter((job) => job.status !== 'COMPLETED');
  }
  return open;
}
