import { BadStatusError, SignalboxError, shown } from '../../errors.ts';
import { checkKnown, checkObject } from '../../model/checks/check-options.ts';
import { statusOfState } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { ClaimRequest } from '../../store/store.ts';
import { type Duration, durationMs } from '../../time.ts';
import { claimChanges } from '../agents/claim-changes.ts';
import { claimInput, skipping } from '../agents/claim-jobs.ts';
import {
  lasting,
  type Pause,
  pauseFrom,
  pauseQueue,
  type QueuePauseOptions,
  resumeQueue,
} from '../agents/pausing.ts';
import { ExternalTransactionUnit, type UnitOfWork } from '../commits/unit-of-work.ts';
import { Inspectable } from '../environment/inspectable.ts';
import { changeJob } from '../jobs/change-job.ts';
import { isJob } from '../jobs/job-like.ts';
import { mustHaveQueue } from '../jobs/named-settings.ts';
import type { PutOptions } from '../jobs/put-batch.ts';
import { put, putAll } from '../jobs/put-jobs.ts';
import { Job, type JobDefinition } from './job.ts';
import { Quotas } from './quotas.ts';
import { Representations } from './representations.ts';
import { Schedules } from './schedules/schedules.ts';
import { servicesOf } from './services.ts';

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
export class Queue extends Inspectable {
  readonly name: string;
  readonly quotas: Quotas;
  readonly schedules: Schedules;
  /** Representations of the dispatchers that work on the queue, by UUID. */
  readonly dispatchers: Representations;
  readonly #work: UnitOfWork;

  constructor(work: UnitOfWork, name: string) {
    super();
    this.#work = work;
    this.name = name;
    this.quotas = new Quotas(work, name);
    this.schedules = new Schedules(work, name);
    this.dispatchers = new Representations(work, name);
  }

