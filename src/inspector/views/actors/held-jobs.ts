import type { JobRecord } from '../../../model/records/records.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { HeldJob } from '../../protocol/actors.ts';

/** How many jobs of an agent are named. */
const mostHeld = 50;

/** The jobs that an agent holds, those whose code was called first in front. Names and times alone: no values. */
export async function heldJobs(
  reader: StoreReader,
  place: { readonly queue: string; readonly dispatcher: string; readonly name: string },
): Promise<readonly HeldJob[]> {
  const now = reader.now();
  const jobs = await reader.held(place.queue, place.dispatcher, place.name);
  return jobs
    .toSorted((one, other) => (one.activeStart ?? now) - (other.activeStart ?? now))
    .slice(0, mostHeld)
    .map((job) => heldJob(job, now));
}

function heldJob(
  { id, name, state, ending, activeStart, activeEnd, waitingOn }: JobRecord,
  now: number,
): HeldJob {
  const from = activeEnd ?? activeStart;
  return { id, name, state, ending, forMs: from === null ? null : Math.max(0, now - from), waitingOn };
}
