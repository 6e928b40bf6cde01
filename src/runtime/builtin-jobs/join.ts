import { SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { makeDefinition } from '../handles/define-job.ts';
import { Job, type JobDefinition } from '../handles/job.ts';
import { isDefinition } from '../jobs/job-like.ts';
import { joinStep, runMain } from './join-steps.ts';

/** A job, or a definition that means a job of it without further arguments. */
export type Joined = Job<unknown> | JobDefinition<readonly never[], unknown>;

/** Options of `serial` and `parallel`. */
export interface JoinOptions<Result> {
  /** Called with its own arguments, then all inner jobs in order; its result is the result of the whole. */
  readonly postprocess?: Job<Result> | JobDefinition<readonly never[], Result>;
}

/**
 * One job that runs others one after the other. A failed one counts as finished: the postprocess looks at the jobs.
 * Without a postprocess the result is the list of inner jobs.
 *
 * @example
 * ```ts
 * import { defineJob, type Job, serial } from 'signalbox';
 *
 * const fetchPart = defineJob({ name: 'fetchPart', run: (part: number) => part * 2 });
 * const sum = defineJob({
 *   name: 'sum',
 *   run: (...jobs: Job<number>[]) => jobs.reduce((total, job) => total + (job.outcome?.ok ? job.outcome.value : 0), 0),
 * });
 * export const total = serial([fetchPart(1), fetchPart(2)], { postprocess: sum.partial() });
 * ```
 */
export function serial<Result = readonly Job<unknown>[]>(
  jobs: readonly Joined[],
  options: JoinOptions<Result> = {},
): Job<Result> {
  return join<Result>(serialMain, jobs, options);
}

/**
 * One job that runs others at the same time, as far as agents have room. Else like {@link serial}.
 *
 * @example
 * ```ts
 * import { defineJob, parallel } from 'signalbox';
 *
 * const fetchPart = defineJob({ name: 'fetchPart', run: (part: number) => part * 2 });
 * export const all = parallel([fetchPart(1), fetchPart(2)]);
 * ```
 */
export function parallel<Result = readonly Job<unknown>[]>(
  jobs: readonly Joined[],
  options: JoinOptions<Result> = {},
): Job<Result> {
  return join<Result>(parallelMain, jobs, options);
}

/**
 * Appends jobs to a joined one: before it starts, or while it runs, from one of its inner jobs or from a callback that
 * was added to an inner job before that was put. Once the postprocess is put, further jobs are stored and never run.
 *
 * @example
 * ```ts
 * import { defineJob, extend, type Job } from 'signalbox';
 *
 * export const crawl = defineJob({
 *   name: 'crawl',
 *   run: async (main: Job, depth: number): Promise<void> => {
 *     if (depth > 0) await extend(main, crawl(main, depth - 1));
 *   },
 * });
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION` when the job is not made by `serial` or `parallel`.
 * @throws BadStatusError when it is over.
 */
export async function extend(main: Job<unknown>, ...jobs: readonly Joined[]): Promise<void> {
  if (main.isStored && main.name === '') await main.refresh();
  if (main.name !== systemNames.serial && main.name !== systemNames.parallel) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'main',
      expected: 'a job made by serial() or parallel()',
      actual: String(main),
    });
  }
  await main.appendArgs(jobs.map(jobOf));
}

function join<Result>(
  main: typeof serialMain,
  jobs: readonly Joined[],
  options: JoinOptions<Result>,
): Job<Result> {
  checkKnown(options, ['postprocess']);
  const postprocess = options.postprocess ?? (listJobs.partial() as Job<unknown>);
  return Job.draft<Result>(main.definition, [jobOf(postprocess as Joined), ...jobs.map(jobOf)]);
}

function jobOf(joined: Joined): Job<unknown> {
  return isDefinition(joined) ? joined.partial() : (joined as Job<unknown>);
}

const listJobs = makeDefinition({ name: systemNames.jobs, run: (...jobs: Job<unknown>[]): unknown => jobs });

const serialMain = makeDefinition({ name: systemNames.serial, run: runMain });
const parallelMain = makeDefinition({ name: systemNames.parallel, run: runMain });

/** The definitions that joined jobs are made of. */
export const joinDefinitions = [serialMain, parallelMain, listJobs, joinStep] as const;