  /**
   * Puts a job: resolves when it is synced. A bare definition means a job of it without arguments. An id given
   * before makes the call repeatable: the same job put again is acknowledged, never doubled. A job that is `unique` may be there
   * already: `job.putResult` says what the put did.
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
   * @throws SignalboxError `QUEUE_NOT_FOUND`, `QUEUE_FULL`, `QUOTA_NOT_FOUND`, `UNKNOWN_DEFINITION`, `ANONYMOUS_FUNCTION`, `ARGS_…`,
   * `DUPLICATE_JOB`.
   * @throws BadStatusError when the job is anything but NEW.
   */
  async put<Result>(
    item: Job<Result> | JobDefinition<readonly [], Result>,
    options: PutOptions = {},
  ): Promise<Job<Result>> {
    return (await put(this.#workFor(options), this.name, item, options)) as Job<Result>;
  }

  /**
   * Puts many jobs in one commit, in their order: resolves when all are synced; when one is refused none is put, and
   * the error begins with its place (`items[3]: …`). Several times as fast as as many calls of `put`.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const square = defineJob({ name: 'square', run: (n: number) => n * n });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [square] });
   * await box.start();
   * const jobs = await box.queue().putAll([1, 2, 3].map((n) => square(n)));
   * console.log(await Promise.all(jobs.map((job) => job.result()))); // => [ 1, 4, 9 ]
   * await box.stop();
   * ```
   *
   * @throws as `put` does.
   */
  async putAll<Result>(
    items: Iterable<Job<Result> | JobDefinition<readonly [], Result>>,
    options: Omit<PutOptions, 'id'> = {},
  ): Promise<Job<Result>[]> {
    return (await putAll(this.#workFor(options), this.name, items, options)) as Job<Result>[];
  }

  #workFor(options: PutOptions): UnitOfWork {
    checkObject(options, 'options');
    const { client } = options;
    return client === undefined
      ? this.#work
      : new ExternalTransactionUnit(servicesOf(this.#work.context).work, client);
  }

  /**
   * Changes how a queue orders its jobs. `aging`: how much earlier a job must have become ready to go before one of the next
   * lower priority; null: a lower priority always goes first. Default 1 hour.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const note = defineJob({ name: 'note', run: (text: string) => text });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [note], queues: ['notes'] });
   * const queue = box.queue('notes');
   * await queue.set({ aging: '10m' });
   * await queue.put(note('later'));
   * await queue.put(note('sooner'), { priority: 'high' });
   * console.log((await queue.at(0)).args); // => [ 'sooner' ]
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `QUEUE_NOT_FOUND`, `INVALID_DURATION`, `INVALID_OPTION`.
   */
  async set(settings: { readonly aging: Duration | null }): Promise<void> {
    checkKnown(settings, ['aging']);
    const { aging } = settings;
    const agingMs = aging === null ? null : durationMs(aging, 'aging');
    const change = { kind: 'queue' as const, id: this.name, event: 'queue.set', from: null, to: null };
    await mustHaveQueue(this.#work, this.name);
    await this.#work.submit([{ ...change, patch: { agingMs } }], []);
    await this.#work.whenCommitted(async () => this.#work.committer.offerWork(this.name));
  }

  /**
   * Pauses the queue, or with `job` the definitions whose names match: no claim that begins after this call takes their jobs, on
   * any host. What runs goes on, with its callbacks, and system jobs are claimed, so nothing stays half done. The pause is stored
   * until `resume` is called with the same `job`, or until `until`. Again: the new pause of that `job` counts.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [send] });
   * await box.start();
   * const queue = box.queue();
   * await queue.pause({ job: 'mail.*', reason: 'the server moves' });
   * const job = await queue.put(send('ann'));
   * console.log((await box.explain(job.id ?? '')).verdict.code); // => paused
   * await queue.resume({ job: 'mail.*' });
   * console.log(await job.result()); // => sent to ann
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `QUEUE_NOT_FOUND`, `INVALID_OPTION`, `INVALID_INSTANT`.
   */
  pause(options: QueuePauseOptions = {}): Promise<void> {
    return pauseQueue(this.#work, this.name, options);
  }

  /**
   * Takes back the pause that was made with the same `job`, or without one. Returns whether there was one.
   * @throws SignalboxError `QUEUE_NOT_FOUND`, `INVALID_OPTION`.
   */
  resume(options: Pick<QueuePauseOptions, 'job' | 'key'> = {}): Promise<boolean> {
    return resumeQueue(this.#work, this.name, options);
  }

  /** The pauses of the queue that last, oldest first. `job`: the pattern; null: all jobs. */
  async pauses(): Promise<readonly (Pause & { readonly job: string | null })[]> {
    const record = await this.#work.readChecked('queue', this.name);
    if (record === undefined) return [];
    const { store } = this.#work.context;
    return lasting(record, store.now()).map(({ job, ...mark }) => ({ job, ...pauseFrom(mark) }));
  }

  /** Its name and store, for `JSON.stringify` and `console.log`: how many jobs wait is for `length()` to ask. */
  toJSON(): { readonly name: string; readonly store: string } {
    return { name: this.name, store: this.#work.context.store.name };
  }

  /** How many jobs wait: put back, immediate and held ones. */
  async length(): Promise<number> {
    const count = await this.#work.context.store.waitingCount(this.name);
    await this.#work.context.store.settled();
    return count;
  }

  /** The waiting jobs in the order in which they are offered. */
  async jobs(): Promise<readonly Job<unknown>[]> {
    const records = await this.#work.context.store.waiting(this.name);
    await this.#work.context.store.settled();
    return records.map((record) => Job.of(this.#work.handles, record));
  }

  /**
   * The job at a place of that order; negative counts from the end.
   * @throws SignalboxError `INDEX_OUT_OF_RANGE`.
   */
  async at(index: number): Promise<Job<unknown>> {
    const most = Number.isInteger(index) && index >= 0 ? index + 1 : undefined;
    const records = await this.#work.context.store.waiting(this.name, most);
    const record = records.at(index);
    if (!Number.isInteger(index) || record === undefined) {
      throw new SignalboxError('INDEX_OUT_OF_RANGE', { index, length: records.length });
    }
    return Job.of(this.#work.handles, record);
  }

  /**
   * Takes the job at a place out of the queue: it is NEW again. This is how an unclaimed job is cancelled. When another
   * process takes that job first, it is the job that has the place then.
   * @throws SignalboxError `INDEX_OUT_OF_RANGE`.
   */
  async pull(index = 0): Promise<Job<unknown>> {
    let taken: string | null = null;
    const attempt = async (): Promise<Job<unknown> | null> => {
      const job = await this.at(index);
      try {
        await this.remove(job);
        return job;
      } catch (error) {
        if (!isNotWaiting(error) || job.id === taken) throw error;
        taken = job.id;
        return null;
      }
    };
    let job = await attempt();
    // Pulls of one tick choose the same job: those that do not get it go one after the other.
    while (job === null) job = await this.#work.context.turns.inTurn(attempt);
    return job;
  }

  /** Takes this job out of the queue. @throws SignalboxError `JOB_NOT_WAITING` when it does not wait here, `INVALID_OPTION`. */
  async remove(job: Job<unknown>): Promise<void> {
    if (!isJob(job)) {
      throw new SignalboxError('INVALID_OPTION', {
        option: 'job',
        expected: 'a job',
        actual: shown(job),
        repair: 'Make a handle of an id: box.job(id).',
      });
    }
    const id = job.record.id;
    const record = await this.#work.readChecked('job', id);
    const parent = record?.parent ?? null;
    const waits = parent !== null && 'queue' in parent && !('agent' in parent) && parent.queue === this.name;
    if (record === undefined || !waits) {
      const status = record === undefined ? 'unknown' : statusOfState(record.state);
      throw new SignalboxError('JOB_NOT_WAITING', { id, queue: this.name, status });
    }
    job.attach(this.#work.handles, await changeJob(this.#work, id, { type: 'job.pull', system: null }));
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
    const { context, committer } = this.#work;
    const services = servicesOf(context);
    const { store, uuid, registry } = context;
    // Without a policy the start is not part of the claim: the job stays ASSIGNED.
    const place = { queue: this.name, dispatcher: uuid, agent: 'client' };
    const input = claimInput(context, place, () => undefined);
    let frees = false;
    const request: ClaimRequest = {
      queue: this.name,
      limit: 1,
      by: 'client',
      agent: null,
      accepts: { lane: (name) => registry.definition(name) !== undefined, job: accepts },
      choose: null,
      take: skipping(services, (candidate) => {
        const { changes, freesQuotas } = claimChanges(input, candidate, store.now());
        frees ||= freesQuotas;
        return changes;
      }),
    };
    let claimed = await store.claim(request);
    // A store has looked at a part of what waits. One that is shared may say so as long as others claim.
    while (store.exclusive && claimed.jobs.length === 0 && claimed.mayBeMore === true)
      claimed = await store.claim(request);
    await claimed.ticket.synced;
    if (frees) committer.offerWork(this.name);
    const record = claimed.jobs[0];
    return record === undefined ? otherwise : Job.of(this.#work.handles, record);
  }
}

function isNotWaiting(error: unknown): boolean {
  return (
    error instanceof BadStatusError || (error instanceof SignalboxError && error.code === 'JOB_NOT_WAITING')
  );
}
