import { type Ending, endings, type JobState } from '../../../../machines/job.context.ts';
import { jobChart } from '../../../model/jobs/machine-version.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Count, JobCounts, JobPage, JobPageRequest } from '../../reader.ts';
import { waitingInOrder } from '../claim-order.ts';
import type { Tables } from '../tables.ts';
import type { EndedJobs } from './ended-jobs.ts';
import { type Listed, listed, listedById, pageOf } from './page.ts';

/** How many waiting jobs are looked at: their order is that of claims, which is made by walking. */
const mostWaiting = 10_000;

/** Counts without looking at jobs, but for those in quarantine. */
export function tableCounts({ jobs, states, findJob }: Tables): JobCounts {
  const readable = new Map(states);
  for (const id of jobs.quarantined) {
    const state = findJob(id)?.state ?? '';
    readable.set(state, (readable.get(state) ?? 0) - 1);
  }
  let held = 0;
  for (const ids of jobs.heldByAgent()) held += ids.size;
  const state = (name: string): number => readable.get(name) ?? 0;
  return {
    states: Object.fromEntries(jobChart.states.map((name) => [name, exactly(state(name))])) as Record<
      JobState,
      Count
    >,
    endings: Object.fromEntries(endings.map((name) => [name, exactly(jobs.endings[name])])) as Record<
      Ending,
      Count
    >,
    lists: {
      waiting: exactly(state('pending')),
      held: exactly(held),
      failed: exactly(jobs.failed.size),
      ended: exactly(jobs.completed.size),
      unplaced: exactly(jobs.unplaced.size),
      quarantined: exactly(jobs.quarantined.size),
    },
  };
}

/** One page of a list. `now`: what is due at this instant counts as due. */
export function tablePage(tables: Tables, request: JobPageRequest, now: number): JobPage {
  return pageOf(listOf(tables, request, now), request);
}

function listOf(tables: Tables, { list, queue, tag = '' }: JobPageRequest, now: number): Listed {
  const { jobs } = tables;
  switch (list) {
    case 'waiting':
      return waiting(tables, queue, now);
    case 'held':
      return held(tables);
    case 'failed':
    case 'ended':
      return newestFirst(tables, list === 'failed' ? jobs.failed : jobs.completed);
    case 'all':
      return tables.created.newestFirst(() => tables.all('job'));
    case 'tagged':
      return jobs.tagged(tag);
    default:
      return listedById(found(tables, list === 'unplaced' ? jobs.unplaced : jobs.quarantined));
  }
}

/** In the order of claims, which is made by walking: a page walks only as far as it goes. */
function waiting(tables: Tables, queue: string | undefined, now: number): Listed {
  const queues = queue === undefined ? tables.list('queue', '').map(({ id }) => id) : [queue];
  const count = queues.reduce((sum, name) => sum + tables.jobs.queues.waitingCount(name), 0);
  const walk = queues.map((name) =>
    waitingInOrder(tables.jobs.queues.lanes(name), tables.findJob, () => tables.levelOrder(name, now)),
  );
  const seen: JobRecord[] = [];
  const job = (at: number): JobRecord | undefined => {
    while (seen.length <= at && walk.length > 0) {
      const next = walk[0]?.next();
      if (next?.done === false) seen.push(next.value);
      else walk.shift();
    }
    return seen[at];
  };
  return {
    length: Math.min(count, mostWaiting),
    job,
    isCut: count > mostWaiting,
    behind(id, at) {
      job(Math.min(at, mostWaiting));
      // One that was taken stood behind those that were taken before it: what comes after it now comes first.
      return seen.findIndex((each) => each.id === id) + 1;
    },
  };
}

/** In the order of claims, over all agents. */
function held(tables: Tables): Listed {
  const jobs = [...tables.jobs.heldByAgent()].flatMap((ids) => found(tables, ids));
  return listed(jobs.sort((one, other) => one.position - other.position));
}

/** A list from its end: only the jobs of the page are looked up. */
function newestFirst({ findJob }: Tables, ended: EndedJobs): Listed {
  const { length } = ended;
  return {
    length,
    job: (at) => findJob(ended.newest(at) ?? ''),
    isCut: false,
    behind: (id, at) => ended.behind(id, at),
  };
}

function found({ findJob }: Tables, ids: Iterable<string>): JobRecord[] {
  const jobs: JobRecord[] = [];
  for (const id of ids) {
    const job = findJob(id);
    if (job !== undefined) jobs.push(job);
  }
  return jobs;
}

function exactly(n: number): Count {
  return { n, more: false };
}
