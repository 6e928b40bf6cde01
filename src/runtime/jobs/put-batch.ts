import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkQuotaNames } from '../../model/checks/names.ts';
import { checkPriority } from '../../model/jobs/priority.ts';
import { afterStep, stepJob, type Transition } from '../../model/jobs/step.ts';
import { limitOfKey } from '../../model/records/keys.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { type Beginning, beginningMs, durationMs } from '../../time.ts';
import type { StagedChange } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Definition } from '../definitions/definition.ts';
import { checkKeys, keysFor } from '../definitions/job-limits.ts';
import { carriedAnnotation, carriedBy } from '../environment/instruments.ts';
import { checkLogLevel } from '../environment/logging.ts';
import { alreadyStored, contentOf, JobDrafts } from './job-drafts.ts';
import type { JobLike } from './job-like.ts';
import { changedSettings, type JobSettings, jobSettings } from './job-settings.ts';
import { type NamedQuota, quotaFor, quotasOf } from './limit-quotas.ts';
import { policyName } from './named-settings.ts';

/** Settings that `put` may override. */
export interface PutOptions
  extends Pick<
    JobSettings,
    | 'beginAfter'
    | 'beginBy'
    | 'timeout'
    | 'deadline'
    | 'failureLogLevel'
    | 'priority'
    | 'retryPolicy'
    | 'quotaNames'
    | 'keys'
    | 'id'
  > {
  /**
   * A connection of the package `pg` in an open transaction of yours: the job is put when that commits, and never was when
   * it is rolled back. The handle works from then on, and not through this connection. On a PostgreSQL store.
   */
  readonly client?: unknown;
}

/** Jobs that go into a queue in one commit. Nothing is written, and no draft is changed, before `submit`. */
export class PutBatch {
  /** The quotas that its jobs name, each with the place of the first such job. */
  readonly #quotas = new Map<string, NamedQuota & { readonly place: number }>();
  readonly #work: UnitOfWork;
  readonly #context: RuntimeContext;
  readonly #queue: string;
  readonly #options: PutOptions;
  readonly #changes: JobSettings | null;
  readonly #drafts: JobDrafts;
  readonly #puts: StagedChange[] = [];
  readonly #stored = new Map<string, JobLike>();
  /** One commit is made at one instant: its jobs become ready together. */
  readonly #now: number;
  /** The place of the job that is added. */
  #place = -1;

  constructor(work: UnitOfWork, queue: string, { client: _client, ...options }: PutOptions) {
    checkKnown(options, jobSettings);
    this.#work = work;
    this.#context = work.context;
    this.#queue = queue;
    this.#now = work.context.store.now();
    this.#options = options;
    this.#drafts = new JobDrafts(work);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    this.#changes = given.length === 0 ? null : Object.fromEntries(given);
  }

  /** A draft without an id costs no promise: there may be thousands. */
  add(job: JobLike): Promise<void> | undefined {
    this.#place += 1;
    return this.#add(job);
  }

