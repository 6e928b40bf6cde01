import { Blockers } from '../../../reading/blocker.ts';
import type { KnownNames } from '../../../reading/explanation.ts';
import { passing } from '../../../reading/search/passing.ts';
import { Shown } from '../../../reading/shown.ts';
import type { JobList, JobPageRequest, StoreReader } from '../../../store/reader.ts';
import type { JobRow, JobsPage } from '../../protocol/jobs.ts';
import { jobFilter } from './job-filter.ts';
import { jobLife, jobRow } from './job-row.ts';

/** Which page of which list, and what it is limited to. */
export interface JobsQuery extends JobPageRequest {
  readonly list: JobList;
  /** A filter as a person writes it: see `jobFilter`. */
  readonly text?: string;
  /** What this process knows by name; null or left out: nothing. */
  readonly known?: KnownNames | null;
}

/** A page of one list of jobs, with the counts of all. */
export async function jobsView(
  reader: StoreReader,
  { text = '', known = null, ...query }: JobsQuery,
): Promise<JobsPage> {
  const shown = await Shown.of(reader);
  const { unknown, holds, ...limits } = jobFilter(text, shown, reader.now());
  const request = { ...query, ...limits };
  const { found, ...page } = await passing(reader, request, async (job) => {
    const life = await jobLife(reader, shown, job);
    return holds(job, life.shown) ? life : null;
  });
  const blockers = new Blockers(reader, known);
  const rows: JobRow[] = [];
  for (const life of found) rows.push(await jobRow(reader, life, await blockers.of(life.job)));
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
