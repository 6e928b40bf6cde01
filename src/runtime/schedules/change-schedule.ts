import type { ScheduleEvent } from '../../../machines/schedule.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkReason } from '../../model/checks/names.ts';
import type { ScheduleRecord } from '../../model/records/records.ts';
import { firstTick } from '../../model/schedules/decide.ts';
import { newScheduleRecord, stepSchedule } from '../../model/schedules/step.ts';
import type { StagedChange } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { putConditions } from './put-conditions.ts';
import { putOf } from './scheduled-job.ts';

/** Options of a pause of a schedule. */
export interface SchedulePauseOptions {
  /** Why, for those who find it: at most 1,000 characters. */
  readonly reason?: string;
}

/** The record of a schedule. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
export async function mustHaveSchedule(
  work: UnitOfWork,
  queue: string,
  name: string,
): Promise<ScheduleRecord> {
  const id = `${queue}/${name}`;
  const record = await work.readChecked('schedule', id);
  // One that this commit has just made has only what was set.
  if (record !== undefined) return { ...newScheduleRecord(id), ...record };
  const all = await work.list('schedule', `${queue}/`);
  const known = all.map((schedule) => schedule.id.slice(queue.length + 1));
  throw new SignalboxError('SCHEDULE_NOT_FOUND', { name: String(name), queue, known });
}

/** Lets no tick come until it is resumed. Again: the new reason counts. @throws SignalboxError `SCHEDULE_NOT_FOUND`; BadStatusError once it has ended. */
export async function pauseSchedule(
  work: UnitOfWork,
  queue: string,
  name: string,
  options: SchedulePauseOptions,
  by = work.context.uuid,
): Promise<void> {
  checkKnown(options, ['reason']);
  const reason = options.reason === undefined ? null : checkReason(options.reason);
  const at = work.context.store.now();
  await change(work, queue, name, () => ({ type: 'schedule.pause', at, by, reason }));
}

/** Lets it go on from now. Returns whether it was paused. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
export async function resumeSchedule(work: UnitOfWork, queue: string, name: string): Promise<boolean> {
  let wasPaused = false;
  await change(work, queue, name, (record) => {
    wasPaused = record.state === 'paused';
    const next = firstTick(record, record.figures, work.context.store.now());
    return wasPaused ? { type: 'schedule.resume', next } : null;
  });
  return wasPaused;
}

/** Removes it. The jobs that it has put stay. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
export async function removeSchedule(work: UnitOfWork, queue: string, name: string): Promise<void> {
  await retryConflicts(5, async () => {
    const record = await mustHaveSchedule(work, queue, name);
    const { kind, id, event, from, to } = stepSchedule(record, { type: 'schedule.end' });
    const removal = { kind, id, event, from, to, patch: null, gone: true };
    await work.submit([removal], [ifUnchanged(record, 'schedule')]);
  });
}

/** Puts a job at once, beside the ticks, whatever its state and its last job. Returns the id. @throws as `removeSchedule`, and what a put throws. */
export async function triggerSchedule(work: UnitOfWork, queue: string, name: string): Promise<string> {
  const { context } = work;
  const job = context.ids.newId();
  await retryConflicts(5, async () => {
    const record = await mustHaveSchedule(work, queue, name);
    const put = putOf(context, record, job, null);
    const conditions = await putConditions(work, queue, put.job);
    const step = stepSchedule(record, { type: 'schedule.trigger', job });
    await work.submit(
      [step, ...put.changes, ...conditions.changes],
      [ifUnchanged(record, 'schedule'), ...conditions.expect],
    );
  });
  return job;
}

/** `event`: what happens to it, given its record; null: nothing. */
async function change(
  work: UnitOfWork,
  queue: string,
  name: string,
  event: (record: ScheduleRecord) => ScheduleEvent | null,
): Promise<void> {
  await retryConflicts(5, async () => {
    const record = await mustHaveSchedule(work, queue, name);
    const given = event(record);
    if (given === null) return;
    const changes: StagedChange[] = [stepSchedule(record, given)];
    await work.submit(changes, [ifUnchanged(record, 'schedule')]);
  });
}
