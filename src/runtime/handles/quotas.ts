import { ConflictError, invalidOption, SignalboxError } from '../../errors.ts';
import { checkFlag, checkKnown } from '../../model/checks/check-options.ts';
import { checkKey, checkName } from '../../model/checks/names.ts';
import { forEver, openLimit, opensAt, type Rate } from '../../model/jobs/rate.ts';
import type { QuotaRecord } from '../../model/records/records.ts';
import type { Duration } from '../../time.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { checkFigure, checkRate, type LimitFigures } from '../definitions/job-limits.ts';
import { created, ensureFigures, quotaNotFound, refigured } from '../jobs/limit-quotas.ts';
import { mustHaveQueue } from '../jobs/named-settings.ts';

/** The figures of a quota that is made. */
export interface QuotaOptions {
  /** How many jobs may hold a slot in it at once; null: any number. */
  readonly size?: number | null;
  /** How many jobs may begin in a time, and at once: `burst`, by default 1. Null: any number. */
  readonly rate?: { readonly limit: number; readonly per: Duration; readonly burst?: number } | null;
  /** Each key has the size and the rate for itself. */
  readonly keyed?: boolean;
}

/** A quota, or one key of it, as `get` finds it. */
export interface QuotaInfo {
  readonly size: number | null;
  /** `per` in milliseconds. */
  readonly rate: Rate | null;
  readonly keyed: boolean;
  readonly pinned: boolean;
  /** Ids of the jobs that hold its slots. */
  readonly jobs: readonly string[];
  readonly filled: boolean;
  readonly parked: number;
  readonly opensAt: number | null;
  readonly paused: boolean;
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
 * await quotas.ensure('disk', { size: 1 });
 * await quotas.set('disk', { size: 2 });
 * const { size, jobs, filled } = await quotas.get('disk');
 * console.log(size, jobs, filled); // => 2 [] false
 * await box.stop();
 * ```
 */
export class Quotas {
  readonly #work: UnitOfWork;
  readonly #queue: string;

  constructor(work: UnitOfWork, queue: string) {
    this.#work = work;
    this.#queue = queue;
  }

  /**
   * Adds a quota. `size`: how many jobs may hold a slot in it at once; default 1, and without a limit when it has a rate. `rate`: how
   * many may begin in a time. `keyed`: each key has both for itself. Several processes that start at the same time call `ensure`.
   * @throws SignalboxError `QUOTA_EXISTS`, `INVALID_NAME`, `INVALID_OPTION`, `INVALID_DURATION`, `QUEUE_NOT_FOUND`.
   */
  async create(name: string, options: QuotaOptions = {}): Promise<void> {
    const { id, figures } = await this.#checked(name, options);
    const refusal = (cause?: unknown): SignalboxError =>
      new SignalboxError('QUOTA_EXISTS', { name, queue: this.#queue }, cause === undefined ? {} : { cause });
    if ((await this.#work.read('quota', id)) !== undefined) throw refusal();
    try {
      await this.#add(id, figures);
    } catch (error) {
      // Another process has made it meanwhile.
      throw error instanceof ConflictError ? refusal(error) : error;
    }
  }

  /**
   * Makes a quota be as the code says: adds it, or gives it these figures, unless an operator has pinned others. What
   * changes is logged at INFO. Any number of processes may call it at the same time.
   *
   * @example
   * ```ts
   * import { createSignalbox, memoryStore } from 'signalbox';
   *
   * const box = await createSignalbox({ store: memoryStore(), queues: ['files'] });
   * const { quotas } = box.queue('files');
   * await Promise.all([quotas.ensure('disk', { size: 2 }), quotas.ensure('disk', { size: 2 })]);
   * console.log((await quotas.get('disk')).size); // => 2
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`, `INVALID_DURATION`, `QUEUE_NOT_FOUND`.
   */
  async ensure(name: string, options: QuotaOptions = {}): Promise<void> {
    const { id, figures } = await this.#checked(name, options);
    await retryConflicts(5, async () => {
      const record = await this.#work.readChecked('quota', id);
      await (record === undefined ? this.#add(id, figures) : ensureFigures(this.#work, record, figures));
    });
  }

  /**
   * Changes figures by hand. It takes effect with the next claim; running jobs are left alone: a smaller quota only blocks claims.
   * `pinned`: the code does not change them any more, by `ensure` or the limits of a definition; default true.
   *
   * @example
   * ```ts
   * import { createSignalbox, memoryStore } from 'signalbox';
   *
   * const box = await createSignalbox({ store: memoryStore(), queues: ['mail'] });
   * const { quotas } = box.queue('mail');
   * await quotas.create('smtp', { size: 5, rate: { limit: 100, per: '1m' }, keyed: true });
   * await quotas.set('smtp', { size: 8 });
   * const { size, pinned, jobs, parked } = await quotas.get('smtp', 'example.org');
   * console.log(size, pinned, jobs, parked); // => 8 true [] 0
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `QUOTA_NOT_FOUND`, `INVALID_OPTION`, `INVALID_DURATION`.
   */
  async set(
    name: string,
    options: Omit<QuotaOptions, 'keyed'> & { readonly pinned?: boolean },
  ): Promise<void> {
    checkKnown(options, ['size', 'rate', 'pinned']);
    const { size, rate } = options;
    const pinned = checkFlag(options.pinned ?? true, 'pinned');
    const figures = {
      ...(size === undefined ? {} : { size: checkSize(size) }),
      ...(rate === undefined ? {} : { rate: rate === null ? null : checkRate(rate, 'rate') }),
    };
    const record = await this.#mustHave(name);
    await this.#work.submit([refigured(record, figures, pinned)], [ifUnchanged(record, 'quota')]);
    await this.#offerWork();
  }

