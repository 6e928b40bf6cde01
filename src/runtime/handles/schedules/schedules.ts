import type { SkipReason } from '../../../../machines/schedule.context.ts';
import type { ScheduleState } from '../../../../machines/schedule.machine.ts';
import { checkCount } from '../../../model/checks/check-options.ts';
import type { ScheduleRecord } from '../../../model/records/records.ts';
import { nextTicks } from '../../../model/schedules/decide.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';
import { type BackfillRange, backfill } from '../../schedules/backfill.ts';
import {
  mustHaveSchedule,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  type SchedulePauseOptions,
  triggerSchedule,
} from '../../schedules/change-schedule.ts';
import type { ScheduleOptions } from '../../schedules/schedule-options.ts';
import { partsOf } from '../../schedules/scheduled-job.ts';
import { setSchedule } from '../../schedules/set-schedule.ts';
import { Job, type JobDefinition } from '../job.ts';
import { servicesOf } from '../services.ts';

/** A schedule, as `get` and `list` find it. */
export interface ScheduleInfo {
  readonly name: string;
  /** `ended`: no tick comes any more. */
  readonly state: ScheduleState;
  /** Its figures, in milliseconds and epoch milliseconds. */
  readonly figures: ScheduleRecord['figures'];
  /** The definition of its jobs. */
  readonly job: string;
  readonly next: Date | null;
  readonly lastTick: Date | null;
  /** Id of the job that it put last. */
  readonly lastJob: string | null;
  /** The latest tick without a job, and why it has none. */
  readonly lastSkip: { readonly tick: Date; readonly why: SkipReason } | null;
  /** How many ticks have put a job, came while no process was there, and were left out for another reason. */
  readonly runs: number;
  readonly missed: number;
  readonly skipped: number;
  readonly paused: { readonly by: string; readonly at: Date; readonly reason: string | null } | null;
  /** When it was set last, and by which instance. */
  readonly setAt: Date;
  readonly setBy: string;
}

/**
 * The schedules of one queue: what puts a job by the clock.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 *
 * const report = defineJob({ name: 'report', run: (kind: string) => kind });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [report], queues: ['reports'] });
 * const { schedules } = box.queue('reports');
 * await schedules.set('nightly', { cron: '30 2 * * *', tz: 'Europe/Berlin' }, report('daily'));
 * console.log((await schedules.list()).map(({ name, state }) => `${name} ${state}`)); // => [ 'nightly active' ]
 * await box.stop();
 * ```
 */
export class Schedules {
  readonly #work: UnitOfWork;
  readonly #queue: string;

  constructor(work: UnitOfWork, queue: string) {
    this.#work = work;
    this.#queue = queue;
  }

