import type { Place } from '../../machines/job.context.ts';
import { type JobStatus, newJobRecord, statusOfState } from '../model/jobs/step.ts';
import type { JobRecord } from '../model/records/records.ts';
import type { OpenStore } from '../store/store.ts';

/** The reads of ancestors. */
type Records = Pick<OpenStore, 'get'>;

/** Deeper than any tree: a cycle of parents, which no chart makes, must not block a process. */
const maxDepth = 1000;

/** The ancestor of a job, or the job itself, that is in a queue or an agent, has left one, or has no parent. */
export async function topOf(store: Records, record: JobRecord): Promise<JobRecord> {
  let top = record;
  for (let depth = 0; depth < maxDepth; depth += 1) {
    const { parent } = top;
    if (parent === null || 'queue' in parent || 'left' in parent) return top;
    const id =
      'job' in parent
        ? parent.job
        : 'system' in parent
          ? parent.system
          : await ownerOfProxy(store, parent.proxy);
    const above = id === null ? undefined : await store.get('job', id);
    if (above === undefined) return top;
    top = above;
  }
  return top;
}

/** The queue that a job belongs to, through its ancestors; null when there is none. */
export async function queueOf(store: Records, record: JobRecord): Promise<string | null> {
  const { parent } = await topOf(store, record);
  if (parent === null) return null;
  if ('left' in parent) return parent.left;
  return 'queue' in parent ? parent.queue : null;
}

/** The status of a job; one of a callback that has not run follows its topmost ancestor. */
export async function statusOf(store: Records, record: JobRecord): Promise<JobStatus> {
  if (record.state !== 'new') return statusOfState(record.state);
  const top = await topOf(store, record);
  const parent = top.parent;
  if (top.id === record.id || parent === null || !('queue' in parent)) return 'NEW';
  return 'agent' in parent ? 'ASSIGNED' : 'PENDING';
}

/** The status of a job at a place that has not started: it follows the topmost ancestor. */
export function statusBelow(store: Records, parent: Place): Promise<JobStatus> {
  return statusOf(store, newJobRecord('', { name: '', parent }));
}

async function ownerOfProxy(store: Records, proxy: string): Promise<string | null> {
  const record = await store.get('proxy', proxy);
  return record !== undefined && 'job' in record.parent ? record.parent.job : null;
}
