import { hash } from 'node:crypto';
import type { Json } from '../../../machines/json.ts';
import type { ScheduledJob } from '../../../machines/schedule.context.ts';
import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { checkAnnotationName } from '../../model/checks/names.ts';
import { newJobRecord, stepJob } from '../../model/jobs/step.ts';
import { keyOf } from '../../model/records/keys.ts';
import type { JobRecord, ScheduleRecord } from '../../model/records/records.ts';
import { scheduleLimit } from '../../model/records/system-names.ts';
import { idBeginning } from '../../model/values/ids.ts';
import { encodeValue, referredJobs } from '../../model/values/values.ts';
import { type Beginning, beginningMs, isDelay } from '../../time.ts';
import type { StagedChange } from '../commits/committer.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { carriedAnnotation, carriedBy } from '../environment/instruments.ts';
import { annotationChange } from '../jobs/annotations.ts';
import { contentOf, JobDrafts, storedJobOnly } from '../jobs/job-drafts.ts';
import { isDefinition, isJob, type JobLike } from '../jobs/job-like.ts';
import type { JobSettings } from '../jobs/job-settings.ts';

/** The queue and the name in the id of a schedule. */
export function partsOf(id: string): { readonly queue: string; readonly name: string } {
  const at = id.indexOf('/');
  return { queue: id.slice(0, at), name: id.slice(at + 1) };
}

/** The key that jobs of a schedule carry which wait for each other. */
export function keyOfSchedule(id: string): string {
  return keyOf(scheduleLimit, partsOf(id).name);
}

/** The id of the job of a tick: the same on every host, and of no other tick. */
export function tickJobId(schedule: string, tick: number): string {
  const digest = hash('sha256', `${schedule}\n${tick}`, 'base64url');
  return `${idBeginning(tick)}${digest.slice(0, 26)}`;
}

/**
 * What a draft says of the jobs that its schedule puts. The draft stays one.
 * @throws SignalboxError `INVALID_OPTION`, and what a put throws about a job.
 */
export async function scheduledJobOf(work: UnitOfWork, item: unknown): Promise<ScheduledJob> {
  const job = draftOf(item);
  const { id, annotations, beginAfter, deadline, ...settings } = job.settings;
  if (id !== undefined) throw invalidOption('id', 'absent: each tick has an id of its own', id);
  if (job.pendingCallbacks.length > 0)
    throw refused('a job without callbacks', `${job.pendingCallbacks.length} of them`);
  const drafts = new JobDrafts(work);
  const record = drafts.record(job, null, settings);
  await drafts.checked();
  if (record.args.some((arg) => referredJobs(arg).length > 0))
    throw refused('a job without jobs in its arguments', 'one');
  return {
    content: contentOf(record),
    delay: delayOf(beginAfter),
    deadline: deadlineOf(job, deadline),
    annotations: annotationsOf(work.context, annotations),
  };
}

function draftOf(item: unknown): JobLike {
  const job = isDefinition(item) ? item.partial() : item;
  if (!isJob(job)) throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(item) });
  if (job.isStored) throw refused('a job that is not stored', job.toString());
  return job;
}

function refused(expected: string, actual: string): SignalboxError {
  const repair = 'Let its code put what follows, or what it needs.';
  return new SignalboxError('INVALID_OPTION', { option: 'job', expected, actual, repair });
}

function delayOf(beginAfter: Beginning | null | undefined): number | null {
  if (beginAfter == null) return null;
  if (isDelay(beginAfter)) return beginningMs(beginAfter, 0, 'beginAfter');
  throw invalidOption('beginAfter', 'a delay after each tick, such as 5m', beginAfter);
}

function deadlineOf({ definition }: JobLike, given: Beginning | null | undefined): ScheduledJob['deadline'] {
  if (given === null) return null;
  if (given !== undefined)
    return isDelay(given)
      ? { after: beginningMs(given, 0, 'deadline') }
      : { at: beginningMs(given, 0, 'deadline') };
  return definition?.deadline == null ? null : { after: definition.deadline };
}

function annotationsOf(
  { limits }: RuntimeContext,
  given: JobSettings['annotations'] = {},
): ScheduledJob['annotations'] {
  const names = Object.keys(given);
  if (names.length > limits.annotations)
    throw invalidOption('annotations', `at most ${limits.annotations}`, names.length);
  if (names.length === 0) return null;
  const encoded: Record<string, Json> = {};
  for (const name of names) {
    checkAnnotationName(name);
    const path = `annotations[${JSON.stringify(name)}]`;
    encoded[name] = encodeValue(given[name], path, storedJobOnly, limits);
  }
  return encoded;
}

/** A job of a schedule, before it is put. Where they wait for each other, it carries the key of its schedule. */
export function jobOf({ id, figures, job }: ScheduleJobs, jobId: string, tick: number | null): JobRecord {
  const content = job.content as Pick<JobRecord, 'name'> & Partial<JobRecord>;
  const waits = figures.overlap === 'buffer' || figures.overlap === 'cancel';
  const keys = waits ? [...(content.keys ?? []), keyOfSchedule(id)] : (content.keys ?? null);
  return newJobRecord(jobId, { ...content, keys, origin: { schedule: id, tick } });
}

type ScheduleJobs = Pick<ScheduleRecord, 'id' | 'figures' | 'job'>;

/** A job that a schedule puts: as it is then, and the changes that put it. */
export interface PutOfSchedule {
  readonly job: JobRecord;
  readonly changes: readonly StagedChange[];
}

/** The put of one job of a schedule. `tick` is null beside its ticks. The definition need not be known. */
export function putOf(
  context: RuntimeContext,
  schedule: ScheduleJobs,
  id: string,
  tick: number | null,
): PutOfSchedule {
  const { queue } = partsOf(schedule.id);
  const { delay, deadline, annotations } = schedule.job;
  const job = jobOf(schedule, id, tick);
  const at = context.store.now();
  const beginAfter = at + (delay ?? 0);
  const until =
    deadline === null ? {} : { deadline: 'at' in deadline ? deadline.at : beginAfter + deadline.after };
  const step = stepJob(job, { type: 'job.put', queue, at, beginAfter, assigner: context.uuid, ...until });
  const changes: StagedChange[] = [{ ...step, patch: Object.assign(contentOf(job), step.patch) }];
  for (const name in annotations) changes.push(annotationChange(id, name, annotations[name] as Json));
  const carried = carriedBy(context, { id, name: job.name, queue });
  if (carried !== null) changes.push(annotationChange(id, carriedAnnotation, carried));
  return { job, changes };
}