  /**
   * Makes a schedule be so: each of its ticks puts a job like the draft. The same figures and the same draft again change nothing,
   * so every process may call it at every start. Other figures count from now on. Returns whether it changed.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const clean = defineJob({ name: 'clean', run: () => 'clean' });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [clean], queues: ['disk'] });
   * const { schedules } = box.queue('disk');
   * console.log(await schedules.set('hourly', { every: '1h', overlap: 'skip' }, clean)); // => true
   * console.log(await schedules.set('hourly', { every: '1h', overlap: 'skip' }, clean)); // => false
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `INVALID_CRON`, `INVALID_TIME_ZONE`, `INVALID_OPTION`, `INVALID_DURATION`, `INVALID_INSTANT`,
   * `INVALID_NAME`, `QUEUE_NOT_FOUND`, `UNKNOWN_DEFINITION`, `ARGS_…`.
   */
  async set(
    name: string,
    options: ScheduleOptions,
    job: Job<unknown> | JobDefinition<readonly [], unknown>,
  ): Promise<boolean> {
    const isChanged = await setSchedule(this.#work, this.#queue, name, { options, job });
    if (isChanged) await this.#plan();
    return isChanged;
  }

  /**
   * Lets no tick come until `resume`: those of the meantime are left out. What runs goes on. Stored, for every process.
   * @throws BadStatusError when it has ended; SignalboxError `SCHEDULE_NOT_FOUND`, `INVALID_OPTION`.
   */
  pause(name: string, options: SchedulePauseOptions = {}): Promise<void> {
    return pauseSchedule(this.#work, this.#queue, name, options);
  }

  /** Lets it go on, from now. Returns whether it was paused. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
  async resume(name: string): Promise<boolean> {
    const wasPaused = await resumeSchedule(this.#work, this.#queue, name);
    await this.#plan();
    return wasPaused;
  }

  /**
   * Puts a job of it at once, beside its ticks, also while it is paused. Where its jobs wait for each other, this one does as well.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const report = defineJob({ name: 'report', run: (kind: string) => `${kind}: ready` });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [report] });
   * await box.start();
   * const { schedules } = box.queue();
   * await schedules.set('nightly', { cron: '@daily' }, report('daily'));
   * console.log(await (await schedules.trigger('nightly')).result()); // => daily: ready
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `SCHEDULE_NOT_FOUND`, and what `queue.put` throws.
   */
  async trigger(name: string): Promise<Job<unknown>> {
    return Job.reference(this.#work.handles, await triggerSchedule(this.#work, this.#queue, name));
  }

  /** Removes it. The jobs that it has put stay. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
  remove(name: string): Promise<void> {
    return removeSchedule(this.#work, this.#queue, name);
  }

  /** All of them, in the order of their names. What is no longer in the code is not removed by itself. */
  async list(): Promise<readonly ScheduleInfo[]> {
    return (await this.#work.list('schedule', `${this.#queue}/`)).map(infoOf);
  }

  /** One of them. @throws SignalboxError `SCHEDULE_NOT_FOUND`. */
  async get(name: string): Promise<ScheduleInfo> {
    return infoOf(await mustHaveSchedule(this.#work, this.#queue, name));
  }

  /**
   * Its next ticks: 5, or as many as there are. Of one that is paused, those that would come if it were resumed now.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const report = defineJob({ name: 'report', run: () => 'ready' });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [report], queues: ['reports'] });
   * const { schedules } = box.queue('reports');
   * await schedules.set('yearly', { cron: '0 0 1 1 *', tz: 'Asia/Kolkata' }, report);
   * console.log((await schedules.next('yearly', 2)).map((at) => at.toISOString().slice(5))); // => [ '12-31T18:30:00.000Z', '12-31T18:30:00.000Z' ]
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `SCHEDULE_NOT_FOUND`, `INVALID_OPTION`.
   */
  async next(name: string, most = 5): Promise<readonly Date[]> {
    checkCount(most, 'most', 1, 1000);
    const schedule = await mustHaveSchedule(this.#work, this.#queue, name);
    return nextTicks(schedule, this.#work.context.store.now(), most).map(({ tick }) => new Date(tick));
  }

  /**
   * Puts the job of each tick of a time of the past that has none: of before the schedule was set, or what was missed. At most
   * 1,000; can be repeated. Returns how many it put.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const report = defineJob({ name: 'report', run: () => 'ready' });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [report], queues: ['reports'] });
   * const { schedules } = box.queue('reports');
   * await schedules.set('daily', { cron: '@daily' }, report);
   * const week = { from: '2026-01-01T00:00:00Z', to: '2026-01-07T00:00:00Z' };
   * console.log(await schedules.backfill('daily', week), await schedules.backfill('daily', week)); // => 7 0
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `SCHEDULE_NOT_FOUND`, `INVALID_OPTION`, `INVALID_INSTANT`, and what `queue.put` throws.
   */
  backfill(name: string, range: BackfillRange): Promise<number> {
    return backfill(this.#work, this.#queue, name, range);
  }

  /** Another tick may be the next one that is due, once that is committed. */
  #plan(): Promise<void> {
    return this.#work.whenCommitted(async () => servicesOf(this.#work.context).planDue());
  }
}

function infoOf(record: ScheduleRecord): ScheduleInfo {
  const { id, state, figures, job, lastJob, lastSkip, runs, missed, skipped, paused, setBy } = record;
  return {
    name: partsOf(id).name,
    state,
    figures,
    job: String(job.content.name),
    next: dateOf(record.nextTick),
    lastTick: dateOf(record.lastTick),
    lastJob,
    lastSkip: lastSkip && { tick: new Date(lastSkip.tick), why: lastSkip.why },
    runs,
    missed,
    skipped,
    paused: paused && { by: paused.by, at: new Date(paused.at), reason: paused.reason },
    setAt: new Date(record.setAt),
    setBy,
  };
}

function dateOf(instant: number | null): Date | null {
  return instant === null ? null : new Date(instant);
}
