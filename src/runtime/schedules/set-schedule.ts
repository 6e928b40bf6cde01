import { isDeepStrictEqual } from 'node:util';
import type { ScheduleFigures } from '../../../machines/schedule.context.ts';
import { checkName } from '../../model/checks/names.ts';
import type { ScheduleRecord } from '../../model/records/records.ts';
import { firstTick } from '../../model/schedules/decide.ts';
import { newScheduleRecord, stepSchedule } from '../../model/schedules/step.ts';
import type { Tick } from '../../model/schedules/ticks.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { mustHaveQueue } from '../jobs/named-settings.ts';
import { missingQuotas } from './put-conditions.ts';
import { figuresOf, type ScheduleOptions } from './schedule-options.ts';
import { jobOf, scheduledJobOf } from './scheduled-job.ts';

/** What a schedule is set to. */
export interface ScheduleSetting {
  readonly options: ScheduleOptions;
  /** A draft, or a definition of a job without arguments. */
  readonly job: unknown;
}

/**
 * Makes a schedule be as the code says. The same figures and the same job again change nothing, so every process may say it at
 * every start. Other figures count from now on. Returns whether it changed.
 * @throws SignalboxError `INVALID_NAME`, `QUEUE_NOT_FOUND`, and what `figuresOf` and a put throw.
 */
export async function setSchedule(
  work: UnitOfWork,
  queue: string,
  name: string,
  setting: ScheduleSetting,
): Promise<boolean> {
  const id = `${queue}/${checkName(name, 'the name of a schedule')}`;
  const given = figuresOf(setting.options);
  const job = await scheduledJobOf(work, setting.job);
  await work.context.rules.pending();
  await mustHaveQueue(work, queue);
  return retryConflicts(5, async () => {
    const record = await readSchedule(work, id);
    const { store, uuid } = work.context;
    const now = store.now();
    const figures = anchored(given, record, now);
    if (isDeepStrictEqual([record.figures, record.job], [figures, job])) return false;
    const next = nextOf(record, figures, now);
    const step = stepSchedule(record, { type: 'schedule.set', at: now, by: uuid, figures, job, next });
    // Quotas that lack are made here: a host that ticks need not know the definition.
    const quotas = await missingQuotas(work, queue, jobOf({ id, figures, job }, '', null));
    await work.submit([step, ...quotas.changes], [ifUnchanged(record, 'schedule'), ...quotas.expect]);
    return true;
  });
}

/** The record of a schedule as a unit of work sees it; one that was never set when there is none. */
async function readSchedule(work: UnitOfWork, id: string): Promise<ScheduleRecord> {
  // One that this commit has just made has only what was set.
  return { ...newScheduleRecord(id), ...(await work.readChecked('schedule', id)) };
}

/** What `every` counts from is kept as long as it is not given. */
function anchored(given: ScheduleFigures, { figures }: ScheduleRecord, now: number): ScheduleFigures {
  if (given.every === null || given.from !== null) return given;
  return { ...given, from: (figures.every === given.every ? figures.from : null) ?? now };
}

/** The tick that comes next: the planned one, where the new figures do not say when it comes. */
function nextOf(record: ScheduleRecord, figures: ScheduleFigures, now: number): Tick | null {
  const { state, nextTick, nextAt, runs } = record;
  if (state === 'paused') return null;
  const isOver = figures.maxRuns !== null && runs >= figures.maxRuns;
  if (nextTick === null || nextAt === null || isOver || !isSameTime(record.figures, figures))
    return firstTick(record, figures, now);
  return { tick: nextTick, at: nextAt };
}

function isSameTime(one: ScheduleFigures, other: ScheduleFigures): boolean {
  const when = ({ cron, tz, every, from, jitter, until }: ScheduleFigures): readonly unknown[] => [
    cron,
    tz,
    every,
    from,
    jitter,
    until,
  ];
  return isDeepStrictEqual(when(one), when(other));
}
