import type { JobRecord } from '../records/records.ts';

/**
 * Returns a copy of a job that the caller may change key by key. A literal with all keys and a loop over the
 * patch are ten times faster than spreading both (0.05 against 0.5 µs), and a job is copied at each of its
 * steps.
 */
export function copyJob(job: JobRecord): Record<string, unknown> {
  return {
    id: job.id,
    v: job.v,
    rev: job.rev,
    lastSeq: job.lastSeq,
    createdSeq: job.createdSeq,
    position: job.position,
    state: job.state,
    priority: job.priority,
    uniqueKey: job.uniqueKey,
    name: job.name,
    args: job.args,
    quotaNames: job.quotaNames,
    keys: job.keys,
    beginAfter: job.beginAfter,
    beginBy: job.beginBy,
    readyAt: job.readyAt,
    timeout: job.timeout,
    deadline: job.deadline,
    failureLogLevel: job.failureLogLevel,
    retryPolicy: job.retryPolicy,
    retryData: job.retryData,
    parent: job.parent,
    line: job.line,
    assigner: job.assigner,
    epoch: job.epoch,
    claim: job.claim,
    quotas: job.quotas,
    attempts: job.attempts,
    lastFailure: job.lastFailure,
    activeStart: job.activeStart,
    activeEnd: job.activeEnd,
    callbacksEnd: job.callbacksEnd,
    waitingOn: job.waitingOn,
    stop: job.stop,
    snoozed: job.snoozed,
    tags: job.tags,
    origin: job.origin,
    reply: job.reply,
    outcome: job.outcome,
    ending: job.ending,
  } satisfies JobRecord;
}

/**
 * Returns the whole job of a record that lacks some keys. A literal here as well: setting the given keys one by
 * one takes three times as long (2.9 against 0.9 µs a record of a snapshot).
 */
export function wholeJob(given: Partial<JobRecord>, missing: JobRecord): Record<string, unknown> {
  return {
    id: given.id === undefined ? missing.id : given.id,
    v: given.v === undefined ? missing.v : given.v,
    rev: given.rev === undefined ? missing.rev : given.rev,
    lastSeq: given.lastSeq === undefined ? missing.lastSeq : given.lastSeq,
    createdSeq: given.createdSeq === undefined ? missing.createdSeq : given.createdSeq,
    position: given.position === undefined ? missing.position : given.position,
    state: given.state === undefined ? missing.state : given.state,
    priority: given.priority === undefined ? missing.priority : given.priority,
    uniqueKey: given.uniqueKey === undefined ? missing.uniqueKey : given.uniqueKey,
    name: given.name === undefined ? missing.name : given.name,
    args: given.args === undefined ? missing.args : given.args,
    quotaNames: given.quotaNames === undefined ? missing.quotaNames : given.quotaNames,
    keys: given.keys === undefined ? missing.keys : given.keys,
    beginAfter: given.beginAfter === undefined ? missing.beginAfter : given.beginAfter,
    beginBy: given.beginBy === undefined ? missing.beginBy : given.beginBy,
    readyAt: given.readyAt === undefined ? missing.readyAt : given.readyAt,
    timeout: given.timeout === undefined ? missing.timeout : given.timeout,
    deadline: given.deadline === undefined ? missing.deadline : given.deadline,
    failureLogLevel: given.failureLogLevel === undefined ? missing.failureLogLevel : given.failureLogLevel,
    retryPolicy: given.retryPolicy === undefined ? missing.retryPolicy : given.retryPolicy,
    retryData: given.retryData === undefined ? missing.retryData : given.retryData,
    parent: given.parent === undefined ? missing.parent : given.parent,
    line: given.line === undefined ? missing.line : given.line,
    assigner: given.assigner === undefined ? missing.assigner : given.assigner,
    epoch: given.epoch === undefined ? missing.epoch : given.epoch,
    claim: given.claim === undefined ? missing.claim : given.claim,
    quotas: given.quotas === undefined ? missing.quotas : given.quotas,
    attempts: given.attempts === undefined ? missing.attempts : given.attempts,
    lastFailure: given.lastFailure === undefined ? missing.lastFailure : given.lastFailure,
    activeStart: given.activeStart === undefined ? missing.activeStart : given.activeStart,
    activeEnd: given.activeEnd === undefined ? missing.activeEnd : given.activeEnd,
    callbacksEnd: given.callbacksEnd === undefined ? missing.callbacksEnd : given.callbacksEnd,
    waitingOn: given.waitingOn === undefined ? missing.waitingOn : given.waitingOn,
    stop: given.stop === undefined ? missing.stop : given.stop,
    snoozed: given.snoozed === undefined ? missing.snoozed : given.snoozed,
    tags: given.tags === undefined ? missing.tags : given.tags,
    origin: given.origin === undefined ? missing.origin : given.origin,
    reply: given.reply === undefined ? missing.reply : given.reply,
    outcome: given.outcome === undefined ? missing.outcome : given.outcome,
    ending: given.ending === undefined ? missing.ending : given.ending,
  } satisfies JobRecord;
}
