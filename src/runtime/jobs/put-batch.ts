import type { ActorParent } from '../../../machines/actor.machine.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkQuotaNames } from '../../model/checks/names.ts';
import { afterStep, stepJob, type Transition, takeStep } from '../../model/jobs/step.ts';
import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { decodeValue } from '../../model/values/values.ts';
import { type Beginning, beginningMs } from '../../time.ts';
import type { StagedChange } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { type UniqueSettings, uniqueSettings } from '../definitions/unique-rule.ts';
import { carriedAnnotation, carriedBy } from '../environment/instruments.ts';
import { checkLogLevel } from '../environment/logging.ts';
import { alreadyStored, contentOf, isKnown, JobDrafts } from './job-drafts.ts';
import type { JobLike } from './job-like.ts';
import {
  changedSettings,
  deadlineOf,
  type JobSettings,
  jobSettings,
  keysWith,
  overridden,
} from './job-settings.ts';
import { type NamedQuota, quotaFor, quotasOf } from './limit-quotas.ts';
import { asNamed, type NameTaking, nameIn, UniqueNames } from './unique-names.ts';

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
    | 'tags'
    | 'unique'
    | 'id'
  > {
  /**
   * A connection of the package `pg` in an open transaction of yours: the job is put when that commits, and never was when
   * it is rolled back. The handle works from then on, and not through this connection. On a PostgreSQL store.
   */
  readonly client?: unknown;
}

/** What the runtime says beside what programs may. */
export interface InternalPutOptions extends PutOptions {
  /** The actor that gets the outcome as a message. */
  readonly reply?: ActorParent;
}

/** A handle that becomes that of a job which is stored. */
interface Found {
  readonly job: JobLike;
  readonly record: JobRecord;
  readonly result: PutResult;
}

/** Jobs that go into a queue in one commit. Nothing is written, and no draft is changed, before `submit`. */
export class PutBatch {
  /** The quotas that its jobs name, each with the place of the first such job. */
  readonly #quotas = new Map<string, NamedQuota & { readonly place: number }>();
  readonly #work: UnitOfWork;
  readonly #context: RuntimeContext;
  readonly #queue: string;
  readonly #isOne: boolean;
  readonly #options: PutOptions;
  readonly #changes: JobSettings | null;
  readonly #reply: ActorParent | null;
  readonly #drafts: JobDrafts;
  readonly #puts: StagedChange[] = [];
  /** Jobs that are stored already, and the handles that become theirs; null: none, as of most puts. */
  #found: Found[] | null = null;
  #stored: Set<string> | null = null;
  #names: UniqueNames | null = null;
  /** One commit is made at one instant: its jobs become ready together. */
  readonly #now: number;
  /** The place of the job that is added. */
  #place = -1;

