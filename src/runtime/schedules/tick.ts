import type { ScheduleEvent } from '../../../machines/schedule.machine.ts';
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
 * Makes the next tick of a schedule, if it is due: one commit, which expects the schedule as it was read and the job of the
 * tick not to be there. Returns whether it made one: otherwise another process has, or it is not due any more.
 * @throws ConflictError, and what refuses the put.
 */
export function makeTick(deps: TickDeps, id: string): Promise<boolean> {
  return retryConflicts(mostDecisions, () => decided(deps, id));
}

async function decided({ work, callbacks }: TickDeps, id: string): Promise<boolean> {
  const { store, uuid } = work.context;
  const schedule = await store.get('schedule', id);
  if (schedule === undefined) return false;
  const { lastJob } = schedule;
  const last = lastJob === null ? undefined : await store.get('job', lastJob);
  const decision = decideTick(schedule, store.now(), lastJobOf(last, keyOfSchedule(id)));
  if (decision === null) return false;
  const { tick, next, missed, cancelsLast } = decision;
  const job = tickJobId(id, tick);
  // It was put before: by hand, or before the schedule was removed and set again.
  const why = decision.why ?? ((await store.get('job', job)) === undefined ? null : 'exists');
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