  /** Removes a quota. The name stays on jobs and is ignored when claiming. */
  async remove(name: string): Promise<void> {
    const record = await this.#mustHave(name);
    await this.#work.submit(
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
    await this.#offerWork();
  }

  /** Names of the quotas, in order. */
  async names(): Promise<readonly string[]> {
    const quotas = await this.#work.list('quota', `${this.#queue}/`);
    return quotas.map((quota) => quota.id.slice(this.#queue.length + 1));
  }

  /**
   * Figures and holders of a quota, or of one key of it, and whether an operator has pinned it. `parked`: how many jobs wait behind
   * the key, as far as a claim has looked. `opensAt`: when the next one may begin by its rate, or by the end of a pause; null: at
   * once, or when it is resumed.
   * @throws SignalboxError `QUOTA_NOT_FOUND`, `INVALID_KEY`, `INVALID_OPTION`.
   */
  async get(name: string, key?: string): Promise<QuotaInfo> {
    const record = await this.#mustHave(name);
    if (key !== undefined && !record.keyed) throw invalidOption('key', 'absent: this quota has no keys', key);
    const { store } = this.#work.context;
    const id = key === undefined ? record.id : `${record.id}/${checkKey(key, name)}`;
    const { size, rate, keyed, pinned } = record;
    const jobs = await store.quotaHolders(id);
    const state = (await store.get('limit', id)) ?? openLimit;
    const [now, parked] = [store.now(), await store.parked(id)];
    const at = opensAt(rate, state, now);
    return {
      size,
      rate,
      keyed,
      pinned,
      jobs,
      filled: size !== null && jobs.length >= size,
      parked,
      opensAt: at > now && at < forEver ? at : null,
      paused: (state.closedUntil ?? 0) > now,
    };
  }

  async #checked(
    name: string,
    options: QuotaOptions,
  ): Promise<{ readonly id: string; readonly figures: LimitFigures }> {
    checkName(name, 'a quota name');
    checkKnown(options, ['size', 'rate', 'keyed']);
    const rate = options.rate == null ? null : checkRate(options.rate, 'rate');
    const size = checkSize(options.size === undefined ? (rate === null ? 1 : null) : options.size);
    const keyed = checkFlag(options.keyed ?? false, 'keyed');
    await mustHaveQueue(this.#work, this.#queue);
    return { id: `${this.#queue}/${name}`, figures: { size, rate, keyed } };
  }

  #add(id: string, figures: LimitFigures): Promise<void> {
    return this.#work.submit([created(id, figures)], [ifUnchanged({ id, rev: 0 }, 'quota')]);
  }

  /** Room was made: jobs that wait for it may begin once that is committed. */
  #offerWork(): Promise<void> {
    return this.#work.whenCommitted(async () => this.#work.committer.offerWork(this.#queue));
  }

  async #mustHave(name: string): Promise<QuotaRecord> {
    const record = await this.#work.readChecked('quota', `${this.#queue}/${name}`);
    if (record === undefined) throw await quotaNotFound(this.#work, this.#queue, name);
    return record;
  }
}

function checkSize(size: number | null): number | null {
  return size === null ? null : checkFigure(size, 'size');
}
