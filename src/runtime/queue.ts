import { ConflictError, SignalboxError, shown } from '../errors.ts';
import { checkName, checkQuotaNames } from '../model/names.ts';
import type { JobRecord } from '../model/records.ts';
import { statusOfState, stepJob } from '../model/step.ts';
import type { Change } from '../store/store.ts';
import { beginningMs, durationMs } from '../time.ts';
import { isDefinition, isJob } from './brands.ts';
import type { JobDefinition } from './definitions.ts';
import { contentOf, Drafts } from './drafts.ts';
import { expiryWrapper } from './expiry.ts';
import { Job, type JobSettings } from './job.ts';
import { checkLogLevel } from './logging.ts';
import { Representations } from './representations.ts';
import type { Unit } from './unit.ts';

/** What `put` may override. */
export type PutOptions = Pick<
  JobSettings,
  'beginAfter' | 'beginBy' | 'failureLogLevel' | 'retryPolicy' | 'quotaNames' | 'id'
>;

/**
 * A queue: where jobs wait. Bound to a box, a transaction or a running job, it commits as that does.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 *
 * const note = defineJob({ name: 'note', run: (text: string) => text });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [note], queues: ['notes'] });
 * const queue = box.queue('notes');
 * await queue.put(note('one'));
 * const job = await queue.pull();
 * console.log(job.args, await queue.length()); // => [ 'one' ] 0
 * await box.stop();
 * ```
 */
export class Queue {
  readonly name: string;
  readonly quotas: Quotas;
  /** Representations of the dispatchers that work on the queue, by UUID. */
  readonly dispatchers: Representations;
  readonly #unit: Unit;

  constructor(unit: Unit, name: string) {
    this.#unit = unit;
    this.name = name;
    this.quotas = new Quotas(unit, name);
    this.dispatchers = new Representations(unit, name);
  }

  /**
   * Puts a job: resolves when it is synced. A bare definition means a job of it without arguments. An id given
   * before makes the call repeatable: the same job put again is acknowledged, never doubled.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [multiply] });
   * await box.start();
   * const job = await box.queue().put(multiply(14, 3), { beginAfter: '1ms' });
   * console.log(await job.result()); // => 42
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `QUEUE_NOT_FOUND`, `QUOTA_NOT_FOUND`, `UNKNOWN_DEFINITION`, `ANONYMOUS_FUNCTION`, `ARGS_…`.
   * @throws BadStatusError when the job is anything but NEW.
   */
  async put<Result>(
    item: Job<Result> | JobDefinition<readonly [], Result>,
    options: PutOptions = {},
  ): Promise<Job<Result>> {
    const job = asJob<Result>(item);
    const unit = this.#unit;
    const { engine } = unit;
    await engine.mustHaveQueue(unit, this.name);
    if (job.isStored) await this.#putStored(job, options);
    else await this.#putDraft(job.with(given(options)));
    return job;
  }

