import type { ScheduleEvent } from '../../../machines/schedule.machine.ts';
import type { ScheduleRecord } from '../../model/records/records.ts';
import { decideTick, lastJobOf } from '../../model/schedules/decide.ts';
import { stepSchedule } from '../../model/schedules/step.ts';
import { cancelJob } from '../callbacks/cancel-job.ts';
import { BufferedUnit } from '../commits/buffered-unit.ts';
import type { StagedChange } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { CallbackSteps } from '../execution/run-steps.ts';
import { putConditions } from './put-conditions.ts';
import { keyOfSchedule, partsOf, putOf, tickJobId } from './scheduled-job.ts';

/** What a tick works with. */
export interface TickDeps {
  readonly work: UnitOfWork;
  readonly callbacks: CallbackSteps;
}

/** How often a tick is decided anew when the schedule, or the job that it cancels, has changed meanwhile. */
const mostDecisions = 5;

/**
 * Makes the next tick of a schedule that a look has found, if it is due: one commit, which expects the schedule as it was read and the
 * job of the tick not to be there. Returns whether it made one: otherwise another process has, or it is not due any more.
 * @throws ConflictError, and what refuses the put.
 */
export function makeTick(deps: TickDeps, found: ScheduleRecord): Promise<boolean> {
  const { store } = deps.work.context;
  // At first nothing is read again that the commit checks: what has changed since the look is a conflict.
  let isDoubted = false;
  return retryConflicts(mostDecisions, async () => {
    const schedule = isDoubted ? await store.get('schedule', found.id) : found;
    if (schedule === undefined) return false;
    const isMade = decided(deps, schedule, isDoubted);
    isDoubted = true;
    return isMade;
  });
}

/** `looksForJob`: the job of the tick may be there. */
async function decided(
  { work, callbacks }: TickDeps,
  schedule: ScheduleRecord,
  looksForJob: boolean,
): Promise<boolean> {
  const { store, uuid } = work.context;
  const { id, lastJob } = schedule;
  const last = lastJob === null ? undefined : await store.get('job', lastJob);
  const decision = decideTick(schedule, store.now(), lastJobOf(last, keyOfSchedule(id)));
  if (decision === null) return false;
  const { tick, next, missed, cancelsLast } = decision;
  const job = tickJobId(id, tick);
  // It was put before: by hand, or before the schedule was removed and set again.
  const isThere = looksForJob && (await store.get('job', job)) !== undefined;
  const why = decision.why ?? (isThere ? 'exists' : null);
  const event: ScheduleEvent =
    why === null
      ? { type: 'schedule.tick', tick, next, missed, job }
      : { type: 'schedule.skip', tick, next, missed, why };
  const step = stepSchedule(schedule, event);
  const unit = new BufferedUnit(work, 'a tick');
  if (cancelsLast && lastJob !== null) {
    const reason = 'the next tick of its schedule has come';
    await cancelJob(callbacks, unit, lastJob, { by: uuid, reason, cascade: true });
  }
  const put = why === null ? putOf(work.context, schedule, job, tick) : null;
  const conditions = put === null ? null : await putConditions(unit, partsOf(id).queue, put.job);
  const changes: StagedChange[] = [step, ...(put?.changes ?? []), ...(conditions?.changes ?? [])];
  const expect = [ifUnchanged(schedule, 'schedule'), ...(conditions?.expect ?? []), ...unit.end()];
  await work.committer.commit(uuid, [...unit.changes, ...changes], expect).written;
  unit.committed();
  return true;
}
