import { checkName, checkQueueName } from '../../../model/checks/names.ts';
import { figuresOf, type ScheduleOptions } from '../../schedules/schedule-options.ts';
import type { Job, JobDefinition } from '../job.ts';

/** A schedule of the code, for `createSignalbox({ schedules })`. */
export interface ScheduleDefinition {
  readonly queue: string;
  readonly scheduleName: string;
  readonly options: ScheduleOptions;
  readonly job: Job<unknown> | JobDefinition<readonly [], unknown>;
}

/**
 * Says that a queue has a schedule. `box.start()` sets those of `createSignalbox({ schedules })`, in every process and at every
 * start: the same figures and the same job change nothing.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore, schedule } from 'signalbox';
 *
 * const report = defineJob({ name: 'report', run: (kind: string) => kind });
 * const box = await createSignalbox({
 *   store: memoryStore(),
 *   jobs: [report],
 *   queues: ['reports'],
 *   schedules: [schedule('reports', 'nightly', { cron: '30 2 * * *', tz: 'Europe/Berlin' }, report('daily'))],
 * });
 * await box.start();
 * console.log((await box.queue('reports').schedules.get('nightly')).state); // => active
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_CRON`, `INVALID_TIME_ZONE`, `INVALID_OPTION`, `INVALID_DURATION`, `INVALID_INSTANT`, `INVALID_NAME`.
 */
export function schedule(
  queue: string,
  name: string,
  options: ScheduleOptions,
  job: Job<unknown> | JobDefinition<readonly [], unknown>,
): ScheduleDefinition {
  checkQueueName(queue);
  checkName(name, 'the name of a schedule');
  figuresOf(options);
  return { queue, scheduleName: name, options, job };
}

/** Whether a value was made by `schedule`, of this copy of the package or of another. */
export function isScheduleDefinition(value: unknown): value is ScheduleDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { queue, scheduleName, options, job } = value as Partial<Record<keyof ScheduleDefinition, unknown>>;
  return (
    typeof queue === 'string' &&
    typeof scheduleName === 'string' &&
    typeof options === 'object' &&
    job !== undefined
  );
}
