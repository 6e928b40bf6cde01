import { isReadable, type JobStatus, statusOfState } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { State } from '../log.ts';

/** How many records a store holds. */
export interface RecordCounts {
  /** Jobs by status, callbacks among them, without those in quarantine. */
  readonly jobs: Readonly<Record<JobStatus, number>>;
  /** Jobs in a state, or with values, that this version does not know. */
  readonly quarantined: number;
  readonly queues: number;
  readonly quotas: number;
  readonly annotations: number;
}

/** Counts the records of a state. */
export function countRecords({ job, queue, quota, annotation }: State['records']): RecordCounts {
  const jobs = { NEW: 0, PENDING: 0, ASSIGNED: 0, ACTIVE: 0, CALLBACKS: 0, COMPLETED: 0 };
  let quarantined = 0;
  for (const record of job as readonly unknown[] as readonly JobRecord[]) {
    if (isReadable(record)) jobs[statusOfState(record.state)] += 1;
    else quarantined += 1;
  }
  return { jobs, quarantined, queues: queue.length, quotas: quota.length, annotations: annotation.length };
}
