import { BadStatusError, ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import type { Engine } from '../box/engine.ts';
import { failFromOutside } from '../callbacks/fail-job.ts';
import { mustSucceed } from '../commits/retry.ts';
import { GatheringUnit } from '../commits/unit-of-work.ts';
import { currentRun } from '../execution/current-run.ts';
import type { Run } from '../execution/run.ts';
import { type JobDefinition, makeDefinition } from '../handles/define-job.ts';
import { Job } from '../handles/job.ts';
import { Queue } from '../handles/queue.ts';
import { isDefinition } from '../jobs/job-like.ts';

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

/** An internal callback of each inner job: the next step. Callbacks added earlier by others precede it. */
const joinStep = makeDefinition({
  name: systemNames.joinStep,
  run: async (main: Job<unknown>, queue: string, _input?: unknown): Promise<void> => {
    const { engine } = mustRun();
    const refusal = await mustAdvance(engine, main.record.id, queue);
    if (refusal === null) return;
    await failPostprocess(engine, main.record.id, refusal);
    throw refusal;
  },
});

/** The definitions that joined jobs are made of. */
export const joinDefinitions = [serialMain, parallelMain, listJobs, joinStep] as const;

/** Puts what can be put now and returns the postprocess, whose result becomes that of the main job. */
async function runMain(postprocess: Job<unknown>, ..._inner: Job<unknown>[]): Promise<Job<unknown>> {
  const { engine, job, queue } = mustRun();
  const refusal = await mustAdvance(engine, job.id, queue);
  if (refusal !== null) throw refusal;
  return postprocess;
}

function mustRun(): Run {
  return currentRun.getStore() as Run;
}

/** How far a joined job has come, counted from its first inner job on. It never goes back, so no step looks there again. */
interface Progress {
  finished: number;
  put: number;
}

const progressOfEngines = new WeakMap<Engine, Map<string, Progress>>();

function progressOf(engine: Engine, main: string): Progress {
  const ofEngine = progressOfEngines.get(engine) ?? new Map<string, Progress>();
  progressOfEngines.set(engine, ofEngine);
  const progress = ofEngine.get(main) ?? { finished: 0, put: 0 };
  ofEngine.set(main, progress);
  return progress;
}

/**
 * Takes the next step however often the store refuses it: nobody else takes it. Gives the error of what can never be put,
 * whose queue or quota is gone, say.
 */
function mustAdvance(engine: Engine, main: string, queue: string): Promise<SignalboxError | null> {
  return mustSucceed(
    engine,
    () => `taking the next step of joined job ${main}`,
    async () => {
      try {
        await advance(engine, main, queue);
        return null;
      } catch (error) {
        if (isRefusal(error)) return error;
        throw error;
      }
    },
  );
}

/** What is said of a job, and not of the store or of who asks. */
function isRefusal(error: unknown): error is SignalboxError {
  if (!(error instanceof SignalboxError) || error instanceof ConflictError) return false;
  return !(error instanceof ReassignedError) && !/^(STORE_|BOX_STOPPED$)/.test(error.code);
}

/** What the main job waits for will not come: it gets the error instead. */
function failPostprocess(engine: Engine, main: string, error: SignalboxError): Promise<void> {
  return mustSucceed(
    engine,
    () => `failing joined job ${main}`,
    async () => {
      const [postprocess] = (await engine.store.get('job', main))?.args ?? [];
      const id = (postprocess as { readonly $job: string } | undefined)?.$job ?? '';
      if ((await engine.store.get('job', id))?.state === 'new')
        await failFromOutside(engine, engine.direct, id, error);
    },
  );
}

/**
 * Brings a joined job one step further: puts the next inner job (all of them, for parallel), and the postprocess once
 * all are finished. What is put already is not put again, so it may be called as often as one likes.
 */
async function advance(engine: Engine, main: string, queue: string): Promise<void> {
  while (!(await tookStep(engine, main, queue))) {
    // Somebody else came first: to this step, or to one of the jobs. Another look tells.
  }
}

/** False when the step conflicts with somebody else's. */
async function tookStep(engine: Engine, main: string, queue: string): Promise<boolean> {
  const record = await engine.store.get('job', main);
  if (record === undefined) return true;
  const [postprocess, ...inner] = record.args.map((arg) => (arg as { readonly $job: string }).$job);
  const progress = progressOf(engine, main);
  // Several inner jobs may end at once: each step counts for itself before it says how far it came.
  let finished = progress.finished;
  while (finished < inner.length && (await isFinished(engine, inner[finished] ?? '', main))) finished += 1;
  progress.finished = Math.max(progress.finished, finished);
  const isParallel = record.name === systemNames.parallel;
  const due = isParallel
    ? inner.slice(Math.max(finished, progress.put))
    : inner.slice(finished, finished + 1);
  const unlinked = await withoutLink(engine, due, main, inner[finished]);
  // It has ended since it was looked at: if nothing was to tell of that, nobody would take the next step.
  if (unlinked === null) return false;
  if (unlinked.length > 0) {
    const linked = await link(engine, unlinked, main, queue);
    if (linked && isParallel) progress.put = Math.max(progress.put, inner.length);
    return linked;
  }
  if (finished < inner.length || postprocess === undefined) return true;
  progressOfEngines.get(engine)?.delete(main);
  return putPostprocess(engine, postprocess, record, queue);
}

/** An inner job is finished when its turn to say so has come: callbacks added before may still have appended some. */
async function isFinished(engine: Engine, id: string, main: string): Promise<boolean> {
  const job = await engine.store.get('job', id);
  if (job === undefined || job.state === 'completed') return true;
  if (job.outcome === null) return false;
  const step = await stepOf(engine, id, main);
  return step !== undefined && step.state !== 'new';
}

/** The internal callback by which an inner job tells its main job that it is done. */
async function stepOf(engine: Engine, id: string, main: string): Promise<JobRecord | undefined> {
  for (const callback of await engine.store.callbacks(id)) {
    if (callback.kind !== 'job' || callback.record.name !== systemNames.joinStep) continue;
    if ((callback.record.args[0] as { readonly $job: string }).$job === main) return callback.record;
  }
  return undefined;
}

/**
 * Those that would not tell when they are done: they are NEW, or somebody else has put them. Null when the one that the
 * next step waits for is done.
 */
async function withoutLink(
  engine: Engine,
  ids: readonly string[],
  main: string,
  awaited: string | undefined,
): Promise<readonly JobRecord[] | null> {
  const unlinked: JobRecord[] = [];
  for (const id of ids) {
    const job = await engine.store.get('job', id);
    const isOver = job === undefined || job.state === 'completed';
    if (isOver && id === awaited) return null;
    if (isOver) continue;
    if (job.state === 'new' || (await stepOf(engine, id, main)) === undefined) unlinked.push(job);
  }
  return unlinked;
}

/** Has the jobs tell when they are done, and puts those that are NEW. */
function link(engine: Engine, jobs: readonly JobRecord[], main: string, queue: string): Promise<boolean> {
  const drafts = jobs.filter(({ state }) => state === 'new').map(({ id }) => id);
  return together(engine, drafts, async (unit) => {
    for (const record of jobs) {
      const job = Job.of(unit, record);
      if ((await stepOf(engine, record.id, main)) === undefined)
        await job.addCallback(joinStep.partial(Job.reference(unit, main), queue));
      if (record.state === 'new') await new Queue(unit, queue).put(job);
    }
  });
}

function putPostprocess(engine: Engine, id: string, main: JobRecord, queue: string): Promise<boolean> {
  return together(engine, [id], async (unit) => {
    const record = await unit.get('job', id);
    if (record === undefined || record.state !== 'new') return;
    // What was appended since its inner jobs were listed comes before the postprocess.
    await unit.submit([], [{ what: 'rev', kind: 'job', id: main.id, rev: main.rev }]);
    await engine.change(unit, id, { type: 'args.set', args: [...record.args, ...main.args.slice(1)] });
    await new Queue(unit, queue).put(Job.of(unit, record));
  });
}

/** One commit of several calls that puts drafts. False when somebody else came first: nothing of it was done. */
async function together(
  engine: Engine,
  drafts: readonly string[],
  work: (unit: GatheringUnit) => Promise<void>,
): Promise<boolean> {
  const unit = new GatheringUnit(engine, 'tx.put()');
  try {
    await work(unit);
    // A main job that is run again may find everything put.
    if (unit.isEmpty) return true;
    // The joined job was let in with all that belongs to it: none of that is turned away now.
    const expect = unit.end().filter(({ what }) => what !== 'atMost');
    await engine.commit(engine.uuid, unit.made, expect).synced;
    // One that was over by then is told to take the next step at once.
    unit.adopt();
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    // One that was put between two looks at it; what is still a draft cannot be put at all.
    if (error instanceof BadStatusError && !(await areDrafts(engine, drafts))) return false;
    throw error;
  }
}

async function areDrafts(engine: Engine, ids: readonly string[]): Promise<boolean> {
  for (const id of ids) if ((await engine.store.get('job', id))?.state !== 'new') return false;
  return true;
}
