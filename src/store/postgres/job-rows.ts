import type { Place } from '../../../machines/job.context.ts';
import { isReadable } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';

/** A job as a row: the columns of the tables `job` and `done`. */
export type JobRow = { readonly [column in (typeof columns)[number]]: unknown };

/** The columns in the order of the table. */
const columns = [
  'id',
  'v',
  'rev',
  'last_seq',
  'created_seq',
  'state',
  'name',
  'args',
  'quota_names',
  'begin_after',
  'begin_by',
  'failure_log_level',
  'retry_policy',
  'retry_data',
  'queue',
  'dispatcher',
  'agent',
  'parent_job',
  'parent_proxy',
  'parent_system',
  'line',
  'place',
  'lane',
  'turn',
  'assigner',
  'epoch',
  'claim',
  'quotas',
  'attempts',
  'last_failure',
  'active_start',
  'active_end',
  'callbacks_end',
  'waiting_on',
  'outcome',
  'ending',
  'due_at',
  'priority',
  'unique_key',
] as const;

/** The names of the columns, in the order of the table. */
export const jobColumnNames: readonly string[] = columns;

/** The columns, for the lists of statements. */
export const jobColumns = columns.join(', ');

/** The columns of jobs that are counted: arguments, which may be large, only of those that wait, which a filter may be shown. */
export const countedColumns = columns
  .map((column) => (column === 'args' ? "CASE WHEN lane IS NULL THEN '[]' ELSE args END AS args" : column))
  .join(', ');

/** What an update sets of every job; arguments, which may be large, are set only of those whose arguments have changed. */
export const jobUpdates = columns
  .filter((column) => column !== 'id' && column !== 'args')
  .map((column) => `${column} = r.${column}`)
  .join(', ');

/** Whether the job can change no more except for what is kept of it: it is in no queue and no agent holds it. */
export function isDone(job: JobRecord): boolean {
  if (job.state !== 'completed') return false;
  const { parent } = job;
  return parent === null || !('queue' in parent) || ('agent' in parent && job.callbacksEnd !== null);
}

/** What a claim distinguishes: the definition and the names of the quotas. */
function laneOf(name: string, quotaNames: readonly string[]): string {
  return JSON.stringify([name, ...quotaNames]);
}

/** Definition and quota names of a lane. */
export function partsOfLane(lane: string): { readonly name: string; readonly quotaNames: readonly string[] } {
  const [name = '', ...quotaNames] = JSON.parse(lane) as string[];
  return { name, quotaNames };
}

/** The row of a job. */
export function rowOf(job: JobRecord): JobRow {
  const parent = (job.parent ?? {}) as Partial<Record<string, string>>;
  const [line = null, place = null] = job.order ?? [];
  const waits = parent.queue !== undefined && parent.agent === undefined && isReadable(job);
  return {
    id: job.id,
    v: job.v,
    rev: job.rev,
    last_seq: job.lastSeq,
    created_seq: job.createdSeq,
    state: job.state,
    name: job.name,
    args: job.args,
    quota_names: job.quotaNames,
    begin_after: job.beginAfter,
    begin_by: job.beginBy,
    failure_log_level: job.failureLogLevel,
    retry_policy: job.retryPolicy,
    retry_data: job.retryData,
    queue: parent.queue ?? null,
    dispatcher: parent.dispatcher ?? null,
    agent: parent.agent ?? null,
    parent_job: parent.job ?? null,
    parent_proxy: parent.proxy ?? null,
    parent_system: parent.system ?? null,
    line,
    place,
    lane: waits ? laneOf(job.name, job.quotaNames) : null,
    turn: waits ? (line === 'held' ? (job.beginAfter ?? 0) : place) : null,
    assigner: job.assigner,
    epoch: job.epoch,
    claim: job.claim,
    quotas: job.quotas,
    attempts: job.attempts,
    last_failure: job.lastFailure,
    active_start: job.activeStart,
    active_end: job.activeEnd,
    callbacks_end: job.callbacksEnd,
    waiting_on: job.waitingOn,
    outcome: job.outcome,
    ending: job.ending,
    due_at: job.dueAt,
    priority: job.priority,
    unique_key: job.uniqueKey,
  };
}

/** The job of a row. */
export function jobOf(row: JobRow): JobRecord {
  const { line, place } = row;
  return {
    id: row.id,
    v: row.v,
    rev: row.rev,
    lastSeq: row.last_seq,
    createdSeq: row.created_seq,
    state: row.state,
    dueAt: row.due_at,
    priority: row.priority,
    uniqueKey: row.unique_key,
    lane: null,
    name: row.name,
    args: row.args,
    quotaNames: row.quota_names,
    beginAfter: row.begin_after,
    beginBy: row.begin_by,
    failureLogLevel: row.failure_log_level,
    retryPolicy: row.retry_policy,
    retryData: row.retry_data,
    parent: placeOf(row),
    order: line === null ? null : [line, place],
    assigner: row.assigner,
    epoch: row.epoch,
    claim: row.claim,
    quotas: row.quotas,
    attempts: row.attempts,
    lastFailure: row.last_failure,
    activeStart: row.active_start,
    activeEnd: row.active_end,
    callbacksEnd: row.callbacks_end,
    waitingOn: row.waiting_on,
    outcome: row.outcome,
    ending: row.ending,
  } as JobRecord;
}

function placeOf(row: JobRow): Place | null {
  if (row.agent !== null) {
    return { queue: row.queue, dispatcher: row.dispatcher, agent: row.agent } as Place;
  }
  if (row.queue !== null) return { queue: row.queue as string };
  if (row.parent_job !== null) return { job: row.parent_job as string };
  if (row.parent_proxy !== null) return { proxy: row.parent_proxy as string };
  return row.parent_system === null ? null : { system: row.parent_system as string };
}
