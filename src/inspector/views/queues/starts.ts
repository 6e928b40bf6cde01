import type { JobRecord } from '../../../model/records/records.ts';
import type { StoreReader } from '../../../store/reader.ts';
import { endOf } from '../jobs/job-row.ts';
import type { Recent } from '../overview/recent.ts';

const minuteMs = 60_000;

/** How many attempts began in each queue in the last minute, by what is held and what ended lately. */
export async function startsByQueue(
  reader: StoreReader,
  recent: Recent,
): Promise<ReadonlyMap<string, number>> {
  const now = reader.now();
  const from = spanOf(recent, now);
  const counts = new Map<string, number>();
  const count = (job: JobRecord): void => {
    const { parent, activeStart } = job;
    if (parent === null || !('queue' in parent) || (activeStart ?? 0) < from) return;
    counts.set(parent.queue, (counts.get(parent.queue) ?? 0) + 1);
  };
  for (const job of recent.jobs) count(job);
  const isSeen = (job: JobRecord): boolean => {
    count(job);
    return false;
  };
  await reader.jobsPage({ list: 'held', limit: 1, matches: isSeen });
  const times = minuteMs / Math.max(1, now - from);
  return new Map([...counts].map(([queue, n]) => [queue, Math.round(n * times)]));
}

/** From when on all that ended is known: where very much did, less than a minute. */
function spanOf({ jobs, isCut }: Recent, now: number): number {
  const oldest = jobs.at(-1);
  const known = isCut && oldest !== undefined ? (endOf(oldest) ?? 0) : 0;
  return Math.min(now - 1, Math.max(now - minuteMs, known));
}
