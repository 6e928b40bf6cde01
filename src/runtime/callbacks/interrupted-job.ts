import { BadStatusError } from '../../errors.ts';
import { afterStep, statusOfState, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Precondition } from '../../store/store.ts';
import type { Committer } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { RetryStep } from '../commits/retry.ts';
import { jobFields, logOutcome } from '../execution/outcome-log.ts';
import type { OutcomeWaits } from '../execution/outcome-waits.ts';
import type { RetryPolicies } from '../execution/retry-policies.ts';
import type { CallbackContext } from '../execution/run.ts';
import type { CallbackSteps } from '../execution/run-steps.ts';
import { endJob } from './end-job.ts';
import { interruptionEvent, stoppedEvent } from './interruption-event.ts';

/** The dependencies of the decision about an interrupted job. */
export interface InterruptionDeps {
  readonly committer: Committer;
  readonly policies: Pick<RetryPolicies, 'afterInterrupt'>;
  readonly waits: Pick<OutcomeWaits, 'stillWaits'>;
}

/** Where an interrupted job is decided about. */
export interface InterruptionPlace {
  /** The queue that the job goes back to. */
  readonly queue: string;
  /** Where its callbacks run; null: outside any agent. */
  readonly within: CallbackContext | null;
  /** Id of the system job that decides; null when the program does. */
  readonly system: string | null;
}

/**
 * Decides about a job that was ACTIVE when its dispatcher disappeared: it goes back to its queue, or is aborted. In CALLBACKS
 * it resumes the callbacks: an earlier run of the system job has stored the abort. A system job decides only while the job
 * belongs to it: another run of it may be faster, and a process that has claimed the job since would lose it.
 * @throws BadStatusError in any other status.
 */
export async function handleInterrupt(
  { committer, policies, callbacks }: InterruptionDeps & { readonly callbacks: CallbackSteps },
  id: string,
  { queue, within, system }: InterruptionPlace,
): Promise<void> {
  const { context } = committer;
  const retry = new RetryStep(context, () => `deciding about interrupted job ${id}`);
  for (;;) {
    const record = await context.store.get('job', id);
    if (record === undefined || (system !== null && !belongsToSystemJob(record, system))) return;
    if (record.state === 'callbacks') return callbacks.resume(record, within);
    // The outcome that the job waited for has come since the system job looked: nothing is left to decide.
    if (record.state === 'completed' && within !== null) return;
    if (!record.state.startsWith('active')) throw notInterrupted(record);
    const at = context.store.now();
    const end = stoppedEvent(record, at);
    const event = end ?? interruptionEvent(record, queue, await policies.afterInterrupt(record), at);
    const step = stepJob(record, event);
    try {
      await committer.commit(context.uuid, [step], [ifUnchanged(record)]).synced;
    } catch (error) {
      await retry.pause(error);
      continue;
    }
    const after = afterStep(record, step);
    if (after.outcome === null) return;
    logOutcome(context, after);
    return callbacks.performFor(after, within);
  }
}

/**
 * Decides about a callback that was ACTIVE when its worker disappeared: it continues to wait for another job, is NEW again,
 * or is aborted. `ifHeld`: the decision counts only while this process holds the root job; a process that has lost that job
 * would take a callback for interrupted which the new holder has just called. Returns the job as it ended, whose own callbacks
 * are next, or null when it has not ended.
 */
export async function decideInterruptedCallback(
  { committer, policies, waits }: InterruptionDeps,
  callback: JobRecord,
  ifHeld: readonly Precondition[],
): Promise<JobRecord | null> {
  if (callback.state === 'active.waiting' && (await waits.stillWaits(callback))) return null;
  const { context } = committer;
  const end = stoppedEvent(callback, context.store.now());
  if (end !== null) return endJob(committer, callback, end, [ifUnchanged(callback), ...ifHeld]);
  const { answer, data } = await policies.afterInterrupt(callback);
  if (answer === false) {
    const event = interruptionEvent(callback, '', { answer, data }, context.store.now());
    return endJob(committer, callback, event, [ifUnchanged(callback), ...ifHeld]);
  }
  const label = jobLabel(callback);
  const fields = jobFields(callback);
  if (answer !== true)
    context.log.events('ERROR', () => `callback ${label} cannot be put back; it is tried again`, fields);
  context.log.trace('DEBUG', () => `retrying interrupted callback ${label}`, fields);
  const reset = stepJob(callback, { type: 'callback.reset', retryData: data });
  await committer.commit(context.uuid, [reset], [ifUnchanged(callback), ...ifHeld]).written;
  return null;
}

/**
 * Aborts a job that was ACTIVE outside any queue when its process disappeared: there is no place where it could be tried
 * again. Returns the job as it ended, or null when it continues to wait for another job or has just got its outcome.
 */
export async function abortAbandoned(
  { committer, waits }: InterruptionDeps,
  job: JobRecord,
): Promise<JobRecord | null> {
  if (job.state === 'active.waiting' && (await waits.stillWaits(job))) return null;
  const at = committer.context.store.now();
  const decision = { answer: false, data: job.retryData ?? {} } as const;
  const end = stoppedEvent(job, at) ?? interruptionEvent(job, '', decision, at);
  return endJob(committer, job, end, [ifUnchanged(job)]);
}

/** Whether a job is under this system job, which has to decide about it. */
export function belongsToSystemJob({ parent }: JobRecord, system: string): boolean {
  return parent !== null && 'system' in parent && parent.system === system;
}

function notInterrupted(job: JobRecord): BadStatusError {
  return new BadStatusError({
    what: `job ${job.id}`,
    status: statusOfState(job.state),
    event: 'job.interrupt',
    guards: [],
  });
}
