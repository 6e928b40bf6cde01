import { ConflictError } from '../errors.ts';
import type { JobRecord } from '../model/records.ts';
import { systemNames } from '../model/system-names.ts';
import { isDefinition } from './brands.ts';
import { currentRun } from './current-run.ts';
import { type JobDefinition, makeDefinition } from './definitions.ts';
import type { Engine } from './engine.ts';
import { Job } from './job.ts';
import { Queue } from './queue.ts';
import type { Run } from './run.ts';
import { GatheringUnit } from './unit.ts';

/** A job, or a definition that means a job of it without further arguments. */
export type Joined = Job<unknown> | JobDefinition<readonly never[], unknown>;

/** What `serial` and `parallel` are told beside the jobs. */
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

/** One job that runs others at the same time, as far as agents have room. Else like {@link serial}. */
export function parallel<Result = readonly Job<unknown>[]>(
  jobs: readonly Joined[],
  options: JoinOptions<Result> = {},
): Job<Result> {
  return join<Result>(parallelMain, jobs, options);
}

function join<Result>(
  main: typeof serialMain,
  jobs: readonly Joined[],
  options: JoinOptions<Result>,
): Job<Result> {
  const postprocess = options.postprocess ?? (listJobs.partial() as Job<unknown>);
  return Job.draft<Result>(main.definition, [jobOf(postprocess as Joined), ...jobs.map(jobOf)]);
}

function jobOf(joined: Joined): Job<unknown> {
  return isDefinition(joined) ? joined.partial() : (joined as Job<unknown>);
}

const listJobs = makeDefinition({ name: systemNames.jobs, run: (...jobs: Job<unknown>[]): unknown => jobs });

const serialMain = makeDefinition({ name: systemNames.serial, run: runMain });
const parallelMain = makeDefinition({ name: systemNames.parallel, run: runMain });

/** An internal callback of each inner job: the next step. Callbacks added earlier by others precede it. */
const joinStep = makeDefinition({
  name: systemNames.joinStep,
  run: async (main: Job<unknown>, queue: string, _input?: unknown): Promise<void> => {
    await advance(mustRun().engine, main.record.id, queue);
  },
});

/** The definitions that joined jobs are made of. */
export const joinDefinitions = [serialMain, parallelMain, listJobs, joinStep] as const;

/** Puts what can be put now and returns the postprocess, whose result becomes that of the main job. */
async function runMain(postprocess: Job<unknown>, ..._inner: Job<unknown>[]): Promise<Job<unknown>> {
  const { engine, job, queue } = mustRun();
  await advance(engine, job.id, queue);
  return postprocess;
}

function mustRun(): Run {
  return currentRun.getStore() as Run;
}

/** How many inner jobs from the first on are known to be finished: they stay so, so no step looks at them again. */
const finishedPrefixes = new WeakMap<Engine, Map<string, number>>();

/**
 * Brings a joined job one step further: puts the next inner job (all of them, for parallel), and the postprocess once
 * all are finished. What is put already is not put again, so it may be called as often as one likes.
 */
async function advance(engine: Engine, main: string, queue: string): Promise<void> {
  const record = await engine.store.get('job', main);
  if (record === undefined) return;
  const [postprocess, ...inner] = record.args.map((arg) => (arg as { readonly $job: string }).$job);
  const prefixes = finishedPrefixes.get(engine) ?? new Map<string, number>();
  finishedPrefixes.set(engine, prefixes);
  const isParallel = record.name === systemNames.parallel;
  const unput: JobRecord[] = [];
  let isFinished = true;
  for (let at = prefixes.get(main) ?? 0; at < inner.length; at += 1) {
    const job = await engine.store.get('job', inner[at] ?? '');
    if (job === undefined || job.outcome !== null) {
      if (isFinished) prefixes.set(main, at + 1);
      continue;
    }
    isFinished = false;
    if (job.state === 'new') unput.push(job);
    // A parallel job has put all or none, so the first one that is under way tells.
    if (!isParallel || job.state !== 'new') break;
  }
  if (unput.length > 0) await putInner(engine, unput, main, queue);
  else if (isFinished && postprocess !== undefined) {
    prefixes.delete(main);
    await putPostprocess(engine, postprocess, inner, queue);
  }
}

async function putInner(
  engine: Engine,
  jobs: readonly JobRecord[],
  main: string,
  queue: string,
): Promise<void> {
  await together(engine, async (unit) => {
    for (const record of jobs) {
      const job = Job.of(unit, record);
      await job.addCallback(joinStep.partial(Job.reference(unit, main), queue));
      await new Queue(unit, queue).put(job);
    }
  });
}

async function putPostprocess(
  engine: Engine,
  id: string,
  inner: readonly string[],
  queue: string,
): Promise<void> {
  await together(engine, async (unit) => {
    const record = await unit.get('job', id);
    if (record === undefined || record.state !== 'new') return;
    const args = [...record.args, ...inner.map((job) => ({ $job: job }))];
    await engine.change(unit, id, { type: 'args.set', args });
    await new Queue(unit, queue).put(Job.of(unit, record));
  });
}

/** One commit of several calls. Whoever comes second to the same step finds it done, and leaves it. */
async function together(engine: Engine, work: (unit: GatheringUnit) => Promise<void>): Promise<void> {
  const unit = new GatheringUnit(engine, 'put()');
  await work(unit);
  try {
    await engine.commit(engine.uuid, unit.made, unit.end()).synced;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}
