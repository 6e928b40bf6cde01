/*
 * Room: jobs.
 *
 * Owns: From drafts to records: what a program made with `defineJob` becomes changes of one commit, with its
 *   callbacks, its annotations and the jobs in its arguments. Puts, changes of stored jobs, and the system
 *   job that replaces an expired one. JobLike is what the runtime needs of the public class `Job`.
 *
 * Invariant: Everything is checked before anything is written, and a draft whose commit is refused is
 *   unchanged.
 *
 * May import: environment, definitions, commits.
 */
import type { Place } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { BadStatusError, SignalboxError } from '../../errors.ts';
import { checkAnnotationName } from '../../model/checks/names.ts';
import { checkPriority } from '../../model/jobs/priority.ts';
import { newJobRecord, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { JobRecord, ProxyRecord } from '../../model/records/records.ts';
import { isSystemName, systemNames } from '../../model/records/system-names.ts';
import { encodeArgs, encodeValue, referredJobs } from '../../model/values/values.ts';
import type { Change, Precondition } from '../../store/store.ts';
import { beginningMs, durationMs } from '../../time.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Definition } from '../definitions/definition.ts';
import { keysFor } from '../definitions/job-limits.ts';
import { checkInput } from '../definitions/validation.ts';
import { checkLogLevel } from '../environment/logging.ts';
import { annotationChange } from './annotations.ts';
import { isJob, type JobLike, type PendingCallback, type ProxyLike } from './job-like.ts';
import { type JobSettings, tagsOf } from './job-settings.ts';
import { policyName } from './named-settings.ts';

const none: readonly never[] = Object.freeze([]);

/** The reference of a stored job; a job that is not stored yet has none. */
export function storedJobOnly(value: object): string | null {
  return isJob(value) && value.isStored ? value.id : null;
}

/**
 * Turns drafts into records: a job, the jobs in its arguments, and their callbacks, all for one commit. Everything
 * is checked before anything is written; `attach` makes the drafts handles once it is.
 */
export class JobDrafts {
  readonly changes: Change[] = [];
  readonly expect: Precondition[] = [];
  readonly #work: UnitOfWork;
  readonly #attached: (() => void)[] = [];
  readonly #ids = new Map<JobLike, string>();
  #pending: Promise<void> | undefined;

  constructor(work: UnitOfWork) {
    this.#work = work;
  }

  /** Call when the commit has been made. */
  attach(): void {
    for (const attach of this.#attached) attach();
  }

  /**
   * Resolves when asynchronous schemas have accepted what was made until now; undefined: there are none. Call it before the commit.
   * @throws SignalboxError `ARGS_INVALID`.
   */
  checked(): Promise<void> | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  /** Lets the schema of a definition look at arguments. @throws SignalboxError `ARGS_INVALID`. */
  check(definition: Definition, args: readonly unknown[]): void {
    const pending = checkInput(definition, args);
    if (pending === undefined) return;
    const before = this.#pending;
    this.#pending = before === undefined ? pending : Promise.all([before, pending]).then(() => {});
    // Another error may come first.
    this.#pending.catch(() => {});
  }

  /** Returns what takes back all that is added from now on. */
  mark(): () => void {
    const [changes, expect, attached] = [this.changes.length, this.expect.length, this.#attached.length];
    const known = this.#ids.size;
    return () => {
      this.changes.length = changes;
      this.expect.length = expect;
      this.#attached.length = attached;
      for (const job of [...this.#ids.keys()].slice(known)) this.#ids.delete(job);
    };
  }

  /** Arguments as they are stored; drafts among them are stored NEW in the same commit. */
  args(args: readonly unknown[]): readonly Json[] {
    return encodeArgs(args, (value) => this.#refer(value), this.#work.context.limits);
  }

  /** The record of a draft, in status NEW, not yet among the changes: a put steps it first. */
  record(job: JobLike, place: Place | null, settings: JobSettings = job.settings): JobRecord {
    const { definition } = job;
    const { registry, ids, store } = this.#work.context;
    if (definition === null || job.isStored || this.#ids.has(job))
      throw place === null ? alreadyStored(job) : callbackTaken(job);
    registry.mustKnow(definition);
    checkLogLevel(settings.failureLogLevel ?? null);
    const id = settings.id ?? ids.newId();
    this.#ids.set(job, id);
    const { beginAfter, beginBy, timeout = definition.timeout } = settings;
    const record = newJobRecord(id, {
      name: definition.name,
      args: this.args(job.args),
      quotaNames: quotaNamesOf(definition, settings, place),
      keys: place === null ? keysFor(definition.limits, job.args, settings.keys) : null,
      priority: settings.priority === undefined ? definition.priority : checkPriority(settings.priority),
      beginAfter:
        beginAfter === undefined || beginAfter === null
          ? null
          : beginningMs(beginAfter, store.now(), 'beginAfter'),
      beginBy: beginBy === undefined || beginBy === null ? null : durationMs(beginBy, 'beginBy'),
      timeout: timeout === null ? null : durationMs(timeout, 'timeout'),
      failureLogLevel: settings.failureLogLevel ?? null,
      retryPolicy: policyName(registry, settings.retryPolicy ?? null),
      tags: tagsOf(definition, job.args, settings.tags),
      parent: place,
      line: place === null ? null : 'callback',
    });
    // A callback has its argument only when it is called. Values that cannot be stored reach no schema.
    if (place === null) this.check(definition, job.args);
    if (settings.id !== undefined) this.expect.push({ check: 'rev', kind: 'job', id, rev: 0 });
    return record;
  }

  /**
   * Everything that is stored with a record: its annotations and its callbacks. `record` is as the commit leaves it; `putResult`:
   * what its put does.
   */
  companions(
    job: JobLike,
    record: JobRecord,
    annotations = job.settings.annotations,
    putResult: PutResult | null = null,
  ): void {
    const { limits } = this.#work.context;
    refuseTooMany(
      'annotations',
      record.id,
      limits.annotations,
      annotations === undefined ? 0 : Object.keys(annotations).length,
    );
    refuseTooMany('callbacks', record.id, limits.callbacks, job.pendingCallbacks.length);
    for (const [name, value] of annotations === undefined ? none : Object.entries(annotations)) {
      checkAnnotationName(name);
      const path = `annotations[${JSON.stringify(name)}]`;
      const encoded = encodeValue(value, path, (inner) => this.#refer(inner), limits);
      this.changes.push(annotationChange(record.id, name, encoded));
    }
    for (const callback of job.pendingCallbacks) this.callback(callback, record.id);
    this.#attached.push(() => job.attach(this.#work.handles, record, putResult));
  }

  /** Stores a draft NEW, at a place or nowhere. Returns its record. */
  store(job: JobLike, place: Place | null, event = 'job.new'): JobRecord {
    const record = this.record(job, place);
    this.changes.push(creation(record, event));
    this.companions(job, record);
    return record;
  }

  /** Stores a callback of a job, or a proxy of some. Returns its id. */
  callback(callback: PendingCallback, parent: string): string {
    if ('job' in callback) return this.store(callback.job, { job: parent }, 'callback.add').id;
    return this.#proxy(callback.proxy, parent);
  }

  /**
   * Stores a callback of a proxy that is undecided: it moves to the chosen job, see callback-choice.ts. Only jobs move, so a
   * proxy becomes the callback of a job that passes the outcome on.
   */
  proxyCallback(callback: PendingCallback, proxy: string): void {
    const parent: Place = { proxy };
    if ('job' in callback) {
      this.store(callback.job, parent, 'callback.add');
      return;
    }
    const id = this.#work.context.ids.newId();
    const pass = newJobRecord(id, { name: systemNames.pass, parent, line: 'callback' });
    this.changes.push(creation(pass, 'callback.add'));
    this.#proxy(callback.proxy, id);
  }

  #proxy(proxy: ProxyLike, parent: string): string {
    const id = this.#work.context.ids.newId();
    const branch = (job: JobLike | null): string | null =>
      job === null ? null : this.store(job, { proxy: id }, 'callback.add').id;
    const record: ProxyRecord = {
      id,
      v: 1,
      rev: 0,
      lastSeq: 0,
      createdSeq: 0,
      parent: { job: parent },
      branches: proxy.branches.map(({ when, job }) => ({ when: when.conditionName, job: branch(job) })),
      otherwise: branch(proxy.otherwise),
      chosen: null,
    };
    const { v: _v, rev: _rev, lastSeq: _lastSeq, createdSeq: _createdSeq, id: _id, ...patch } = record;
    this.changes.push({
      kind: 'proxy',
      id,
      event: 'callback.add',
      from: null,
      to: null,
      patch: patch as never,
    });
    for (const { when } of proxy.branches) this.#work.context.registry.addCondition(when);
    for (const callback of proxy.pendingCallbacks) this.proxyCallback(callback, id);
    this.#attached.push(() => proxy.attach(this.#work.handles, record));
    return id;
  }

  /** The drafts that it has made records of, with their ids. */
  get ids(): ReadonlyMap<JobLike, string> {
    return this.#ids;
  }

  #refer(value: object): string | null {
    if (!isJob(value)) return null;
    if (value.isStored) return value.id;
    return this.#ids.get(value) ?? this.store(value, null).id;
  }
}

/** The change that creates a record as it is: only what differs from an empty job is written. */
export function creation(record: JobRecord, event: string): Change {
  return { kind: 'job', id: record.id, event, from: null, to: record.state, patch: contentOf(record) };
}

/** When, and by which instance, a job is put. */
export interface PutBy {
  /** The store's time. */
  readonly at: number;
  /** UUID of the instance. */
  readonly assigner: string;
}

/** A new system job, put in a queue: created and PENDING in one entry. */
export function placedIn(queue: string, record: JobRecord, { at, assigner }: PutBy): Transition {
  const put = stepJob(record, { type: 'job.put', queue, at, beginAfter: at, assigner });
  return { ...put, patch: { ...contentOf(record), ...put.patch } };
}

/** The quotas of a job, those of its limits among them. A callback goes into no queue. */
function quotaNamesOf(
  { quotas, limits }: Definition,
  { quotaNames = quotas }: JobSettings,
  place: Place | null,
): readonly string[] {
  if (limits.length === 0 || place !== null) return [...quotaNames];
  return [...new Set([...quotaNames, ...limits.filter(({ keyed }) => !keyed).map(({ name }) => name)])];
}

const structural: readonly string[] = ['id', 'v', 'rev', 'lastSeq', 'createdSeq', 'position', 'state'];
/** What an empty job has under each key that can say something. */
const nothing: ReadonlyMap<string, unknown> = new Map(
  Object.entries(newJobRecord('', { name: '' })).filter(([key]) => !structural.includes(key)),
);

/** The keys of a record that say something: what an empty job has is left out. An instant or a limit of 0 says something. */
export function contentOf(record: JobRecord): Record<string, Json> {
  const said: Record<string, Json> = {};
  for (const key in record) {
    const value = record[key as keyof JobRecord] as Json;
    // Most keys of a new job: they are passed over without a look-up.
    if (value === null) continue;
    const unsaid = nothing.get(key);
    if (unsaid === undefined || value === unsaid || (Array.isArray(value) && value.length === 0)) continue;
    said[key] = value;
  }
  return said;
}

/**
 * Whether a job is stored under an id of the program: the same job under the same id is the repetition of a call whose outcome
 * was unknown. Then the draft becomes a handle on it. @throws SignalboxError `JOB_EXISTS` for another job.
 */
export async function isKnown(work: UnitOfWork, job: JobLike, id: string): Promise<boolean> {
  const present = await work.read('job', id);
  if (present === undefined) return false;
  const made = await madeBefore(work, job, present);
  if (made === null) throw new SignalboxError('JOB_EXISTS', { id });
  await work.context.store.settled();
  for (const [draft, record] of made) draft.attach(work.handles, record, 'existing');
  return true;
}

/** A draft and the drafts in its arguments, with what an earlier call has stored of each; null: that has stored another job. */
async function madeBefore(
  work: UnitOfWork,
  job: JobLike,
  present: JobRecord,
  mayHaveGrown = isSystemName(present.name),
): Promise<readonly (readonly [JobLike, JobRecord])[] | null> {
  if (present.name !== job.name) return null;
  const drafts = new JobDrafts(work);
  const args = drafts.args(job.args);
  const stored = mayHaveGrown ? present.args.slice(0, args.length) : present.args;
  const [ids, storedIds] = [referredJobs([...args]), referredJobs([...stored])];
  const made: (readonly [JobLike, JobRecord])[] = [[job, present]];
  let text = JSON.stringify(args);
  for (const [draft, id] of drafts.ids) {
    const storedId = storedIds[ids.indexOf(id)];
    const record = storedId === undefined ? undefined : await work.read('job', storedId);
    // Drafts in the arguments of a draft are asked for with that.
    if (record === undefined) continue;
    // Joins append arguments to the jobs that they run.
    const inner = await madeBefore(work, draft, record, true);
    if (inner === null) return null;
    made.push(...inner);
    text = text.replaceAll(`"${id}"`, `"${storedId}"`);
  }
  return text === JSON.stringify(stored) ? made : null;
}

/** The refusal of a job that is put or stored twice. */
export function alreadyStored(job: JobLike, event = 'job.put'): BadStatusError {
  return new BadStatusError({ what: job.toString(), status: job.status, event, guards: [] });
}

/** The refusal of a callback that is stored already. */
export function callbackTaken(job: JobLike): SignalboxError {
  return new SignalboxError('CALLBACK_TAKEN', { what: job.toString() });
}

function refuseTooMany(what: 'annotations' | 'callbacks', id: string, limit: number, actual: number): void {
  if (actual > limit) throw new SignalboxError('TOO_MANY', { what, id, limit, actual });
}
