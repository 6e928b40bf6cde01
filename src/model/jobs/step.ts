/*
 * Room: jobs.
 *
 * Owns: What decides about a job: its steps, retry policies, filters and deadlines. All of it is pure.
 *
 * Invariant: `stepJob` is the only way in which a job changes. A refused event changes nothing.
 *
 * May import: checks, chart, values, records.
 */
import { type Ending, type JobInput, newJobContext } from '../../../machines/job.context.ts';
import type { JobEvent } from '../../../machines/job.events.ts';
import type { Json } from '../../../machines/json.ts';
import type { RepresentationEvent } from '../../../machines/representation.machine.ts';
import { BadStatusError } from '../../errors.ts';
import type { Effect } from '../chart/chart.ts';
import { type JobRecord, type RepresentationRecord, recordVersion } from '../records/records.ts';
import { copyJob } from './copy-job.ts';
import { jobChart, representationChart } from './machine-version.ts';

/** The result of one event for one record: a change to commit, and the effects that follow once it is durable. */
export interface Transition {
  readonly kind: 'job' | 'representation' | 'schedule';
  readonly id: string;
  readonly event: string;
  /** Null for the first entry of a schedule. */
  readonly from: string | null;
  readonly to: string;
  readonly patch: { readonly [key: string]: Json } | null;
  readonly effects: readonly Effect[];
  /** The job before the event; null for other kinds, and for a job that was not stored before. */
  readonly job: JobRecord | null;
}

/**
 * Applies an event to a job, by its chart. No job changes in any other way.
 * @throws BadStatusError when the chart refuses the event in the job's state.
 */
export function stepJob(job: JobRecord, event: JobEvent): Transition {
  const step = jobChart.step(job.state, job, event);
  if (!step.moved) {
    throw new BadStatusError({
      what: `job ${job.id}`,
      status: statusOfState(step.state),
      event: event.type,
      guards: step.guards,
    });
  }
  return {
    kind: 'job',
    id: job.id,
    event: event.type,
    from: step.from,
    to: step.to,
    patch: step.patch as Transition['patch'],
    effects: step.effects,
    job,
  };
}

/** Whether the chart has a transition for the event in the job's state and its guards agree. */
export function canStepJob(job: JobRecord, event: JobEvent): boolean {
  return jobChart.step(job.state, job, event).moved;
}

/** Returns the job after a transition: for a further step in the same commit. */
export function afterStep(job: JobRecord, transition: Transition): JobRecord {
  return takeStep(copyJob(job) as unknown as JobRecord, transition);
}

/** Makes a job what it is after a transition. Only for a record that no other code has seen. */
export function takeStep(own: JobRecord, transition: Transition): JobRecord {
  const job = own as unknown as Record<string, unknown>;
  for (const key in transition.patch) job[key] = transition.patch[key];
  job.state = transition.to;
  return own;
}

/** Whether the chart asks that the job's code be called. */
export function callsHandler({ effects }: Transition): boolean {
  for (const { type } of effects) if (type === 'callHandler') return true;
  return false;
}

/** Returns a new job, not yet in any store. */
export function newJobRecord(id: string, input: JobInput): JobRecord {
  const job = copyJob(blankJob);
  job.id = id;
  for (const key in input) {
    const value = input[key as keyof JobInput];
    if (value !== null && value !== undefined) job[key] = value;
  }
  return job as unknown as JobRecord;
}

const blankJob: JobRecord = Object.freeze({
  id: '',
  v: recordVersion,
  rev: 0,
  lastSeq: 0,
  createdSeq: 0,
  position: 0,
  state: 'new',
  uniqueKey: null,
  reply: null,
  ...newJobContext({ name: '' }),
});

/** Applies an event to a representation, by its chart. @throws BadStatusError when the chart refuses the event. */
export function stepRepresentation(record: RepresentationRecord, event: RepresentationEvent): Transition {
  const step = representationChart.step(record.state, record, event);
  if (!step.moved) {
    throw new BadStatusError({
      what: `the representation of dispatcher ${record.dispatcher}`,
      status: record.state,
      event: event.type,
      guards: step.guards,
    });
  }
  return {
    kind: 'representation',
    id: record.id,
    event: event.type,
    from: step.from,
    to: step.to,
    patch: step.patch as Transition['patch'],
    effects: step.effects,
    job: null,
  };
}

/** The six statuses of a job. */
export type JobStatus = 'NEW' | 'PENDING' | 'ASSIGNED' | 'ACTIVE' | 'CALLBACKS' | 'COMPLETED';

/** Whether a job that ended so has failed. One that was cancelled ended as it was asked to. */
export function isFailed(ending: Ending | null): boolean {
  return ending !== 'succeeded' && ending !== 'cancelled';
}

/** Returns the status of a stored state. */
export function statusOfState(state: string): JobStatus {
  if (state.startsWith('active')) return 'ACTIVE';
  return state.toUpperCase() as JobStatus;
}

const knownStates: ReadonlySet<string> = new Set(jobChart.states);

/**
 * Whether this version can step the job. Stores leave out the jobs that it cannot step: they would block the
 * others.
 */
export function isReadable(job: JobRecord): boolean {
  return knownStates.has(job.state) && job.unsound === undefined && fitsItsPlace(job);
}

/**
 * Whether the state is one that a job may have in its place. A job that failed while it waited stays there
 * until it is filed.
 */
function fitsItsPlace({ state, parent }: JobRecord): boolean {
  if (parent === null || !('queue' in parent)) return true;
  if ('agent' in parent) return state !== 'new' && state !== 'pending';
  return state === 'pending' || state === 'callbacks' || state === 'completed';
}
