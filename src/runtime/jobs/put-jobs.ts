import { SignalboxError, shown } from '../../errors.ts';
import { fiveTimes } from '../commits/retry.ts';
import type { Unit } from '../commits/unit-of-work.ts';
import type { Job } from '../handles/job.ts';
import { isDefinition, isJob } from './job-like.ts';
import { PutBatch, type PutOptions } from './put-batch.ts';

/** Puts what a caller gave in a queue. A draft that is refused stays as it was. */
export async function put<Result>(
  unit: Unit,
  queue: string,
  item: unknown,
  options: PutOptions,
): Promise<Job<Result>> {
  const job = asJob<Result>(item);
  await unit.engine.mustHaveQueue(unit, queue);
  await fiveTimes(async () => {
    const batch = new PutBatch(unit, queue, options);
    await batch.add(job);
    await batch.submit();
  });
  return job;
}

/** Puts many in one commit: all or none. */
export async function putAll<Result>(
  unit: Unit,
  queue: string,
  items: Iterable<unknown>,
  options: Omit<PutOptions, 'id'>,
): Promise<Job<Result>[]> {
  const given = [...items];
  const jobs: Job<Result>[] = [];
  await each(given, (item) => {
    jobs.push(asJob<Result>(item));
    return undefined;
  });
  await unit.engine.mustHaveQueue(unit, queue);
  await fiveTimes(async () => {
    const batch = new PutBatch(unit, queue, options);
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
function asJob<Result>(item: unknown): Job<Result> {
  if (isJob(item)) return item as Job<Result>;
  if (isDefinition(item)) return item.partial() as Job<Result>;
  throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(item) });
}
