import { ConflictError, SignalboxError, shown } from '../../errors.ts';
import { checkFlag, checkKnown } from '../../model/checks/check-options.ts';
import { checkName } from '../../model/checks/names.ts';
import type { QuotaRecord } from '../../model/records/records.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { mustHaveQueue, mustHaveQuotas } from '../jobs/named-settings.ts';

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
 * await quotas.resize('disk', 2);
 * console.log(await quotas.get('disk')); // => { size: 2, pinned: false, jobs: [], filled: false }
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
   * Adds an empty quota. Several processes that start at the same time call `ensure`.
   * @throws SignalboxError `QUOTA_EXISTS`, `INVALID_NAME`, `INVALID_OPTION`, `QUEUE_NOT_FOUND`.
   */
  async create(name: string, options: { readonly size?: number } = {}): Promise<void> {
    const { id, size } = await this.#checked(name, options);
    const refusal = (cause?: unknown): SignalboxError =>
      new SignalboxError('QUOTA_EXISTS', { name, queue: this.#queue }, cause === undefined ? {} : { cause });
    if ((await this.#work.read('quota', id)) !== undefined) throw refusal();
    try {
      await this.#add(id, size);
    } catch (error) {
      // Another process has made it meanwhile.
      throw error instanceof ConflictError ? refusal(error) : error;
    }
  }

  /**
   * Makes a quota be as the code says: adds it, or gives it this size, unless an operator has pinned another one. What
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
   * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`, `QUEUE_NOT_FOUND`.
   */
  async ensure(name: string, options: { readonly size?: number } = {}): Promise<void> {
    const { id, size } = await this.#checked(name, options);
    await retryConflicts(5, async () => {
      const record = await this.#work.readChecked('quota', id);
      if (record === undefined) return this.#add(id, size);
      if (record.size === size) return;
      if (!record.pinned) await this.#resize(record, { size });
      const what = record.pinned
        ? `is pinned and keeps its size of ${record.size}: the code says ${size}`
        : `changed, as the code says: size ${size} instead of ${record.size}`;
      await this.#work.whenCommitted(async () =>
        this.#work.context.log.events('INFO', () => `quota '${name}' in queue '${this.#queue}' ${what}`),
      );
    });
  }

  /**
   * Changes the size. Running jobs are left alone; a smaller quota only blocks claims. `pinned`: `ensure` does not change
   * it any more.
   * @throws SignalboxError `QUOTA_NOT_FOUND`, `INVALID_OPTION`.
   */
  async resize(name: string, size: number, options: { readonly pinned?: boolean } = {}): Promise<void> {
    checkKnown(options, ['pinned']);
    const pinned = checkFlag(options.pinned ?? false, 'pinned');
    checkSize(size);
    await this.#resize(await this.#mustHave(name), { size, pinned });
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

  /** Size and holders of a quota, and whether an operator has pinned its size. @throws SignalboxError `QUOTA_NOT_FOUND`. */
  async get(name: string): Promise<{
    readonly size: number | null;
    readonly pinned: boolean;
    readonly jobs: readonly string[];
    readonly filled: boolean;
  }> {
    const { id, size, pinned } = await this.#mustHave(name);
    const jobs = await this.#work.context.store.quotaHolders(id);
    return { size, pinned, jobs, filled: size !== null && jobs.length >= size };
  }

  async #checked(
    name: string,
    options: { readonly size?: number },
  ): Promise<{ readonly id: string; readonly size: number }> {
    checkName(name, 'a quota name');
    checkKnown(options, ['size']);
    const size = checkSize(options.size ?? 1);
    await mustHaveQueue(this.#work, this.#queue);
    return { id: `${this.#queue}/${name}`, size };
  }

  #add(id: string, size: number): Promise<void> {
    const change = { kind: 'quota' as const, id, event: 'quota.created', from: null, to: null };
    return this.#work.submit([{ ...change, patch: { size } }], [ifUnchanged({ id, rev: 0 }, 'quota')]);
  }

  async #resize(
    record: QuotaRecord,
    patch: { readonly size: number; readonly pinned?: boolean },
  ): Promise<void> {
    const change = { kind: 'quota' as const, id: record.id, event: 'quota.resized', from: null, to: null };
    await this.#work.submit([{ ...change, patch }], [ifUnchanged(record, 'quota')]);
    await this.#offerWork();
  }

  /** Room was made: jobs that wait for it may begin once that is committed. */
  #offerWork(): Promise<void> {
    return this.#work.whenCommitted(async () => this.#work.committer.offerWork(this.#queue));
  }

  async #mustHave(name: string): Promise<QuotaRecord> {
    await mustHaveQuotas(this.#work, this.#queue, [name]);
    const record = await this.#work.readChecked('quota', `${this.#queue}/${name}`);
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
