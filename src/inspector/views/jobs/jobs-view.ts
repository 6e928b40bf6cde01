import { Blockers } from '../../../reading/blocker.ts';
import type { KnownNames } from '../../../reading/explanation.ts';
import { Shown } from '../../../reading/shown.ts';
import type { JobList, JobPage, JobPageRequest, StoreReader } from '../../../store/reader.ts';
import type { JobRow, JobsPage } from '../../protocol/jobs.ts';
import { type JobFilter, jobFilter } from './job-filter.ts';
import { type JobLife, jobLife, jobRow } from './job-row.ts';

/** Which page of which list, and what it is limited to. */
export interface JobsQuery extends JobPageRequest {
  readonly list: JobList;
  /** A filter as a person writes it: see `jobFilter`. */
  readonly text?: string;
  /** What this process knows by name; null or left out: nothing. */
  readonly known?: KnownNames | null;
}

/** How many jobs are looked at for one page. */
const mostLooked = 20_000;

/** A page of one list of jobs, with the counts of all. */
export async function jobsView(
  reader: StoreReader,
  { text = '', known = null, ...query }: JobsQuery,
): Promise<JobsPage> {
  const shown = await Shown.of(reader);
  const { unknown, holds, ...limits } = jobFilter(text, shown, reader.now());
  const request = { ...query, ...limits };
  const { lives, ...page } = await passing(reader, shown, request, holds);
  const blockers = new Blockers(reader, known);
  const rows: JobRow[] = [];
  for (const life of lives) rows.push(await jobRow(reader, life, await blockers.of(life.job)));
  return {
    list: request.list,
    queue: request.queue ?? null,
    rows,
    ...page,
    counts: (await reader.counts()).lists,
    queues: (await reader.list('queue', '')).map(({ id }) => id),
    unknown,
  };
}

interface Passing extends Pick<JobPage, 'next' | 'looked' | 'isCut'> {
  readonly lives: readonly JobLife[];
}

/**
 * The jobs of a page that pass a filter. Those that do not once their history is known make room for others, so that neither the
 * rows nor the number of those that were looked at give away what is hidden.
 */
async function passing(
  reader: StoreReader,
  shown: Shown,
  request: JobPageRequest,
  holds: JobFilter['holds'],
): Promise<Passing> {
  const { limit, look = mostLooked } = request;
  const lives: JobLife[] = [];
  let looked = 0;
  let { after } = request;
  for (;;) {
    const asked = { ...request, limit: limit - lives.length, look: look - looked };
    const page = await reader.jobsPage(after === undefined ? asked : { ...asked, after });
    const { next } = page;
    looked += page.looked;
    for (const job of page.jobs) {
      const life = await jobLife(reader, shown, job);
      if (holds(job, life.shown)) lives.push(life);
    }
    const isOver = next === null || lives.length >= limit || looked >= look || page.looked === 0;
    if (isOver) return { lives, next, looked, isCut: page.isCut || (next !== null && lives.length < limit) };
    after = next;
  }
}
