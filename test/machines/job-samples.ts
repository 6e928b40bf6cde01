import type { Failure } from '../../machines/job.context.ts';
import type { JobEvent } from '../../machines/job.events.ts';

/** An error as a job stores it. */
const failure: Failure = { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} };

/** At least one event of every type; several where a guard or an assign reads its payload. */
export const jobEvents: readonly JobEvent[] = [
  { type: 'job.put', queue: 'q', at: 10, beginAfter: 10, assigner: 'p1' },
  { type: 'job.put', queue: 'q', at: 10, beginAfter: 99, assigner: null },
  { type: 'job.pull', system: null },
  { type: 'job.pull', system: 's1' },
  { type: 'job.claim', queue: 'q', dispatcher: 'd', agent: 'a', epoch: 2, quotas: [] },
  { type: 'job.claim', queue: 'q', dispatcher: 'd', agent: 'a', epoch: 2, quotas: ['q/disk'] },
  { type: 'job.unassign', queue: 'q' },
  { type: 'job.start', at: 20 },
  { type: 'job.retry', failed: { at: 25, failure } },
  { type: 'job.wait', on: 'j2' },
  { type: 'job.finish', at: 30, outcome: { ok: true, value: 1 }, retryData: null, awaited: null },
  { type: 'job.finish', at: 30, outcome: { ok: false, failure }, retryData: { tries: 1 }, awaited: 'j2' },
  { type: 'job.reschedule', at: 30, queue: 'q', beginAfter: null, retryData: null, failed: null },
  {
    type: 'job.reschedule',
    at: 30,
    queue: 'q',
    beginAfter: 60,
    retryData: { tries: 2 },
    failed: { at: 25, failure },
  },
  { type: 'job.interrupt', system: 's2' },
  { type: 'job.abort', at: 40, failure, retryData: null },
  { type: 'job.fail', at: 40, failure, expired: true },
  { type: 'job.fail', at: 40, failure, expired: false },
  { type: 'callback.reset', retryData: null },
  { type: 'callback.move', to: 'j9' },
  { type: 'job.complete', at: 50, unstarted: 1 },
  { type: 'job.complete', at: 50, unstarted: 0 },
  { type: 'job.file', at: 60 },
  { type: 'callable.set', name: 'other' },
  { type: 'args.set', args: [1] },
  { type: 'args.append', args: [2] },
  { type: 'beginAfter.set', beginAfter: 70 },
  { type: 'beginBy.set', beginBy: null },
  { type: 'quotaNames.set', quotaNames: ['disk'], unknown: 0 },
  { type: 'quotaNames.set', quotaNames: ['gone'], unknown: 1 },
  { type: 'failureLogLevel.set', failureLogLevel: 'error' },
  { type: 'retryPolicy.set', retryPolicy: 'never' },
];
