import { isFailed } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { EndedView, Percentiles } from '../../protocol/overview.ts';
import { endOf, runMsOf } from '../jobs/job-row.ts';

/** The window that the overview looks back, and its steps. */
export const windowMs = 600_000;
const stepMs = 5000;

/** How many jobs are looked at, newest first. */
const mostEnded = 10_000;

/** What ended in the last minutes. */
export interface Recent {
  /** Newest first. */
  readonly jobs: readonly JobRecord[];
  readonly isCut: boolean;
}

/** Reads what ended since an instant, in one walk from the newest on. */
export async function recentlyEnded(reader: StoreReader, since: number, most = mostEnded): Promise<Recent> {
  const jobs: JobRecord[] = [];
  const isOlder = (job: JobRecord): boolean => {
    if ((endOf(job) ?? 0) < since) return true;
    jobs.push(job);
    return false;
  };
  const { isCut } = await reader.jobsPage({ list: 'ended', limit: 1, look: most, matches: isOlder });
  return { jobs, isCut };
}

/** Counts and times of what ended, by steps. Pure. */
export function endedView({ jobs, isCut }: Recent, now: number): EndedView {
  const steps = windowMs / stepMs;
  const from = now - windowMs;
  const succeeded = new Array<number>(steps).fill(0);
  const failed = new Array<number>(steps).fill(0);
  const cancelled = new Array<number>(steps).fill(0);
  for (const job of jobs) {
    const at = Math.min(steps - 1, Math.max(0, Math.floor(((endOf(job) ?? from) - from) / stepMs)));
    const counts = job.ending === 'succeeded' ? succeeded : isFailed(job.ending) ? failed : cancelled;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const good = jobs.filter(({ ending }) => ending === 'succeeded');
  return {
    from,
    to: now,
    stepMs,
    succeeded,
    failed,
    cancelled: cancelled.reduce((sum, count) => sum + count, 0),
    runMs: percentiles(good.map((job) => runMsOf(job, now))),
    waitMs: percentiles(jobs.map(waitMsOf)),
    isCut,
  };
}

/** The median run of each definition, over what succeeded. Pure. */
export function medianRuns({ jobs }: Pick<Recent, 'jobs'>, now: number): ReadonlyMap<string, number> {
  const runs = new Map<string, (number | null)[]>();
  for (const job of jobs) {
    if (job.ending !== 'succeeded') continue;
    const known = runs.get(job.name) ?? [];
    runs.set(job.name, known);
    known.push(runMsOf(job, now));
  }
  return new Map([...runs].map(([name, all]) => [name, percentiles(all)?.p50 ?? 0]));
}

/** From due to started, of the last attempt. */
function waitMsOf({ beginAfter, activeStart }: JobRecord): number | null {
  return beginAfter === null || activeStart === null ? null : Math.max(0, activeStart - beginAfter);
}

/** The one in the middle; null: there is none. */
export function medianOf(values: readonly (number | null)[]): number | null {
  return percentiles(values)?.p50 ?? null;
}

function percentiles(values: readonly (number | null)[]): Percentiles | null {
  const known = values.filter((value) => value !== null).sort((one, other) => one - other);
  if (known.length === 0) return null;
  const at = (part: number): number =>
    known[Math.min(known.length - 1, Math.floor(known.length * part))] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}
