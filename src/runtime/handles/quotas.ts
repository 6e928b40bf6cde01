import { SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkName } from '../../model/checks/names.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
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
 * await quotas.create('disk', { size: 1 });
 * await quotas.resize('disk', 2);
 * console.log(await quotas.get('disk')); // => { size: 2, jobs: [], filled: false }
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
   * Adds an empty quota.
   * @throws SignalboxError `QUOTA_EXISTS`, `INVALID_NAME`, `INVALID_OPTION`, `QUEUE_NOT_FOUND`.
   */
  async create(name: string, options: { readonly size?: number } = {}): Promise<void> {
    checkName(name, 'a quota name');
    checkKnown(options, ['size']);
    const size = checkSize(options.size ?? 1);
    await mustHaveQueue(this.#work, this.#queue);
    const id = `${this.#queue}/${name}`;
    if ((await this.#work.read('quota', id)) !== undefined)
      throw new SignalboxError('QUOTA_EXISTS', { name, queue: this.#queue });
    await this.#work.submit(
      [{ kind: 'quota', id, event: 'quota.created', from: null, to: null, patch: { size } }],
      [ifUnchanged({ id, rev: 0 }, 'quota')],
    );
  }

  /** Changes the size. Running jobs are left alone; a smaller quota only blocks claims. */
  async resize(name: string, size: number): Promise<void> {
    checkSize(size);
    const record = await this.#mustHave(name);
    await this.#work.submit(
      [{ kind: 'quota', id: record.id, event: 'quota.resized', from: null, to: null, patch: { size } }],
      [ifUnchanged(record, 'quota')],
    );
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

  /** Size and holders of a quota. @throws SignalboxError `QUOTA_NOT_FOUND`. */
  async get(
    name: string,
  ): Promise<{ readonly size: number; readonly jobs: readonly string[]; readonly filled: boolean }> {
    const record = await this.#mustHave(name);
    const jobs = await this.#work.context.store.quotaHolders(record.id);
    return { size: record.size, jobs, filled: jobs.length >= record.size };
  }

  /** Room was made: jobs that wait for it may begin once that is committed. */
  #offerWork(): Promise<void> {
    return this.#work.whenCommitted(async () => this.#work.committer.offerWork(this.#queue));
  }

  async #mustHave(
    name: string,
  ): Promise<{ readonly id: string; readonly rev: number; readonly size: number }> {
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
