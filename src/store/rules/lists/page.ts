import { matchesPattern } from '../../../model/jobs/filter.ts';
import { statusOfState } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { JobPage, JobPageRequest } from '../../reader.ts';

/** Larger pages than this are cut. */
export const mostJobs = 200;

/** How many jobs are looked at for one page, unless the request says otherwise. */
export const defaultLook = 20_000;

/** A list of jobs, as far as it is looked at. */
export interface Listed {
  readonly length: number;
  job(at: number): JobRecord | undefined;
  /** Where to go on behind a job that a cursor names; `at` is where it was. It may have left the list. */
  behind(key: string, at: number): number;
  /** What names a place in a cursor. Default: the id of its job. */
  key?(at: number): string;
  /** Whether the list goes on behind `length`. */
  readonly isCut: boolean;
}

/** The page that a request asks for. A cursor is `<place>:<key>` of the last job that was looked at. */
export function pageOf(list: Listed, request: JobPageRequest): JobPage {
  const { after, look = defaultLook } = request;
  const limit = Math.min(Math.max(1, request.limit), mostJobs);
  const jobs: JobRecord[] = [];
  const first = after === undefined ? 0 : startOf(list, after);
  let at = first;
  let looked = 0;
  for (; at < list.length && jobs.length < limit && at - first < look; at += 1) {
    const job = list.job(at);
    // A job that was dropped leaves its place behind.
    if (job === undefined) continue;
    looked += 1;
    if (isWanted(job, request)) jobs.push(job);
  }
  const isOver = at >= list.length;
  const next =
    isOver || at === first ? null : `${at - 1}:${list.key?.(at - 1) ?? list.job(at - 1)?.id ?? ''}`;
  return { jobs, next, looked, isCut: isOver ? list.isCut : jobs.length < limit };
}

/** A list that is at hand, in any order. */
export function listed(jobs: readonly JobRecord[], isCut = false): Listed {
  return {
    length: jobs.length,
    job: (at) => jobs[at],
    isCut,
    behind(id, at) {
      const found = jobs[at]?.id === id ? at : jobs.findIndex((job) => job.id === id);
      // Those before it have left, too, as a rule: what stands at its place now comes after it.
      return found < 0 ? Math.min(at, jobs.length) : found + 1;
    },
  };
}

/** A list in order of id: a job that has left it leaves its place behind. */
export function listedById(jobs: readonly JobRecord[]): Listed {
  const sorted = [...jobs].sort((one, other) => (one.id < other.id ? -1 : 1));
  const behind = (id: string): number => {
    const found = sorted.findIndex((job) => job.id > id);
    return found < 0 ? sorted.length : found;
  };
  return { ...listed(sorted), behind };
}

function startOf(list: Listed, cursor: string): number {
  const colon = cursor.indexOf(':');
  const at = Number(cursor.slice(0, colon));
  return colon < 0 || !Number.isSafeInteger(at) || at < 0 ? 0 : list.behind(cursor.slice(colon + 1), at);
}

/** Whether a job is of the queue, of a definition, in a status, and matches, as the request asks. */
export function isWanted(job: JobRecord, request: JobPageRequest): boolean {
  const { queue, names, status, ending, matches } = request;
  if (queue !== undefined && !isOf(queue, job.parent)) return false;
  if (status !== undefined && !status.includes(statusOfState(job.state))) return false;
  if (ending !== undefined && (job.ending === null || !ending.includes(job.ending))) return false;
  if (names !== undefined && !names.some((pattern) => matchesPattern(pattern, job.name))) return false;
  return matches?.(job) ?? true;
}

/** Whether a job at a place is in a queue, or has ended there. */
function isOf(queue: string, parent: JobRecord['parent']): boolean {
  if (parent === null) return false;
  return 'left' in parent ? parent.left === queue : 'queue' in parent && parent.queue === queue;
}
