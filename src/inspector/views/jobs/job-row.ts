import { isReadable } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Blocker } from '../../../reading/blocker.ts';
import { queueOf, statusOf } from '../../../reading/job-place.ts';
import type { Shown, ShownJob } from '../../../reading/shown.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import { durationText } from '../../../time.ts';
import type { JobRow } from '../../protocol/jobs.ts';
import { lifeOf } from '../job/attempts.ts';
import { cut, failureWords } from '../values/failure-view.ts';

/** Entries of one job that a line in a list reads. */
const mostEntries = 200;

/** A job with what its history says of it. */
export interface JobLife {
  readonly job: JobRecord;
  /** The newest ones, oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** With what its earlier arguments had to hide. */
  readonly shown: ShownJob;
}

export async function jobLife(reader: StoreReader, all: Shown, job: JobRecord): Promise<JobLife> {
  const entries: HistoryEntry[] = [];
  for await (const entry of reader.history('job', job.id, job.lastSeq))
    if (entries.push(entry) >= mostEntries) break;
  entries.reverse();
  const patches = entries.map(({ patch }) => patch);
  return { job, entries, shown: all.job(job, patches) };
}

/** One job as a line in a list. `blocker`: what blocks it, when it waits. */
export async function jobRow(
  reader: StoreReader,
  { job, entries, shown }: JobLife,
  blocker: Blocker | null = null,
): Promise<JobRow> {
  const { id, name, state, ending, parent, attempts, beginAfter, activeStart } = job;
  const now = reader.now();
  const endedAt = endOf(job);
  const [first] = entries;
  const until = state === 'completed' ? (endedAt ?? now) : now;
  return {
    id,
    name,
    status: await statusOf(reader, job),
    state,
    ending,
    queue: await queueOf(reader, job),
    agent: parent !== null && 'agent' in parent ? parent.agent : null,
    attempts,
    beginAfter,
    startedAt: activeStart,
    endedAt,
    totalMs: first?.q === 0 ? Math.max(0, until - first.at) : null,
    runMs: runMsOf(job, now),
    life: lifeOf(entries, now),
    why: whyOf(job, shown, now, blocker),
  };
}

/** When a job was over; null: it is not. */
export function endOf({ state, callbacksEnd, activeEnd }: JobRecord): number | null {
  return state === 'completed' ? (callbacksEnd ?? activeEnd) : null;
}

/** How long its last attempt ran, or has run; null: there was none. */
export function runMsOf({ state, activeStart, activeEnd }: JobRecord, now: number): number | null {
  if (activeStart === null) return null;
  if (activeEnd !== null) return Math.max(0, activeEnd - activeStart);
  return state.startsWith('active') ? Math.max(0, now - activeStart) : null;
}

function whyOf(job: JobRecord, shown: ShownJob, now: number, blocker: Blocker | null): string | null {
  const { outcome } = shown;
  if (!isReadable(job))
    return `not readable: ${(job.unsound ?? []).map(([key]) => key).join(', ') || job.state}`;
  if (outcome !== null) {
    if (outcome.ok) return null;
    const { code, message } = outcome.failure;
    const [line = ''] = message.split('\n');
    return cut(
      code === null || line.includes(code) ? line || failureWords(outcome.failure) : `${code} ${line}`,
      200,
    );
  }
  if (job.waitingOn !== null)
    return job.waitingOn === 'promise' ? 'waits for a promise' : `waits for job ${job.waitingOn}`;
  const failed = job.lastFailure === null ? null : failureWords(shown.failure(job.lastFailure.failure));
  const due = blocker?.until ?? job.beginAfter ?? 0;
  const begins = job.state === 'pending' && due > now ? `begins in ${durationText(due - now)}` : null;
  return [failed, begins ?? blocker?.text ?? null].filter((words) => words !== null).join(', ') || null;
}
