import { BadStatusError, SignalboxError } from '../../errors.ts';
import { afterStep, newJobRecord, statusOfState, stepJob } from '../../model/jobs/step.ts';
import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { isSystemJob, retriedAnnotation } from '../../model/records/system-names.ts';
import { queueOf } from '../../reading/job-place.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { type Beginning, beginningMs } from '../../time.ts';
import type { StagedChange } from '../commits/committer.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { keysFor } from '../definitions/job-limits.ts';
import { uniqueSettings } from '../definitions/unique-rule.ts';
import { contextAnnotation } from '../execution/attempt.ts';
import { annotationChange, ifAnnotatable } from '../jobs/annotations.ts';
import { contentOf, JobDrafts } from '../jobs/job-drafts.ts';
import { quotaFor, quotasOf } from '../jobs/limit-quotas.ts';
import { inTurns } from '../jobs/put-jobs.ts';
import { asNamed, type NamedJob, nameIn, UniqueNames } from '../jobs/unique-names.ts';

/** How an ended job is tried again. */
export interface RetryRequest {
  /** Other arguments; null: its own. */
  readonly args: readonly unknown[] | null;
  readonly at: Beginning | null;
}

/** The job that a retry gave: a new one, or the one that has its unique name. */
export interface Retried {
  readonly record: JobRecord;
  readonly result: PutResult;
}

/**
 * Puts a new job that is as one that has ended, in its queue. Both name each other, in one commit.
 * @throws SignalboxError `JOB_NOT_FOUND`, `UNKNOWN_DEFINITION`, and what a put throws; BadStatusError when it has not ended, is a
 * callback or a system job, or was in no queue.
 */
export async function retryJob(work: UnitOfWork, id: string, request: RetryRequest): Promise<Retried> {
  return inTurns(work, async (submitted) => {
    const old = await work.read('job', id);
    if (old === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    const queue = await mayBeRetried(work, old);
    const drafts = new JobDrafts(work);
    const job = jobLike(work, drafts, old, request);
    const named = nameOf(work, queue, job, old, request);
    const again = await putAgain(work, { queue, old, job, named });
    const { changes, expect } = again;
    if (changes.length === 0) {
      await work.context.store.settled();
      return again;
    }
    const submitting = work.submit([...changes, ...drafts.changes], [...expect, ...drafts.expect]);
    submitted();
    await submitting;
    drafts.attach();
    return { record: (await work.read('job', again.record.id)) ?? again.record, result: again.result };
  });
}

/** The queue of a job that has ended. */
async function mayBeRetried({ context }: UnitOfWork, job: JobRecord): Promise<string> {
  const refused = (repair: string): BadStatusError =>
    new BadStatusError({
      ...{ what: `job ${job.id}`, status: statusOfState(job.state), event: 'a retry', guards: [] },
      repair,
    });
  const { parent } = job;
  if (isSystemJob(job.name))
    throw refused('It is a job of Signalbox itself: retry the job that it is about.');
  if (parent !== null && ('job' in parent || 'proxy' in parent))
    throw refused(
      'It is a callback, which is called with the outcome of its job: put a job of its definition.',
    );
  if (job.outcome === null)
    throw refused('Only a job that has ended can be tried again: wait, or cancel it.');
  const queue = await queueOf(context.store, job);
  if (queue === null) throw refused('It was in no queue: put a job of its definition.');
  return queue;
}

/** A new job as another one, with other arguments if there are any. */
function jobLike(
  { context }: UnitOfWork,
  drafts: JobDrafts,
  old: JobRecord,
  { args, at }: RetryRequest,
): JobRecord {
  const { registry, ids, store } = context;
  const limits = args === null ? [] : registry.mustKnowName(old.name).limits;
  const { name, quotaNames, beginBy, priority, timeout, failureLogLevel, retryPolicy, tags } = old;
  return newJobRecord(ids.newId(), {
    ...{ name, quotaNames, beginBy, priority, timeout, failureLogLevel, retryPolicy, tags },
    args: args === null ? old.args : drafts.args(args),
    keys: args === null || limits.length === 0 ? old.keys : keysFor(limits, args),
    beginAfter: at === null ? null : beginningMs(at, store.now(), 'at'),
    origin: { retryOf: old.id },
  });
}

/** The unique name that it asks for: that of the old one, if the arguments are the same. */
function nameOf(
  { context }: UnitOfWork,
  queue: string,
  job: JobRecord,
  { uniqueKey }: JobRecord,
  { args }: RetryRequest,
): NamedJob | null {
  if (uniqueKey === null) return null;
  const settings = uniqueSettings({}, context.registry.definition(job.name)?.unique);
  if (settings === null) return null;
  return args === null ? { name: uniqueKey, settings } : nameIn(queue, settings, job, args);
}

interface Again {
  readonly queue: string;
  readonly old: JobRecord;
  readonly job: JobRecord;
  readonly named: NamedJob | null;
}

async function putAgain(
  work: UnitOfWork,
  { queue, old, job, named }: Again,
): Promise<
  Retried & { readonly changes: readonly StagedChange[]; readonly expect: readonly Precondition[] }
> {
  const { context } = work;
  const now = context.store.now();
  const wanted = named === null ? job : asNamed(job, named, now);
  const taking = named === null ? null : await new UniqueNames(work, now, true).ask(named, wanted);
  if (taking !== null && taking.result !== 'added')
    return { ...taking, record: taking.holder, result: taking.result };
  const begin = wanted.beginAfter ?? now;
  const period = await deadlineOf(work, old);
  const put = stepJob(wanted, {
    ...{ type: 'job.put', queue, at: now, beginAfter: begin, assigner: context.uuid },
    ...(period === null ? {} : { deadline: begin + period }),
  });
  const quotas = await missingQuotas(work, queue, wanted);
  const carried = await context.store.get('annotation', `${old.id}/${contextAnnotation}`);
  const { waiting: most } = context.limits;
  return {
    record: afterStep(wanted, put),
    result: 'added',
    changes: [
      { ...put, patch: { ...contentOf(wanted), ...put.patch } },
      ...(taking === null ? [] : [taking.change]),
      ...(carried === undefined ? [] : [annotationChange(job.id, contextAnnotation, carried.value)]),
      annotationChange(old.id, retriedAnnotation, job.id),
      ...quotas.changes,
    ],
    expect: [
      ...ifAnnotatable(context, old.id),
      ...(taking === null ? [] : [taking.expect]),
      ...(most < Number.POSITIVE_INFINITY
        ? [{ check: 'atMost', of: 'waiting', id: queue, most } as const]
        : []),
      ...quotas.expect,
    ],
  };
}

/** Milliseconds from the beginning of a job to its deadline, as it was put first; null: it had none, or that is forgotten. */
async function deadlineOf({ context }: UnitOfWork, job: JobRecord): Promise<number | null> {
  if (job.deadline === null) return null;
  for await (const { event, patch } of context.store.history('job', job.id))
    if (event === 'job.put' && patch?.deadline != null) return job.deadline - Number(patch.beginAfter ?? 0);
  return context.registry.definition(job.name)?.deadline ?? null;
}

async function missingQuotas(
  work: UnitOfWork,
  queue: string,
  { quotaNames, keys }: JobRecord,
): Promise<{ readonly changes: readonly Change[]; readonly expect: readonly Precondition[] }> {
  const changes: Change[] = [];
  const expect: Precondition[] = [];
  for (const quota of quotasOf(quotaNames, keys)) {
    const missing = await quotaFor(work, queue, quota);
    changes.push(...(missing?.changes ?? []));
    expect.push(...(missing?.expect ?? []));
  }
  return { changes, expect };
}
