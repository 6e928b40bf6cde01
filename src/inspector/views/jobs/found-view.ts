import { Blockers } from '../../../reading/blocker.ts';
import { checkJobsFilter, type JobsFilter } from '../../../reading/search/jobs-filter.ts';
import { passing } from '../../../reading/search/passing.ts';
import { searchOf } from '../../../reading/search/search.ts';
import { Shown } from '../../../reading/shown.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { JobsPage } from '../../protocol/jobs.ts';
import { jobLife, jobRow } from './job-row.ts';

/** A page of the jobs that a filter finds, newest first. An error is compared with what the history of its job hides in mind. */
export async function foundView(
  reader: StoreReader,
  filter: JobsFilter,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<Pick<JobsPage, 'rows' | 'next' | 'looked'>> {
  const search = await searchOf(reader, checkJobsFilter(filter, reader.now()));
  const shown = await Shown.of(reader);
  const { found, next, looked } = await passing(
    reader,
    { ...search.request, limit, look: Number.POSITIVE_INFINITY, ...(after !== undefined && { after }) },
    async (job) => {
      const life = await jobLife(reader, shown, job);
      return search.holds(job, life.shown) ? life : null;
    },
  );
  const blockers = new Blockers(reader, null);
  const rows: JobsPage['rows'][number][] = [];
  for (const life of found) rows.push(await jobRow(reader, life, await blockers.of(life.job)));
  return { rows, next, looked };
}
