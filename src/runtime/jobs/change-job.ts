import type { JobEvent } from '../../../machines/job.events.ts';
import { SignalboxError } from '../../errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Change } from '../../store/store.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';

/**
 * Sends one event to a stored job from outside any run, and commits the step on the condition that the job has not changed
 * since it was read. `together`: changes of the same commit. Returns the job after the step.
 * @throws SignalboxError `JOB_NOT_FOUND`; BadStatusError when the chart refuses the event.
 */
export function changeJob(
  work: UnitOfWork,
  id: string,
  event: JobEvent,
  together: readonly Change[] = [],
): Promise<JobRecord> {
  return retryConflicts(5, async () => {
    const record = await work.readChecked('job', id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    const step = stepJob(record, event);
    await work.submit([...together, step], [ifUnchanged(record)]);
    return (await work.read('job', id)) ?? afterStep(record, step);
  });
}
