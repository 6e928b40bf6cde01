import { SignalboxError, shown } from '../../errors.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { alreadyStored, isKnown, JobDrafts } from './job-drafts.ts';
import { isDefinition, isJob, type JobLike } from './job-like.ts';
import { mustHaveQueue } from './named-settings.ts';
import { type InternalPutOptions, PutBatch, type PutOptions } from './put-batch.ts';

/** Puts what a caller gave in a queue. A draft that is refused stays as it was. */
export async function put(
  work: UnitOfWork,
  queue: string,
  item: unknown,
  options: InternalPutOptions,
): Promise<JobLike> {
  const job = asJob(item);
  const rules = work.context.rules.pending();
  if (rules !== null) await rules;
  // Within a larger commit a put that is not waited for must come too late, on every store.
  if (work.isPartial || !work.context.queues.has(queue)) await mustHaveQueue(work, queue);
  // A draft without an id relies on no record, unless it has a unique name, or a quota of its limits has to be made.
  const mayConflict =
    job.isStored ||
    options.id !== undefined ||
    job.settings.id !== undefined ||
    job.definition?.unique != null ||
    job.settings.unique != null ||
    options.unique != null ||
    (job.definition?.limits.length ?? 0) > 0;
  await (mayConflict
    ? inTurns(work, (submitted) => putOnce(work, queue, job, options, submitted))
    : putOnce(work, queue, job, options));
  return job;
}

/** How often a put is tried that meets conflicts. */
const mostPuts = 20;
/** How often it is tried without a turn. The second time most puts of a unique name find what the first of them has written, and write nothing. */
const mostAtOnce = 2;

/** Makes an attempt until it meets no conflict; after the second one in turn. It calls `submitted` when its commit is on its way. */
export function inTurns<Result>(
  work: UnitOfWork,
  attempt: (submitted: () => void) => Promise<Result>,
): Promise<Result> {
  let count = 0;
  return retryConflicts(mostPuts, async () => {
    count += 1;
    const done = count <= mostAtOnce ? nothing : await work.context.turns.next();
    try {
      return await attempt(done);
    } finally {
      done();
    }
  });
}

const nothing = (): void => {};

/** Each `await` costs a promise, also of what is there: a single put has few of them. */
async function putOnce(
  work: UnitOfWork,
  queue: string,
  job: JobLike,
  options: InternalPutOptions,
  submitted = nothing,
): Promise<void> {
  const batch = new PutBatch(work, queue, options, true);
  const pending = batch.add(job);
  if (pending !== undefined) await pending;
  if (batch.needsQuotas) await batch.findQuotas();
  const submitting = batch.submit();
  submitted();
  await submitting;
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
  const rules = work.context.rules.pending();
  if (rules !== null) await rules;
  await mustHaveQueue(work, queue);
  await inTurns(work, async (submitted) => {
    const batch = new PutBatch(work, queue, options);
    await each(jobs, (job) => batch.add(job));
    await batch.findQuotas(about);
    const submitting = batch.submit();
    submitted();
    await submitting;
  });
  return jobs;
}

/**
 * Stores what a caller gave NEW, in no queue: with its callbacks, and the jobs in its arguments.
 * @throws BadStatusError when it is stored.
 */
export async function storeNew(work: UnitOfWork, item: unknown): Promise<JobLike> {
  const job = asJob(item);
  if (job.isStored) throw alreadyStored(job, 'being stored a second time');
  const rules = work.context.rules.pending();
  if (rules !== null) await rules;
  await retryConflicts(5, async () => {
    const { id } = job.settings;
    if (id !== undefined && (await isKnown(work, job, id))) return;
    const drafts = new JobDrafts(work);
    drafts.store(job, null);
    const pending = drafts.checked();
    if (pending !== undefined) await pending;
    await work.submit(drafts.changes, drafts.expect);
    drafts.attach();
  });
  return job;
}

/** Among many, an error says which it means. */
async function each<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void> | undefined,
): Promise<void> {
  for (let index = 0; index < items.length; index += 1) {
    try {
      const pending = work(items[index] as Item);
      if (pending !== undefined) await pending;
    } catch (error) {
      throw about(index, error);
    }
  }
}

/** The error, which begins with the place of what it is about. */
function about(place: number, error: unknown): unknown {
  if (error instanceof SignalboxError) error.message = `items[${place}]: ${error.message}`;
  return error;
}

/** A job from what a caller gave. @throws SignalboxError `ANONYMOUS_FUNCTION`. */
function asJob(item: unknown): JobLike {
  if (isJob(item)) return item;
  if (isDefinition(item)) return item.partial();
  throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(item) });
}
