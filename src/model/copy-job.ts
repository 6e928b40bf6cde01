import type { JobRecord } from './records.ts';

/**
 * A job as it stood, to be changed key by key before anyone sees it. A literal with all keys and a loop over the patch:
 * ten times faster than spreading the two (0.05 against 0.5 µs), and a job is copied at each of its steps.
 */
export function copyJob(job: JobRecord): Record<string, unknown> {
  return {
    id: job.id,
    v: job.v,
    rev: job.rev,
    lastSeq: job.lastSeq,
    createdSeq: job.createdSeq,
    state: job.state,
    dueAt: job.dueAt,
    priority: job.priority,
    uniqueKey: job.uniqueKey,
    lane: job.lane,
    name: job.name,
    args: job.args,
    quotaNames: job.quotaNames,
    beginAfter: job.beginAfter,
    beginBy: job.beginBy,
    failureLogLevel: job.failureLogLevel,
    retryPolicy: job.retryPolicy,
    retryData: job.retryData,
    parent: job.parent,
    order: job.order,
    assigner: job.assigner,
    epoch: job.epoch,
    claim: job.claim,
    quotas: job.quotas,
    attempts: job.attempts,
    activeStart: job.activeStart,
    activeEnd: job.activeEnd,
    callbacksEnd: job.callbacksEnd,
    waitingOn: job.waitingOn,
    outcome: job.outcome,
    ending: job.ending,
  } satisfies JobRecord;
}
