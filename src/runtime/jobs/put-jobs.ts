import { SignalboxError, shown } from '../../errors.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { isDefinition, isJob, type JobLike } from './job-like.ts';
import { mustHaveQueue } from './named-settings.ts';
import { PutBatch, type PutOptions } from './put-batch.ts';

/** Puts what a caller gave in a queue. A draft that is refused stays as it was. */
export async function put(
  work: UnitOfWork,
  queue: string,
  item: unknown,
  options: PutOptions,
): Promise<JobLike> {
  const job = asJob(item);
  await mustHaveQueue(work, queue);
  await retryConflicts(5, async () => {
    const batch = new PutBatch(work, queue, options);
    await batch.add(job);
    await batch.submit();
  });
  return job;
}

/** Puts many in one commit: all or none. */
export async function putAll(
  work: UnitOfWork,
  queue: string,
  items: Iterable<unknown>,
  options: Omit<PutOptions, 'id'>,
): Promise<JobLike[]> {
  const given = [...items];
  const jobs: JobLike[] = [];
  await each(given, (item) => {
    jobs.push(asJob(item));
    return undefined;
  });
  await mustHaveQueue(work, queue);
  await retryConflicts(5, async () => {
    const batch = new PutBatch(work, queue, options);
    await each(jobs, (job) => batch.add(job));
    await batch.submit();
  });
  return jobs;
}

/** Among many, an error says which it means. */
async function each<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void> | undefined,
): Promise<void> {
  for (const [index, item] of items.entries()) {
    try {
      const pending = work(item);
      if (pending !== undefined) await pending;
    } catch (error) {
      if (error instanceof SignalboxError) error.message = `items[${index}]: ${error.message}`;
      throw error;
    }
  }
}

/** A job from what a caller gave. @throws SignalboxError `ANONYMOUS_FUNCTION`. */
function asJob(item: unknown): JobLike {
  if (isJob(item)) return item;
  if (isDefinition(item)) return item.partial();
  throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(item) });
}
