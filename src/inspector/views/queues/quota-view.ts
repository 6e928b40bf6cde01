import type { QuotaFacts } from '../../../reading/waiting-facts.ts';
import type { LaneSummary, StoreReader } from '../../../store/reader.ts';
import type { QuotaHolder, QuotaView } from '../../protocol/queues.ts';
import { runMsOf } from '../jobs/job-row.ts';
import { medianOf, type Recent } from '../overview/recent.ts';

/** How many of those that hold a slot are shown. */
const mostHolders = 8;
/** Entries of one holder that are read to find when it got its slot. */
const mostEntries = 200;

/** A quota: its slots, who holds them since when, and how many wait for one. */
export async function quotaView(
  reader: StoreReader,
  queue: string,
  { record, holders }: QuotaFacts,
  lanes: readonly LaneSummary[],
  recent: Recent,
): Promise<QuotaView> {
  const size = record.size ?? 0;
  const name = record.id.slice(queue.length + 1);
  const shown: QuotaHolder[] = [];
  // In the order in which they got their slots.
  for (const id of holders.slice(0, mostHolders)) shown.push(await holderOf(reader, record.id, id));
  const isFull = holders.length > 0 && holders.length >= size;
  const newest = holders.at(-1);
  const since = isFull && newest !== undefined ? await heldSince(reader, record.id, newest) : null;
  return {
    name,
    size,
    taken: holders.length,
    waiting: lanes.reduce((sum, lane) => sum + (lane.quotaNames.includes(name) ? sizeOf(lane) : 0), 0),
    fullSince: since,
    holders: shown,
    medianMs: medianRun(recent, queue, name, reader.now()),
  };
}

async function holderOf(reader: StoreReader, quota: string, id: string): Promise<QuotaHolder> {
  const job = await reader.get('job', id);
  return { id, name: job?.name ?? '', state: job?.state ?? '', since: await heldSince(reader, quota, id) };
}

/** When a job got a slot that it holds: it may have kept it through several attempts. */
async function heldSince(reader: StoreReader, quota: string, id: string): Promise<number | null> {
  let since: number | null = null;
  let looked = 0;
  for await (const { at, patch } of reader.history('job', id)) {
    const quotas = patch?.quotas;
    if (Array.isArray(quotas)) {
      if (!quotas.includes(quota)) break;
      since = at;
    }
    looked += 1;
    if (looked >= mostEntries) break;
  }
  return since;
}

function medianRun({ jobs }: Recent, queue: string, name: string, now: number): number | null {
  const own = jobs.filter(
    ({ parent, quotaNames }) =>
      quotaNames.includes(name) && parent !== null && 'queue' in parent && parent.queue === queue,
  );
  return medianOf(own.map((job) => runMsOf(job, now)));
}

function sizeOf({ putBack, now, held }: LaneSummary): number {
  return putBack + now + held;
}
