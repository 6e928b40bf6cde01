import { checkCount, checkKnown } from '../../../model/checks/check-options.ts';
import { type CheckedFilter, invalidFilter } from '../../../reading/search/jobs-filter.ts';
import { passing } from '../../../reading/search/passing.ts';
import { type Search, searchOf } from '../../../reading/search/search.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';
import { nextTurn } from '../../environment/reactor/next-turn.ts';
import { Job } from '../job.ts';

/** Which page of what was found. */
export interface FoundPageOptions {
  /** `next` of the page before. */
  readonly after?: string;
  /** How many jobs, 1 to 200. Default 100. */
  readonly limit?: number;
}

/** A page of the jobs that were found. */
export interface FoundPage {
  readonly jobs: readonly Job<unknown>[];
  /** `after` of the next page; null: this is the last one. */
  readonly next: string | null;
}

const mostInPage = 200;
const defaultInPage = 100;

/** Jobs that a filter finds, newest first: go through them, or ask for them by pages. Made by `box.jobs`. */
export class JobSearch implements AsyncIterable<Job<unknown>> {
  readonly #work: UnitOfWork;
  readonly #filter: CheckedFilter;
  #search: Search | null = null;

  /** Use `box.jobs(filter)`. */
  constructor(work: UnitOfWork, filter: CheckedFilter) {
    this.#work = work;
    this.#filter = filter;
  }

  /**
   * A page of them, for programs that keep the place themselves: `next` is text, and good for another process and another day. Each
   * page has as many jobs as were asked for, but the last one.
   * @throws SignalboxError `INVALID_FILTER`, `INVALID_OPTION`.
   */
  async page(options: FoundPageOptions = {}): Promise<FoundPage> {
    checkKnown(options, ['after', 'limit']);
    const { after } = options;
    const limit = checkCount(options.limit ?? defaultInPage, 'limit', 1, mostInPage);
    if (after !== undefined && typeof after !== 'string')
      throw invalidFilter('after', 'the `next` of a page', after);
    const { context, handles } = this.#work;
    const { store, reactor } = context;
    this.#search ??= await searchOf(store, this.#filter);
    const search = this.#search;
    const { found, next } = await passing(
      store,
      { ...search.request, limit, look: Number.POSITIVE_INFINITY, ...(after !== undefined && { after }) },
      async (job) => job,
      () => nextTurn(reactor),
    );
    // What a program finds is there after a power cut.
    await store.settled();
    return { jobs: found.map((job) => Job.of(handles, job)), next };
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Job<unknown>> {
    let after: string | null = null;
    do {
      const page: FoundPage = await this.page(after === null ? {} : { after });
      yield* page.jobs;
      after = page.next;
      // Also where each page is at hand.
      await nextTurn(this.#work.context.reactor);
    } while (after !== null);
  }
}
