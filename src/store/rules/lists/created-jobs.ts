import type { JobRecord } from '../../../model/records/records.ts';
import type { FindJob } from '../lines/line.ts';
import type { Listed } from './page.ts';

/** After so many puts without a look at them, the list is forgotten. */
const mostUnread = 50_000;

/**
 * Jobs in the order in which they were created: all, or those of a tag. The list is made when its first page is read, is kept up to date while pages are
 * read, and costs nothing otherwise.
 */
export class CreatedJobs {
  readonly #findJob: FindJob;
  /** Ids with their `createdSeq`, oldest first, those that have left since included; null: no page is read. */
  #list: { readonly ids: string[]; readonly keys: number[] } | null = null;
  #unread = 0;
  #dropped = 0;

  constructor(findJob: FindJob) {
    this.#findJob = findJob;
  }

  add({ id, createdSeq }: JobRecord): void {
    if (this.#list === null) return;
    const { ids, keys } = this.#list;
    this.#unread += 1;
    if (this.#unread > mostUnread || createdSeq <= (keys.at(-1) ?? 0)) this.#list = null;
    else {
      ids.push(id);
      keys.push(createdSeq);
    }
  }

  /** A job has left: its place stays, and is empty. */
  drop(): void {
    if (this.#list === null) return;
    this.#dropped += 1;
    if (this.#dropped > 1024 && this.#dropped * 2 > this.#list.ids.length) this.#list = null;
  }

  /** The newest first. `all`: gives them all, in any order. A place is named by the `createdSeq` of its job. */
  newestFirst(all: () => Iterable<JobRecord>): Listed {
    const { ids, keys } = this.#read(all);
    const { length } = ids;
    return {
      length,
      job: (at) => {
        const index = length - 1 - at;
        const job = this.#findJob(ids[index] ?? '');
        return job?.createdSeq === keys[index] ? job : undefined;
      },
      key: (at) => String(keys[length - 1 - at]),
      behind: (key) => length - olderThan(keys, Number(key)),
      isCut: false,
    };
  }

  #read(all: () => Iterable<JobRecord>): {
    readonly ids: readonly string[];
    readonly keys: readonly number[];
  } {
    this.#unread = 0;
    if (this.#list !== null) return this.#list;
    const jobs = [...all()].sort((one, other) => one.createdSeq - other.createdSeq);
    this.#dropped = 0;
    this.#list = { ids: jobs.map(({ id }) => id), keys: jobs.map(({ createdSeq }) => createdSeq) };
    return this.#list;
  }
}

/** How many keys, of those in order, are below one. */
function olderThan(keys: readonly number[], key: number): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as number) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
