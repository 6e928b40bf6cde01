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
  readonly actors: number;
  /** Messages to actors: those that wait, and those that are over and still kept. */
  readonly messages: number;
}

/** Counts the records of a state. */
export function countRecords(records: State['records']): RecordCounts {
  const jobs = { NEW: 0, PENDING: 0, ASSIGNED: 0, ACTIVE: 0, CALLBACKS: 0, COMPLETED: 0 };
  let quarantined = 0;
  for (const record of records.job as readonly unknown[] as readonly JobRecord[]) {
    if (isReadable(record)) jobs[statusOfState(record.state)] += 1;
    else quarantined += 1;
  }
  return {
    jobs,
    quarantined,
    queues: records.queue.length,
    quotas: records.quota.length,
    annotations: records.annotation.length,
    actors: records.actor.length,
    messages: records.message.length,
  };
}
