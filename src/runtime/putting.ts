import type { Json } from '../../machines/json.ts';
import { SignalboxError, shown } from '../errors.ts';
import { checkQuotaNames } from '../model/names.ts';
import type { JobRecord } from '../model/records.ts';
import { stepJob, type Transition } from '../model/step.ts';
import { beginningMs, durationMs } from '../time.ts';
import { isDefinition, isJob } from './brands.ts';
import { contentOf, Drafts } from './drafts.ts';
import type { Engine } from './engine.ts';
import { fiveTimes } from './five-times.ts';
import type { Job } from './job.ts';
import { changedSettings, type JobSettings } from './job-settings.ts';
import { checkLogLevel } from './logging.ts';
import type { Unit } from './unit.ts';

/** What `put` may override. */
export type PutOptions = Pick<
  JobSettings,
  'beginAfter' | 'beginBy' | 'failureLogLevel' | 'retryPolicy' | 'quotaNames' | 'id'
>;

/** Puts what a caller gave in a queue. A draft that is refused stays as it was. */
export async function put<Result>(
  unit: Unit,
  queue: string,
  item: unknown,
  options: PutOptions,
): Promise<Job<Result>> {
  const job = asJob<Result>(item);
  await unit.engine.mustHaveQueue(unit, queue);
  if (job.isStored) await putStored(unit, queue, job, options);
  else await putDraft(unit, queue, job, changedSettings(job.settings, given(options)));
  return job;
}

/** A job from what a caller gave. @throws SignalboxError `ANONYMOUS_FUNCTION`. */
function asJob<Result>(item: unknown): Job<Result> {
  if (isJob(item)) return item as Job<Result>;
  if (isDefinition(item)) return item.partial() as Job<Result>;
  throw new SignalboxError('ANONYMOUS_FUNCTION', { actual: shown(item) });
}

function given(options: PutOptions): JobSettings {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function putDraft(unit: Unit, queue: string, job: Job<unknown>, settings: JobSettings): Promise<void> {
  const { engine } = unit;
  if (settings.id !== undefined && (await isAlreadyPut(unit, job, settings.id))) return;
  const drafts = new Drafts(unit);
  const record = drafts.record(job, null, settings);
  await engine.mustHaveQuotas(queue, record.quotaNames, unit);
  const step = stepPut(engine, queue, record, record.beginAfter, engine.now());
  const made = { ...step, patch: { ...contentOf(record), ...step.patch } };
  const left = { ...record, ...(made.patch as Partial<JobRecord>), state: 'pending' as const };
  drafts.companions(job, left, settings.annotations);
  await unit.submit([made, ...drafts.made], drafts.expect);
  drafts.attach();
}

/** The same job under the same id is the repetition of a put whose outcome was unknown. */
async function isAlreadyPut(unit: Unit, job: Job<unknown>, id: string): Promise<boolean> {
  const present = await unit.peek('job', id);
  if (present === undefined) return false;
  const args = new Drafts(unit).args(job.args);
  if (present.name !== job.name || JSON.stringify(present.args) !== JSON.stringify(args)) {
    throw new SignalboxError('JOB_EXISTS', { id });
  }
  await unit.engine.store.settled();
  job.attach(unit, present);
  return true;
}

/** A job that was pulled, or stored NEW with another. */
async function putStored(unit: Unit, queue: string, job: Job<unknown>, options: PutOptions): Promise<void> {
  const { engine } = unit;
  await fiveTimes(async () => {
    const record = await unit.get('job', job.record.id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: job.record.id });
    const now = engine.now();
    const beginAfter =
      options.beginAfter == null ? record.beginAfter : beginningMs(options.beginAfter, now, 'beginAfter');
    const step = stepPut(engine, queue, record, beginAfter, now);
    checkLogLevel(options.failureLogLevel ?? null);
    await engine.mustHaveQuotas(queue, checkQuotaNames(options.quotaNames ?? record.quotaNames), unit);
    await unit.submit(
      [{ ...step, patch: { ...step.patch, ...overridden(engine, options) } }],
      [{ what: 'rev', kind: 'job', id: record.id, rev: record.rev }],
    );
    job.attach(unit, (await unit.peek('job', record.id)) ?? record);
  });
}

function stepPut(
  engine: Engine,
  queue: string,
  record: JobRecord,
  beginAfter: number | null,
  at: number,
): Transition {
  const begin = beginAfter ?? at;
  return stepJob(record, { type: 'job.put', queue, at, beginAfter: begin, assigner: engine.uuid });
}

/** What the options change in a stored job. */
function overridden(engine: Engine, options: PutOptions): { readonly [name: string]: Json } {
  return {
    ...(options.beginBy == null ? {} : { beginBy: durationMs(options.beginBy, 'beginBy') }),
    ...(options.failureLogLevel == null ? {} : { failureLogLevel: options.failureLogLevel }),
    ...(options.retryPolicy == null ? {} : { retryPolicy: engine.policyName(options.retryPolicy) }),
    ...(options.quotaNames === undefined ? {} : { quotaNames: [...options.quotaNames] }),
  };
}
