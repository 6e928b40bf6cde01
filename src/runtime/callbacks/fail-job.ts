import type { JobEvent } from '../../../machines/job.events.ts';
import { BadStatusError, SignalboxError, TimeoutError } from '../../errors.ts';
import { afterStep, canStepJob, statusOfState, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { isSystemJob } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { topOf } from '../../reading/job-place.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { logOutcome } from '../execution/outcome-log.ts';
import type { CallbackContext } from '../execution/run.ts';
import type { CallbackSteps } from '../execution/run-steps.ts';

/** How a job is failed. */
export interface FailOptions {
  /** It has expired. Default false. */
  readonly expired?: boolean;
  /** Where its callbacks run. Default: outside any agent. */
  readonly within?: CallbackContext | null;
}

/**
 * Fails a job that has not started. `error` undefined: with a TimeoutError. In CALLBACKS it only resumes the callbacks, unless a
 * worker does so, so that a repeated call is harmless.
 * @throws BadStatusError in ACTIVE and COMPLETED; SignalboxError `JOB_NOT_FOUND`.
 */
export async function failJob(
  callbacks: CallbackSteps,
  work: UnitOfWork,
  id: string,
  error: unknown,
  { expired = false, within = null }: FailOptions = {},
): Promise<void> {
  const { context } = work;
  const record = await work.readChecked('job', id);
  if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
  if (record.state === 'callbacks') {
    // A second worker would complete the job while a callback of the first one runs, and that would be lost with its worker.
    if (within === null && (await hasWorker(context, record))) return;
    await work.whenCommitted(() => callbacks.performFor(record, within));
    return;
  }
  const failure = Failure.from(
    error ?? new TimeoutError({ what: `the start of job ${id}`, limit: 'its deadline' }),
  );
  const event: JobEvent = { type: 'job.fail', at: context.now(), failure: failure.data, expired };
  if (!canStepJob(record, event)) throw refused(id, statusOfState(record.state));
  const fail = stepJob(record, event);
  const failed = afterStep(record, fail);
  // As part of a larger commit it completes at once when it has no callbacks.
  if (work.isPartial && !(await work.hasCallbacks(id))) {
    const complete = stepJob(failed, { type: 'job.complete', at: context.now(), unstarted: 0 });
    await work.submit([fail, complete], [ifUnchanged(record), { check: 'noUnstartedCallback', id }]);
    return;
  }
  await work.submit([fail], [ifUnchanged(record)]);
  await work.whenCommitted(async () => {
    logOutcome(context, failed);
    await callbacks.performFor(failed, within);
  });
}

/** Whether the job is held by an agent, or a system job decides about it. */
async function hasWorker({ store }: RuntimeContext, record: JobRecord): Promise<boolean> {
  const { name, parent } = await topOf(store, record);
  return isSystemJob(name) || (parent !== null && 'agent' in parent);
}

function refused(id: string, status: string): BadStatusError {
  const repair =
    status === 'ACTIVE'
      ? 'Its code runs, and only that can fail it now: let it throw, for example when it finds an annotation that job.setAnnotation left for it.'
      : 'It is over, and its outcome stays: look at job.outcome after job.refresh().';
  return new BadStatusError({ what: `job ${id}`, status, event: 'job.fail', guards: [], repair });
}