  #add(job: JobLike): Promise<void> | undefined {
    if (job.isStored) return this.#addStored(job);
    const settings = this.#changes === null ? job.settings : changedSettings(job.settings, this.#changes);
    if (settings.id !== undefined) return this.#addNamed(job, settings, settings.id);
    return this.#addDraft(job, settings);
  }

  get needsQuotas(): boolean {
    return this.#quotas.size > 0;
  }

  /** Checks the quotas that its jobs name, and makes those of definitions that are missing: call it before `submit`. */
  async findQuotas(about: (place: number, error: unknown) => unknown = (_, error) => error): Promise<void> {
    for (const quota of this.#quotas.values()) {
      const missing = await quotaFor(this.#work, this.#queue, quota).catch((error: unknown) => {
        throw about(quota.place, error);
      });
      if (missing === null) continue;
      this.#drafts.changes.push(...missing.changes);
      this.#drafts.expect.push(...missing.expect);
    }
  }

  async submit(): Promise<void> {
    if (this.#puts.length === 0) return;
    const { waiting: most } = this.#context.limits;
    if (most < Number.POSITIVE_INFINITY)
      this.#drafts.expect.push({ check: 'atMost', of: 'waiting', id: this.#queue, most });
    await this.#work.submit([...this.#puts, ...this.#drafts.changes], this.#drafts.expect);
    this.#drafts.attach();
    for (const [id, job] of this.#stored)
      job.attach(this.#work.handles, (await this.#work.read('job', id)) ?? job.record);
  }

  async #addNamed(job: JobLike, settings: JobSettings, id: string): Promise<void> {
    if (!(await isKnown(this.#work, job, id))) await this.#addDraft(job, settings);
  }

  #addDraft(job: JobLike, settings: JobSettings): Promise<void> | undefined {
    const record = this.#drafts.record(job, null, settings);
    const { deadline = deadlineOf(job.definition) } = settings;
    const step = this.#step(record, record.beginAfter, deadline, this.#now);
    const patch = contentOf(record);
    for (const key in step.patch) patch[key] = step.patch[key] as Json;
    const { kind, id, event, from, to, effects } = step;
    this.#puts.push({ kind, id, event, from, to, patch, effects, job: record });
    this.#drafts.companions(job, afterStep(record, step), this.#annotations(record, settings));
    this.#needQuotas(record.quotaNames, record.keys);
    return this.#drafts.checked();
  }

  #annotations({ id, name }: JobRecord, { annotations }: JobSettings): JobSettings['annotations'] {
    const carried = carriedBy(this.#context, { id, name, queue: this.#queue });
    return carried === null ? annotations : { ...annotations, [carriedAnnotation]: carried };
  }

  /** A job that was pulled, or stored NEW with another. */
  async #addStored(job: JobLike): Promise<void> {
    const options = this.#options;
    const { id } = job.record;
    if (this.#stored.has(id)) throw alreadyStored(job);
    const record = await this.#work.readChecked('job', id);
    if (record === undefined) {
      if (job.withdraw()) return this.#add(job);
      throw new SignalboxError('JOB_NOT_FOUND', { id });
    }
    const now = this.#now;
    const beginAfter =
      options.beginAfter == null ? record.beginAfter : beginningMs(options.beginAfter, now, 'beginAfter');
    const { deadline = deadlineOf(this.#context.registry.definition(record.name)) } = options;
    const step = this.#step(record, beginAfter, deadline, now);
    checkLogLevel(options.failureLogLevel ?? null);
    const keys = keysWith(record.keys, options.keys);
    this.#needQuotas(checkQuotaNames(options.quotaNames ?? record.quotaNames), keys);
    const others = { ...overridden(this.#context, options), ...(keys === record.keys ? {} : { keys }) };
    this.#puts.push({ ...step, patch: { ...step.patch, ...others } });
    this.#drafts.expect.push(ifUnchanged(record));
    this.#stored.set(id, job);
  }

  #needQuotas(names: readonly string[], keys: JobRecord['keys']): void {
    for (const quota of quotasOf(names, keys)) {
      const key = `${quota.keyed ? '#' : ''}${quota.name}`;
      if (!this.#quotas.has(key)) this.#quotas.set(key, { ...quota, place: this.#place });
    }
  }

  #step(record: JobRecord, beginAfter: number | null, deadline: Beginning | null, at: number): Transition {
    const begin = beginAfter ?? at;
    return stepJob(record, {
      type: 'job.put',
      queue: this.#queue,
      at,
      beginAfter: begin,
      assigner: this.#context.uuid,
      ...(deadline === null ? {} : { deadline: beginningMs(deadline, begin, 'deadline') }),
    });
  }
}

/**
 * Whether a job is stored under an id of the program: the same job under the same id is the repetition of a call whose outcome
 * was unknown. Then the draft becomes a handle on it. @throws SignalboxError `JOB_EXISTS` for another job.
 */
export async function isKnown(work: UnitOfWork, job: JobLike, id: string): Promise<boolean> {
  const present = await work.read('job', id);
  if (present === undefined) return false;
  const args = new JobDrafts(work).args(job.args);
  if (present.name !== job.name || JSON.stringify(present.args) !== JSON.stringify(args)) {
    throw new SignalboxError('JOB_EXISTS', { id });
  }
  await work.context.store.settled();
  job.attach(work.handles, present);
  return true;
}

/** The deadline of jobs of a definition: it counts from when they may begin. */
function deadlineOf(definition: Definition | null | undefined): Beginning | null {
  return definition?.deadline == null ? null : { after: definition.deadline };
}

/** The keys of a stored job, with others over them. */
function keysWith(keys: JobRecord['keys'], given: PutOptions['keys']): JobRecord['keys'] {
  if (given === undefined) return keys;
  checkKeys(given);
  const kept = (keys ?? []).filter((key) => !Object.hasOwn(given, limitOfKey(key)));
  return [...kept, ...(keysFor([], [], given) ?? [])];
}

/** The changes that options make in a stored job. */
function overridden({ registry }: RuntimeContext, options: PutOptions): { readonly [name: string]: Json } {
  return {
    ...(options.beginBy == null ? {} : { beginBy: durationMs(options.beginBy, 'beginBy') }),
    ...(options.timeout == null ? {} : { timeout: durationMs(options.timeout, 'timeout') }),
    ...(options.failureLogLevel == null ? {} : { failureLogLevel: options.failureLogLevel }),
    ...(options.priority === undefined ? {} : { priority: checkPriority(options.priority) }),
    ...(options.retryPolicy == null ? {} : { retryPolicy: policyName(registry, options.retryPolicy) }),
    ...(options.quotaNames === undefined ? {} : { quotaNames: [...options.quotaNames] }),
  };
}
