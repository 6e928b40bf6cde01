import type { AnnotationRecord, JobRecord, ProxyRecord } from '../../model/records/records.ts';
import { referredJobs } from '../../model/values/values.ts';
import type { OpenStore } from '../store.ts';

/** A job with everything that belongs to it: parents stand before their children. */
export interface JobTree {
  readonly root: JobRecord;
  /** The root, and all callbacks below it. */
  readonly jobs: readonly JobRecord[];
  readonly proxies: readonly ProxyRecord[];
  readonly annotations: readonly AnnotationRecord[];
  /** How many callbacks and proxies each of the jobs has. */
  readonly callbackCounts: ReadonlyMap<string, number>;
}

/** Reads a tree as it is now. */
export async function treeOf(store: OpenStore, root: JobRecord): Promise<JobTree> {
  const jobs: JobRecord[] = [root];
  const proxies: ProxyRecord[] = [];
  const callbackCounts = new Map<string, number>();
  // It grows while it is walked.
  for (const job of jobs) {
    const callbacks = await store.callbacks(job.id);
    callbackCounts.set(job.id, callbacks.length);
    for (const callback of callbacks) {
      if (callback.kind === 'job') jobs.push(callback.record);
      else {
        proxies.push(callback.record);
        jobs.push(...(await store.branches(callback.record.id)));
      }
    }
  }
  const annotated = await store.annotated(jobs.map(({ id }) => id));
  const annotations: AnnotationRecord[] = [];
  for (const { id } of jobs) if (annotated.has(id)) annotations.push(...(await store.annotations(id)));
  return { root, jobs, proxies, annotations, callbackCounts };
}

/** How long a tree is, about, as it is written. */
export function sizeOf({ jobs, proxies, annotations }: JobTree): number {
  return JSON.stringify([jobs, proxies, annotations]).length;
}

/** Whether a tree can be moved alone: nothing of it has begun, it names no other job, and no other job waits for it. */
export async function standsAlone(store: OpenStore, { root, jobs }: JobTree): Promise<boolean> {
  const ids = new Set(jobs.map(({ id }) => id));
  const isWhole = jobs.every(
    (job) =>
      (job === root ? job.state === 'pending' : job.state === 'new') &&
      job.unsound === undefined &&
      job.args.flatMap(referredJobs).every((id) => ids.has(id)),
  );
  return isWhole && (await store.waiters([...ids])).length === 0;
}
