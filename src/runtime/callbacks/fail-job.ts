import type { JobEvent } from '../../../machines/job.events.ts';
import { AbortedError, BadStatusError, SignalboxError, TimeoutError } from '../../errors.ts';
import { putBackAt } from '../../model/jobs/retry.ts';
import { afterStep, statusOfState, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Expectation } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import { RetryStep } from '../commits/retry.ts';
import type { Unit } from '../commits/unit-of-work.ts';
import { logOutcome } from '../execution/outcome-log.ts';
import type { CallbackContext } from './callback-runner.ts';

/**
 * Fails a job that nobody has started. In CALLBACKS it only resumes the callbacks, so that a retried call is harmless.
 * @throws BadStatusError in ACTIVE and COMPLETED.
 */
export async function failFromOutside(
  engine: Engine,
  unit: Unit,
  id: string,
  error: unknown,
  options: { readonly expired?: boolean; readonly within?: CallbackContext | null } = {},
): Promise<void> {
  const { expired = false, within = null } = options;
  const record = await unit.get('job', id);
  if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
  if (record.state === 'callbacks') {
    await unit.whenCommitted(() => engine.callbacks.performFor(record, within));
    return;
  }
  const failure = Failure.from(
    error ?? new TimeoutError({ what: `the start of job ${id}`, limit: 'its deadline' }),
  );
  const fail = stepJob(record, { type: 'job.fail', at: engine.now(), failure: failure.data, expired });
  const failed = afterStep(record, fail);
  const asRead = { what: 'rev', kind: 'job', id, rev: record.rev } as const;
  // Together with other changes it is over at once when nothing is to be called.
  const completes = unit.ofHandles !== engine.direct && !(await unit.hasCallbacks(id));
  if (completes) {
    const complete = stepJob(failed, { type: 'job.complete', at: engine.now(), unstarted: 0 });
    await unit.submit([fail, complete], [asRead, { what: 'noUnstartedCallback', id }]);
    return;
  }
  await unit.submit([fail], [asRead]);
  await unit.whenCommitted(async () => {
    logOutcome(engine, record, { ok: false, failure: failure.data });
    await engine.callbacks.performFor(failed, within);
  });
}

/**
 * Decides about a job that was ACTIVE when its dispatcher went away. In CALLBACKS it resumes the callbacks: the abort
 * was stored by an earlier run of the system job. A system job decides as long as it has the job in its care: another run
 * of it may be faster, and who claims the job then would lose it.
 * @throws BadStatusError in any other status.
 */
export async function handleInterrupt(
  engine: Engine,
  id: string,
  queue: string,
  { within, system }: { readonly within: CallbackContext | null; readonly system: string | null },
): Promise<void> {
  const retry = new RetryStep(engine, () => `deciding about interrupted job ${id}`);
  for (;;) {
    const record = await engine.store.get('job', id);
    if (record === undefined || (system !== null && !isInCareOf(record, system))) return;
    if (record.state === 'callbacks') return engine.callbacks.resume(record, within);
    // A system job looked before: meanwhile what the job waited for has come, and nothing is left to decide.
    if (record.state === 'completed' && within !== null) return;
    if (!record.state.startsWith('active')) throw notInterrupted(record);
    const { answer, data } = await engine.policies.afterInterrupt(record);
    const at = engine.store.now();
    const again = answer !== false;
    const aborted = Failure.from(new AbortedError({ id })).data;
    const event: JobEvent = again
      ? {
          type: 'job.reschedule',
          at,
          queue,
          beginAfter: answer === true ? null : putBackAt(answer, at),
          retryData: data,
        }
      : { type: 'job.abort', at, failure: aborted, retryData: data };
    const step = stepJob(record, event);
    try {
      await engine.commit(engine.uuid, [step], [{ what: 'rev', kind: 'job', id, rev: record.rev }]).synced;
    } catch (error) {
      await retry.pause(error);
      continue;
    }
    if (!again) {
      logOutcome(engine, record, { ok: false, failure: aborted });
      await engine.callbacks.performFor(afterStep(record, step), within);
    }
    return;
  }
}

/** Whether a system job has this one to decide about. */
export function isInCareOf({ parent }: JobRecord, system: string): boolean {
  return parent !== null && 'system' in parent && parent.system === system;
}

/**
 * Aborts a job that was ACTIVE outside any queue when its process went away: there is no place where it could be tried
 * again. Gives it as it ended, or null when it waits for another job, or has just got the outcome of that.
 */
export async function abortAbandoned(engine: Engine, job: JobRecord): Promise<JobRecord | null> {
  if (job.state === 'active.waiting' && (await engine.awaited.stillWaits(job))) return null;
  return abortJob(engine, job, job.retryData);
}

/** Ends a job that was ACTIVE when its worker went away and is not tried again. */
export function abortJob(
  engine: Engine,
  job: JobRecord,
  retryData: JobRecord['retryData'],
): Promise<JobRecord> {
  const failure = Failure.from(new AbortedError({ id: job.id })).data;
  const abort = { type: 'job.abort', at: engine.now(), failure, retryData } as const;
  return endJob(engine, job, abort, [{ what: 'rev', kind: 'job', id: job.id, rev: job.rev }]);
}

/** Ends a job that is not called, or not called again: it is too late, or nobody retries it. */
export async function endJob(
  engine: Engine,
  job: JobRecord,
  event: JobEvent,
  expect: readonly Expectation[],
): Promise<JobRecord> {
  const step = stepJob(job, event);
  const ended = afterStep(job, step);
  await engine.commit(engine.uuid, [step], expect).synced;
  if (ended.outcome !== null) logOutcome(engine, job, ended.outcome);
  return ended;
}

/** Files a job that was handed out completed; one in CALLBACKS gets them resumed. */
export async function fileJob(engine: Engine, job: JobRecord): Promise<void> {
  if (job.state === 'callbacks') return engine.callbacks.resume(job);
  const holder: Expectation = { what: 'holder', id: job.id, epoch: job.epoch, claim: job.claim };
  await engine.commit(engine.uuid, [stepJob(job, { type: 'job.file', at: engine.now() })], [holder]).written;
}

function notInterrupted(job: JobRecord): BadStatusError {
  return new BadStatusError({
    what: `job ${job.id}`,
    status: statusOfState(job.state),
    event: 'job.interrupt',
    guards: [],
  });
}
