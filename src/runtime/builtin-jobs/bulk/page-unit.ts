import type { JobRecord } from '../../../model/records/records.ts';
import { decorateStore } from '../../../store/decorate-store.ts';
import { BufferedUnit } from '../../commits/buffered-unit.ts';
import type { RuntimeContext } from '../../commits/runtime-context.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';

/**
 * The changes of one page of a bulk job. What was read of its jobs is not read again for each of them: the commit names the rev of each,
 * so it is refused when one has changed since.
 */
export class PageUnit extends BufferedUnit {
  readonly #work: UnitOfWork;
  readonly #context: RuntimeContext;
  /** Whether a job has callbacks, of those of which it was asked. */
  readonly #isParent = new Map<string, boolean>();

  constructor(work: UnitOfWork, jobs: readonly JobRecord[]) {
    super(work, 'a bulk job');
    const known = new Map<unknown, JobRecord>(jobs.map((job) => [job.id, job]));
    this.#work = work;
    this.#context = {
      ...work.context,
      store: decorateStore(work.context.store, {
        read: <Value>(call: () => Promise<Value>, name: string, [kind, id]: readonly unknown[]) => {
          const job = name === 'get' && kind === 'job' ? known.get(id) : undefined;
          return job === undefined ? call() : Promise.resolve(job as Value);
        },
      }),
    };
  }

  override get context(): RuntimeContext {
    return this.#context;
  }

  /** Asks for several jobs at once whether they have callbacks: a database answers the questions together. */
  async askForCallbacks(jobs: readonly JobRecord[]): Promise<void> {
    await Promise.all(jobs.map(async ({ id }) => this.#isParent.set(id, await this.#work.hasCallbacks(id))));
  }

  override async hasCallbacks(job: string): Promise<boolean> {
    return this.#isParent.get(job) ?? super.hasCallbacks(job);
  }
}
