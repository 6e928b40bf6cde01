import { SignalboxError } from '../../../errors.ts';
import { jobChart } from '../../../model/jobs/machine-version.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type {
  Count,
  JobCounts,
  JobPage,
  JobPageRequest,
  LaneSummary,
  QueuePlace,
  RecordReader,
} from '../../reader.ts';
import { laneKey } from '../lanes.ts';
import { listed, listedById, pageOf } from './page.ts';

/** The questions that lists are made of. */
type Reads = Pick<RecordReader, 'list' | 'waiting' | 'waitingCount' | 'held' | 'heldCount' | 'quarantined'>;

/** How many waiting jobs are read. */
const mostWaiting = 1000;

/**
 * A page of a list, for a store that has no index of its own for lists, from its other reads.
 * @throws SignalboxError `LIST_UNAVAILABLE` for a list that no other read gives.
 */
export async function pageByReads(reader: Reads, request: JobPageRequest): Promise<JobPage> {
  const { list, queue } = request;
  if (list === 'waiting') {
    const jobs = await firstWaiting(reader, queue);
    const first = jobs.slice(0, mostWaiting);
    const behind = (id: string): number => first.findIndex((job) => job.id === id) + 1;
    return pageOf({ ...listed(first, jobs.length > mostWaiting), behind }, request);
  }
  if (list === 'held') {
    const jobs: JobRecord[] = [];
    for (const record of await reader.list('representation', queue === undefined ? '' : `${queue}/`))
      jobs.push(...(await reader.held(record.queue, record.dispatcher, null)));
    return pageOf(listed(jobs.sort(byClaim)), request);
  }
  if (list === 'quarantined') return pageOf(listedById(await reader.quarantined()), request);
  throw new SignalboxError('LIST_UNAVAILABLE', { list });
}

/** What is known without the lists; the others are at least 0. */
export async function countsByReads(reader: Reads): Promise<JobCounts> {
  let waiting = 0;
  for (const { id } of await reader.list('queue', '')) waiting += await reader.waitingCount(id);
  let held = 0;
  for (const { id } of await reader.list('agent', '')) {
    const [agent = '', dispatcher = '', ...queue] = id.split('/').reverse();
    held += await reader.heldCount(queue.reverse().join('/'), dispatcher, agent);
  }
  const states = Object.fromEntries(jobChart.states.map((state) => [state, unknown]));
  return {
    states: { ...states, pending: exactly(waiting) } as JobCounts['states'],
    endings: { succeeded: unknown, failed: unknown, aborted: unknown, expired: unknown },
    lists: {
      waiting: exactly(waiting),
      held: exactly(held),
      failed: unknown,
      ended: unknown,
      unplaced: unknown,
      quarantined: exactly((await reader.quarantined()).length),
    },
  };
}

/** The lanes of the first jobs of a queue, for a store that does not keep them. */
export async function lanesByReads(reader: Reads, queue: string): Promise<readonly LaneSummary[]> {
  const jobs = await reader.waiting(queue, mostWaiting + 1);
  const isCut = jobs.length > mostWaiting;
  const lanes = new Map<string, LaneSummary>();
  for (const job of jobs.slice(0, mostWaiting)) {
    const { name, quotaNames, beginAfter } = job;
    const key = laneKey(job);
    const line = lineOf(job);
    const lane = lanes.get(key) ?? {
      name,
      quotaNames,
      hasDeadlines: job.beginBy !== null,
      holdsSlots: job.quotas.length > 0,
      putBack: 0,
      now: 0,
      held: 0,
      oldestAt: null,
      isCut,
    };
    const oldestAt = Math.min(lane.oldestAt ?? Number.POSITIVE_INFINITY, beginAfter ?? 0);
    lanes.set(key, { ...lane, [line]: lane[line] + 1, oldestAt });
  }
  return [...lanes.values()];
}

/** The place of a job among the first of its queue. */
export async function placeByReads(
  reader: Reads & Pick<RecordReader, 'get'>,
  id: string,
): Promise<QueuePlace | null> {
  const parent = (await reader.get('job', id))?.parent ?? null;
  if (parent === null || !('queue' in parent) || 'agent' in parent) return null;
  const jobs = await reader.waiting(parent.queue, mostWaiting);
  const n = jobs.findIndex((job) => job.id === id);
  if (n >= 0) return { n, is: 'exact' };
  return jobs.length < mostWaiting ? null : { n: mostWaiting, is: 'atLeast' };
}

function lineOf({ order }: JobRecord): 'putBack' | 'now' | 'held' {
  const line = order?.[0];
  return line === 'putBack' || line === 'held' ? line : 'now';
}

async function firstWaiting(reader: Reads, queue: string | undefined): Promise<readonly JobRecord[]> {
  if (queue !== undefined) return reader.waiting(queue, mostWaiting + 1);
  const jobs: JobRecord[] = [];
  for (const { id } of await reader.list('queue', '')) {
    if (jobs.length > mostWaiting) break;
    jobs.push(...(await reader.waiting(id, mostWaiting + 1 - jobs.length)));
  }
  return jobs;
}

function byClaim(one: JobRecord, other: JobRecord): number {
  return (one.order?.[1] ?? 0) - (other.order?.[1] ?? 0);
}

const unknown: Count = { n: 0, more: true };

function exactly(n: number): Count {
  return { n, more: false };
}