  /** `isOne`: it gets one job. */
  constructor(
    work: UnitOfWork,
    queue: string,
    {
      client: _client,
      reply = null,
      ...options
    }: Omit<InternalPutOptions, 'reply'> & { reply?: ActorParent | null },
    isOne = false,
  ) {
    this.#reply = reply;
    checkKnown(options, jobSettings);
    this.#work = work;
    this.#context = work.context;
    this.#queue = queue;
    this.#isOne = isOne;
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
    if (this.#puts.length === 0) return this.#attachFound();
    const { waiting: most } = this.#context.limits;
    if (most < Number.POSITIVE_INFINITY)
      this.#drafts.expect.push({ check: 'atMost', of: 'waiting', id: this.#queue, most });
    await this.#work.submit([...this.#puts, ...this.#drafts.changes], this.#drafts.expect);
    this.#drafts.attach();
    if (this.#found !== null) await this.#attachFound();
  }

  /** What a caller learns of a job that was there is on disk. */
  async #attachFound(): Promise<void> {
    if (this.#found === null) return;
    if (this.#found.some(({ result }) => result !== 'added')) await this.#context.store.settled();
    for (const { job, record, result } of this.#found)
      job.attach(this.#work.handles, (await this.#work.read('job', record.id)) ?? record, result);
  }

  async #addNamed(job: JobLike, settings: JobSettings, id: string): Promise<void> {
    if (!(await isKnown(this.#work, job, id))) await this.#addDraft(job, settings);
  }

  #addDraft(job: JobLike, settings: JobSettings): Promise<void> | undefined {
    const { definition } = job;
    const unique =
      settings.unique === undefined
        ? definition?.unique
        : uniqueSettings(settings.unique, definition?.unique);
    if (unique != null) return this.#addUnique(job, settings, unique);
    const record = this.#drafts.record(job, null, settings);
    return this.#put(job, this.#reply === null ? record : { ...record, reply: this.#reply }, settings);
  }

  /** Nothing is left of a draft whose name is taken; what it was put with may go to the job that has the name. */
  async #addUnique(job: JobLike, settings: JobSettings, unique: UniqueSettings): Promise<void> {
    const undo = this.#drafts.mark();
    const draft = this.#drafts.record(job, null, settings);
    const checked = this.#drafts.checked();
    if (checked !== undefined) await checked;
    const named = nameIn(this.#queue, unique, draft, job.args);
    const record = asNamed(draft, named, this.#now);
    const taking = await this.#unique.ask(named, record);
    if (taking.result === 'added') {
      const pending = this.#put(job, record, settings);
      if (pending !== undefined) await pending;
      this.#take(taking);
      return;
    }
    if (taking.changes.length === 0) undo();
    this.#give(job, taking);
  }

  /** `record`: made for this put, which makes it the record of the handle. */
  #put(job: JobLike, record: JobRecord, settings: JobSettings): Promise<void> | undefined {
    const { deadline = deadlineOf(job.definition) } = settings;
    const step = this.#step(record, record.beginAfter, deadline, this.#now);
    const patch = contentOf(record);
    for (const key in step.patch) patch[key] = step.patch[key] as Json;
    const { kind, id, event, from, to, effects } = step;
    this.#puts.push({ kind, id, event, from, to, patch, effects, job: null });
    takeStep(record, step);
    if (record.uniqueKey !== null) this.#unique.put(record);
    this.#drafts.companions(job, record, this.#annotations(record, settings), 'added');
    this.#needQuotas(record.quotaNames, record.keys);
    return this.#drafts.checked();
  }

  #take({ change, expect }: Extract<NameTaking, { result: 'added' }>): void {
    this.#puts.push(change);
    this.#drafts.expect.push(expect);
  }

  /** The job that has the name gets what another one was put with, and its handle. */
  #give(job: JobLike, { holder, result, changes, expect }: Exclude<NameTaking, { result: 'added' }>): void {
    this.#puts.push(...changes);
    this.#drafts.expect.push(...expect);
    if (changes.length > 0) {
      const keys = changes.flatMap(({ patch }) => (patch?.keys ?? []) as readonly string[]);
      this.#needQuotas([], keys.length === 0 ? null : keys);
    }
    this.#finds({ job, record: holder, result });
  }

  #annotations({ id, name }: JobRecord, { annotations }: JobSettings): JobSettings['annotations'] {
    const carried = carriedBy(this.#context, { id, name, queue: this.#queue });
    return carried === null ? annotations : { ...annotations, [carriedAnnotation]: carried };
  }

  get #unique(): UniqueNames {
    this.#names ??= new UniqueNames(this.#work, this.#now, this.#isOne);
    return this.#names;
  }

  #finds(found: Found): void {
    this.#found ??= [];
    this.#found.push(found);
  }

  /** A job that was pulled, or stored NEW with another. */
  async #addStored(job: JobLike): Promise<void> {
    const options = this.#options;
    const { id } = job.record;
    if (this.#stored?.has(id)) throw alreadyStored(job);
    const record = await this.#work.readChecked('job', id);
    if (record === undefined) {
      if (job.withdraw()) return this.#add(job);
      throw new SignalboxError('JOB_NOT_FOUND', { id });
    }
    const now = this.#now;
    const beginAfter =
      options.beginAfter == null ? record.beginAfter : beginningMs(options.beginAfter, now, 'beginAfter');
    const definition = this.#context.registry.definition(record.name);
    const { deadline = deadlineOf(definition) } = options;
    checkLogLevel(options.failureLogLevel ?? null);
    const keys = keysWith(record.keys, options.keys);
    const quotaNames = checkQuotaNames(options.quotaNames ?? record.quotaNames);
    const others = { ...overridden(this.#context, options), ...(keys === record.keys ? {} : { keys }) };
    const unique = uniqueSettings(options.unique, definition?.unique);
    const wanted = await this.#named({ ...record, ...others, beginAfter } as JobRecord, unique);
    if (wanted.taking !== null && wanted.taking.result !== 'added') return this.#give(job, wanted.taking);
    const { uniqueKey } = wanted.record;
    const step = this.#step(record, wanted.record.beginAfter, deadline, now);
    const named = uniqueKey === record.uniqueKey ? {} : { uniqueKey };
    const put = { ...step, patch: { ...step.patch, ...others, ...named } };
    this.#puts.push(put);
    if (wanted.taking !== null) this.#take(wanted.taking);
    if (uniqueKey !== null) this.#unique.put(afterStep(record, put));
    this.#needQuotas(quotaNames, keys);
    this.#drafts.expect.push(ifUnchanged(record));
    this.#stored ??= new Set();
    this.#stored.add(id);
    this.#finds({ job, record, result: 'added' });
  }

  /** A stored job with the name that it asks for, and the answer; null: it asks for none. */
  async #named(
    record: JobRecord,
    unique: UniqueSettings | null,
  ): Promise<{ readonly record: JobRecord; readonly taking: NameTaking | null }> {
    if (unique === null) return { record: { ...record, uniqueKey: null }, taking: null };
    // Its code is not here, nor are the jobs in its arguments: a key sees their ids.
    const args = record.args.map((arg) => decodeValue(arg, (id) => ({ id })));
    const named = nameIn(this.#queue, unique, record, args);
    const wanted = asNamed(record, named, this.#now);
    return { record: wanted, taking: await this.#unique.ask(named, wanted) };
  }

  #needQuotas(names: readonly string[], keys: JobRecord['keys']): void {
    if (names.length === 0 && keys === null) return;
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
