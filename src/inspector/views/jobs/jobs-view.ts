import { SignalboxError } from '../../../errors.ts';
import { Shown } from '../../../reading/shown.ts';
import type { JobPage, JobPageRequest, StoreReader } from '../../../store/reader.ts';
import type { JobRow, JobsPage } from '../../protocol/jobs.ts';
import { jobFilter } from './job-filter.ts';
import { jobRow } from './job-row.ts';

/** Which page of which list, and what it is limited to. */
export interface JobsQuery extends JobPageRequest {
  /** A filter as a person writes it: see `jobFilter`. */
  readonly text?: string;
}

/** A page of one list of jobs, with the counts of all. */
export async function jobsView(reader: StoreReader, { text = '', ...query }: JobsQuery): Promise<JobsPage> {
  const shown = await Shown.of(reader);
  const { unknown, ...limits } = jobFilter(text, shown, reader.now());
  const request = { ...query, ...limits };
  const { page, missing } = await pageOrWhyNot(reader, request);
  const rows: JobRow[] = [];
  for (const job of page.jobs) rows.push(await jobRow(reader, shown, job));
  const { next, looked, isCut } = page;
  return {
    list: request.list,
    queue: request.queue ?? null,
    rows,
    next,
    looked,
    isCut,
    counts: (await reader.counts()).lists,
    queues: (await reader.list('queue', '')).map(({ id }) => id),
    unknown,
    missing,
  };
}

const emptyPage: JobPage = { jobs: [], next: null, looked: 0, isCut: false };

/** A store without that list is no error of the one who looks: the page says what is missing. */
export async function pageOrWhyNot(
  reader: StoreReader,
  request: JobPageRequest,
): Promise<{ readonly page: JobPage; readonly missing: string | null }> {
  try {
    return { page: await reader.jobsPage(request), missing: null };
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'LIST_UNAVAILABLE') throw error;
    return { page: emptyPage, missing: error.message };
  }
}
