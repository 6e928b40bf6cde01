import type { JobRecord } from '../../model/records/records.ts';
import type { JobPage, JobPageRequest, StoreReader } from '../../store/reader.ts';

/** How many jobs of a list are looked at, unless the request says otherwise. */
const mostLooked = 20_000;
/** How many of them in one turn of the event loop, where it is let run between them. */
const mostInTurn = 2000;

/** The jobs of a list that pass. */
export interface Passing<Found> extends Pick<JobPage, 'next' | 'looked' | 'isCut'> {
  readonly found: readonly Found[];
}

/**
 * Walks a list until enough jobs pass, or enough were looked at. Those that do not pass once more is known than their record make room
 * for others, so that neither what is found nor the number of those that were looked at gives away what is hidden. `turn`: lets the
 * event loop run, so that a long look holds up nothing.
 */
export async function passing<Found>(
  reader: Pick<StoreReader, 'jobsPage'>,
  request: JobPageRequest,
  pass: (job: JobRecord) => Promise<Found | null>,
  turn?: () => Promise<void>,
): Promise<Passing<Found>> {
  const { limit, look = mostLooked } = request;
  const found: Found[] = [];
  let looked = 0;
  let { after } = request;
  for (;;) {
    const left = look - looked;
    const asked = {
      ...request,
      limit: limit - found.length,
      look: turn === undefined ? left : Math.min(mostInTurn, left),
    };
    const page = await reader.jobsPage(after === undefined ? asked : { ...asked, after });
    const { next } = page;
    looked += page.looked;
    for (const job of page.jobs) {
      const passed = await pass(job);
      if (passed !== null) found.push(passed);
    }
    if (next === null || next === after || found.length >= limit || looked >= look)
      return { found, next, looked, isCut: page.isCut || (next !== null && found.length < limit) };
    after = next;
    await turn?.();
  }
}