  async #putDraft<Result>(job: Job<Result>): Promise<void> {
    const unit = this.#unit;
    const { engine } = unit;
    if (job.settings.id !== undefined && (await this.#isAlreadyPut(job, job.settings.id))) return;
    const drafts = new Drafts(unit);
    const record = drafts.record(job);
    await engine.mustHaveQuotas(this.name, record.quotaNames, unit);
    const now = engine.now();
    const put = stepJob(record, {
      type: 'job.put',
      queue: this.name,
      at: now,
      beginAfter: record.beginAfter ?? now,
      assigner: engine.uuid,
    });
    const made = { ...put, patch: { ...contentOf(record), ...put.patch } };
    drafts.companions(job, { ...record, ...(made.patch as Partial<JobRecord>), state: 'pending' });
    await unit.submit([made, ...drafts.made], drafts.expect);
    drafts.attach();
  }

  /** The same job under the same id is the repetition of a put whose outcome was unknown. */
  async #isAlreadyPut(job: Job<unknown>, id: string): Promise<boolean> {
    const present = await this.#unit.peek('job', id);
    if (present === undefined) return false;
    const args = new Drafts(this.#unit).args(job.args);
    if (present.name !== job.name || JSON.stringify(present.args) !== JSON.stringify(args)) {
      throw new SignalboxError('JOB_EXISTS', { id });
    }
    await this.#unit.engine.store.settled();
    job.attach(this.#unit, present);
    return true;
  }

  /** A job that was pulled, or stored NEW with another. */
  async #putStored(job: Job<unknown>, options: PutOptions): Promise<void> {
    const unit = this.#unit;
    const { engine } = unit;
    for (let attempt = 1; ; attempt += 1) {
      const record = await unit.get('job', job.record.id);
      if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id: job.record.id });
      const now = engine.now();
      const beginAfter =
        options.beginAfter == null ? record.beginAfter : beginningMs(options.beginAfter, now, 'beginAfter');
      const put = stepJob(record, {
        type: 'job.put',
        queue: this.name,
        at: now,
        beginAfter: beginAfter ?? now,
        assigner: engine.uuid,
      });
      checkLogLevel(options.failureLogLevel ?? null);
      const names = checkQuotaNames(options.quotaNames ?? record.quotaNames);
      await engine.mustHaveQuotas(this.name, names, unit);
      const settings = {
        ...(options.beginBy == null ? {} : { beginBy: durationMs(options.beginBy, 'beginBy') }),
        ...(options.failureLogLevel == null ? {} : { failureLogLevel: options.failureLogLevel }),
        ...(options.retryPolicy == null ? {} : { retryPolicy: engine.policyName(options.retryPolicy) }),
        ...(options.quotaNames === undefined ? {} : { quotaNames: [...options.quotaNames] }),
      };
      try {
        await unit.submit(
          [{ ...put, patch: { ...put.patch, ...settings } }],
          [{ what: 'rev', kind: 'job', id: record.id, rev: record.rev }],
        );
        job.attach(unit, (await unit.peek('job', record.id)) ?? record);
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= 5) throw error;
      }
    }
  }

  /** How many jobs wait: put back, immediate and held ones. */
  async length(): Promise<number> {
    const count = await this.#unit.engine.store.waitingCount(this.name);
    await this.#unit.engine.store.settled();
    return count;
  }

  /** The waiting jobs in the order in which they are offered. */
  async jobs(): Promise<readonly Job<unknown>[]> {
    const records = await this.#unit.engine.store.waiting(this.name);
    await this.#unit.engine.store.settled();
    return records.map((record) => Job.of(this.#unit, record));
  }

  /**
   * The job at a place of that order; negative counts from the end.
   * @throws SignalboxError `INDEX_OUT_OF_RANGE`.
   */
  async at(index: number): Promise<Job<unknown>> {
    const records = await this.#unit.engine.store.waiting(this.name);
    const record = records.at(index);
    if (!Number.isInteger(index) || record === undefined) {
      throw new SignalboxError('INDEX_OUT_OF_RANGE', { index, length: records.length });
    }
    return Job.of(this.#unit, record);
  }

  /** Takes the job at a place out of the queue: it is NEW again. This is how an unclaimed job is cancelled. */
  async pull(index = 0): Promise<Job<unknown>> {
    const job = await this.at(index);
    await this.remove(job);
    return job;
  }

  /** Takes this job out of the queue. @throws SignalboxError `JOB_NOT_WAITING` when it does not wait here. */
  async remove(job: Job<unknown>): Promise<void> {
    const id = job.record.id;
    const record = await this.#unit.get('job', id);
    const parent = record?.parent ?? null;
    const waits = parent !== null && 'queue' in parent && !('agent' in parent) && parent.queue === this.name;
    if (record === undefined || !waits) {
      const status = record === undefined ? 'unknown' : statusOfState(record.state);
      throw new SignalboxError('JOB_NOT_WAITING', { id, queue: this.name, status });
    }
    job.attach(
      this.#unit,
      await this.#unit.engine.change(this.#unit, id, { type: 'job.pull', system: null }),
    );
  }

  /**
   * Claims the first job that is due, whose quotas have room and which `accepts`, in the name of this program: it is
   * ASSIGNED to an agent `client` that runs nothing. For tools and tests; agents claim by themselves. A job that is too
   * late is claimed as the system job that fails it. Gives `otherwise` when there is nothing to claim.
   */
  async claim<Otherwise = null>(
    accepts: ((job: JobRecord) => boolean) | null = null,
    otherwise: Otherwise = null as Otherwise,
  ): Promise<Job<unknown> | Otherwise> {
    const { engine } = this.#unit;
    const enter = (job: JobRecord, quotas: readonly string[]): Change =>
      stepJob(job, {
        type: 'job.claim',
        queue: this.name,
        dispatcher: engine.uuid,
        agent: 'client',
        epoch: engine.store.epoch,
        quotas,
      });
    const claimed = await engine.store.claim({
      queue: this.name,
      limit: 1,
      by: 'client',
      accepts: { lane: () => true, job: accepts },
      choose: null,
      take: ({ job, expired, quotas }) => {
        if (!expired) return [enter(job, quotas)];
        const { changes, wrapper } = expiryWrapper(engine, this.name, job);
        return [...changes, enter(wrapper, [])];
      },
    });
    await claimed.ticket.synced;
    const record = claimed.jobs[0];
    return record === undefined ? otherwise : Job.of(this.#unit, record);
  }
}

/**
 * The quotas of one queue.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore(), queues: ['files'] });
 * const { quotas } = box.queue('files');
 * await quotas.create('disk', { size: 1 });
 * await quotas.resize('disk', 2);
 * console.log(await quotas.get('disk')); // => { size: 2, jobs: [], filled: false }
 * await box.stop();
 * ```
 */
export class Quotas {
  readonly #unit: Unit;
  readonly #queue: string;

  constructor(unit: Unit, queue: string) {
    this.#unit = unit;
    this.#queue = queue;
  }

  /**
   * Adds an empty quota.
   * @throws SignalboxError `QUOTA_EXISTS`, `INVALID_NAME`, `INVALID_OPTION`, `QUEUE_NOT_FOUND`.
   */
  async create(name: string, options: { readonly size?: number } = {}): Promise<void> {
    checkName(name, 'a quota name');
    const size = checkSize(options.size ?? 1);
    await this.#unit.engine.mustHaveQueue(this.#unit, this.#queue);
    const id = `${this.#queue}/${name}`;
    if ((await this.#unit.peek('quota', id)) !== undefined)
      throw new SignalboxError('QUOTA_EXISTS', { name, queue: this.#queue });
    await this.#unit.submit(
      [{ kind: 'quota', id, event: 'quota.created', from: null, to: null, patch: { size } }],
      [{ what: 'rev', kind: 'quota', id, rev: 0 }],
    );
  }

  /** Changes the size. Running jobs are left alone; a smaller quota only blocks claims. */
  async resize(name: string, size: number): Promise<void> {
    checkSize(size);
    const record = await this.#mustHave(name);
    await this.#unit.submit(
      [{ kind: 'quota', id: record.id, event: 'quota.resized', from: null, to: null, patch: { size } }],
      [{ what: 'rev', kind: 'quota', id: record.id, rev: record.rev }],
    );
    this.#unit.engine.offerWork(this.#queue);
  }

  /** Removes a quota. The name stays on jobs and is ignored when claiming. */
  async remove(name: string): Promise<void> {
    const record = await this.#mustHave(name);
    await this.#unit.submit(
      [
        {
          kind: 'quota',
          id: record.id,
          event: 'quota.removed',
          from: null,
          to: null,
          patch: null,
          gone: true,
        },
      ],
      [],
    );
    this.#unit.engine.offerWork(this.#queue);
  }

  /** Names of the quotas, in order. */
  async names(): Promise<readonly string[]> {
    const quotas = await this.#unit.list('quota', `${this.#queue}/`);
    return quotas.map((quota) => quota.id.slice(this.#queue.length + 1));
  }

  /** Size and holders of a quota. @throws SignalboxError `QUOTA_NOT_FOUND`. */
  async get(
    name: string,
  ): Promise<{ readonly size: number; readonly jobs: readonly string[]; readonly filled: boolean }> {
    const record = await this.#mustHave(name);
    const jobs = await this.#unit.engine.store.quotaHolders(record.id);
    return { size: record.size, jobs, filled: jobs.length >= record.size };
  }

  async #mustHave(
    name: string,
  ): Promise<{ readonly id: string; readonly rev: number; readonly size: number }> {
    await this.#unit.engine.mustHaveQuotas(this.#queue, [name], this.#unit);
    const record = await this.#unit.get('quota', `${this.#queue}/${name}`);
    if (record === undefined)
      throw new SignalboxError('QUOTA_NOT_FOUND', { name, queue: this.#queue, known: [] });
    return record;
  }
}

function checkSize(size: number): number {
  if (Number.isInteger(size) && size >= 1) return size;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'size',
    expected: 'a whole number from 1 up',
    actual: shown(size),
  });
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
