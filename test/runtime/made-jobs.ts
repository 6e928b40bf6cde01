import type { FailedAttempt, Failure, JobState, Outcome } from '../../machines/job.context.ts';
import type { JobEvent } from '../../machines/job.events.ts';
import { afterStep, newJobRecord, stepJob } from '../../src/model/jobs/step.ts';
import type { JobRecord } from '../../src/model/records/records.ts';

export const succeeded: Outcome = { ok: true, value: 1 };

const failure: Failure = { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} };

export const failed: Outcome = { ok: false, failure };

export const failedAt25: FailedAttempt = { at: 25, failure };

/** Where `jobIn` has its jobs: an agent, or its queue. */
export const place = { queue: 'q', dispatcher: 'd', agent: 'a' } as const;

const put: JobEvent = { type: 'job.put', queue: 'q', at: 10, beginAfter: 10, assigner: 'p1' };
const start: JobEvent = { type: 'job.start', at: 20 };
const wait: JobEvent = { type: 'job.wait', on: 'j2' };
const finish: JobEvent = { type: 'job.finish', at: 30, outcome: succeeded, retryData: null, awaited: null };
const complete: JobEvent = { type: 'job.complete', at: 40, unstarted: 0 };

/**
 * Returns a job of this state: put into queue `q` at 10, claimed in epoch 1, started at 20, waiting for job `j2`, finished with
 * `succeeded` at 30, completed at 40. It holds a slot in each of `input.quotas` from its claim on.
 */
export function jobIn(state: JobState, { quotas = [], ...input }: Partial<JobRecord> = {}): JobRecord {
  const claim: JobEvent = { type: 'job.claim', ...place, epoch: 1, quotas };
  const paths: Readonly<Record<JobState, readonly JobEvent[]>> = {
    new: [],
    pending: [put],
    assigned: [put, claim],
    'active.running': [put, claim, start],
    'active.waiting': [put, claim, start, wait],
    'active.timingOut': [put, claim, start, { type: 'job.timeout', at: 25, what: 'timeout' }],
    'active.cancelling': [put, claim, start, { type: 'job.cancel', at: 25, by: 'p1', reason: null, failure }],
    callbacks: [put, claim, start, finish],
    completed: [put, claim, start, finish, complete],
  };
  return afterEvents(newJobRecord('j1', { name: 'work', ...input }), paths[state]);
}

/** Returns a callback of job `parent` that runs. */
export function runningCallback(parent: string): JobRecord {
  return afterEvents(newJobRecord('c1', { name: 'work', parent: { job: parent }, line: 'callback' }), [
    start,
  ]);
}

/** Returns the job after events. */
export function afterEvents(job: JobRecord, events: readonly JobEvent[]): JobRecord {
  return events.reduce((record, event) => afterStep(record, stepJob(record, event)), job);
}
