import { BadStatusError, ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { failJob } from '../callbacks/fail-job.ts';
import { BufferedUnit } from '../commits/buffered-unit.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import { currentRun, type Run } from '../execution/run.ts';
import { makeDefinition } from '../handles/define-job.ts';
import { Job } from '../handles/job.ts';
import { Queue } from '../handles/queue.ts';
import { type HandleServices, servicesOf } from '../handles/services.ts';
import { changeJob } from '../jobs/change-job.ts';
import {
  type DueInner,
  dueInner,
  isInnerFinished,
  type JoinProgress,
  nextJoinStep,
} from './next-join-step.ts';

/** The internal callback of each inner job: takes the next step. Callbacks that the program added before run before it. */
export const joinStep = makeDefinition({
  name: systemNames.joinStep,
  run: async (main: Job<unknown>, queue: string, _input?: unknown): Promise<void> => {
    const services = servicesOf(presentRun().context);
    const refusal = await mustAdvance(services, main.record.id, queue);
    if (refusal === null) return;
    await failPostprocess(services, main.record.id, refusal);
    throw refusal;
  },
});

/** The code of a joined job: puts what can be put now and returns the postprocess, whose result becomes its own. */
export async function runMain(postprocess: Job<unknown>, ..._inner: Job<unknown>[]): Promise<Job<unknown>> {
  const { context, job, queue } = presentRun();
  const refusal = await mustAdvance(servicesOf(context), job.id, queue);
  if (refusal !== null) throw refusal;
  return postprocess;
}

function presentRun(): Run {
  return currentRun.getStore() as Run;
}

/**
 * Takes the next step however often the store refuses it: no other process takes it. Returns the error of a job that can
 * never be put, because its queue or quota is missing, for example.
 */
function mustAdvance(services: HandleServices, main: string, queue: string): Promise<SignalboxError | null> {
  return retryForever(
    services.work.context,
    () => `taking the next step of joined job ${main}`,
    async () => {
      try {
        await advance(services, main, queue);
        return null;
      } catch (error) {
        if (isRefusal(error)) return error;
        throw error;
      }
    },
  );
}

/** True for errors that a retry cannot fix: a missing queue, quota or definition. */
function isRefusal(error: unknown): error is SignalboxError {
  if (!(error instanceof SignalboxError) || error instanceof ConflictError) return false;
  return !(error instanceof ReassignedError) && !/^(STORE_|BOX_STOPPED$)/.test(error.code);
}

/** Fails the postprocess with the error of a job that cannot be put: the joined job waits for it. */
function failPostprocess(
  { work, callbacks }: HandleServices,
  main: string,
  error: SignalboxError,
): Promise<void> {
  const { context } = work;
  return retryForever(
    context,
    () => `failing joined job ${main}`,
    async () => {
      const [postprocess] = (await context.store.get('job', main))?.args ?? [];
      const id = (postprocess as { readonly $job: string } | undefined)?.$job ?? '';
      if ((await context.store.get('job', id))?.state === 'new') await failJob(callbacks, work, id, error);
    },
  );
}

/**
 * Takes one step of a joined job: puts the next inner job (all of them, for parallel), and the postprocess once all are
 * finished. What is put already is not put again, so it may be called as often as one likes.
 */
async function advance(services: HandleServices, main: string, queue: string): Promise<void> {
  while (!(await tookStep(services, main, queue))) {
    // Another process has taken this step, or changed one of the jobs: the next look shows it.
  }
}

/** False when the step conflicts with that of another process. */
async function tookStep(services: HandleServices, main: string, queue: string): Promise<boolean> {
  const { work, joins } = services;
  const { store } = work.context;
  const record = await store.get('job', main);
  if (record === undefined) return true;
  const [postprocess, ...inner] = record.args.map((arg) => (arg as { readonly $job: string }).$job);
  const progress: JoinProgress = joins.get(main) ?? { finished: 0, put: 0 };
  joins.set(main, progress);
  const isParallel = record.name === systemNames.parallel;
  // Several inner jobs may end at once: each step counts for itself before it records how far it came.
  let { finished } = progress;
  while (finished < inner.length && (await isFinished(services, inner[finished] ?? '', main))) finished += 1;
  progress.finished = Math.max(progress.finished, finished);
  const due: DueInner[] = [];
  for (const id of dueInner(inner, isParallel, { finished, put: progress.put })) {
    const job = await store.get('job', id);
    const isOpen = job !== undefined && job.state !== 'completed' && job.state !== 'new';
    due.push({ id, job, isLinked: isOpen && (await stepOf(services, id, main)) !== undefined });
  }
  const step = nextJoinStep({ inner, hasPostprocess: postprocess !== undefined }, finished, due);
  if (step.type === 'wait') return true;
  if (step.type === 'readAgain') return false;
  if (step.type === 'postprocess') {
    joins.delete(main);
    return putPostprocess(services, postprocess ?? '', record, queue);
  }
  const isLinked = await link(services, step.jobs, main, queue);
  if (isLinked && isParallel) progress.put = Math.max(progress.put, inner.length);
  return isLinked;
}

async function isFinished(services: HandleServices, id: string, main: string): Promise<boolean> {
  const job = await services.work.context.store.get('job', id);
  const mayBe = job !== undefined && job.state !== 'completed' && job.outcome !== null;
  return isInnerFinished(job, mayBe ? await stepOf(services, id, main) : undefined);
}

/** The internal callback by which an inner job reports its end to its joined job. */
async function stepOf({ work }: HandleServices, id: string, main: string): Promise<JobRecord | undefined> {
  for (const callback of await work.context.store.callbacks(id)) {
    if (callback.kind !== 'job' || callback.record.name !== systemNames.joinStep) continue;
    if ((callback.record.args[0] as { readonly $job: string }).$job === main) return callback.record;
  }
  return undefined;
}

/** Adds the internal callback to the jobs, and puts those that are NEW. */
function link(
  services: HandleServices,
  jobs: readonly JobRecord[],
  main: string,
  queue: string,
): Promise<boolean> {
  const drafts = jobs.filter(({ state }) => state === 'new').map(({ id }) => id);
  return inOneCommit(services, drafts, async (unit) => {
    for (const record of jobs) {
      const job = Job.of(unit, record);
      if ((await stepOf(services, record.id, main)) === undefined)
        await job.addCallback(joinStep.partial(Job.reference(unit, main), queue));
      if (record.state === 'new') await new Queue(unit, queue).put(job);
    }
  });
}

function putPostprocess(
  services: HandleServices,
  id: string,
  main: JobRecord,
  queue: string,
): Promise<boolean> {
  return inOneCommit(services, [id], async (unit) => {
    const record = await unit.readChecked('job', id);
    if (record === undefined || record.state !== 'new') return;
    // Jobs that were appended since the inner jobs were listed come before the postprocess.
    await unit.submit([], [ifUnchanged(main)]);
    await changeJob(unit, id, { type: 'args.set', args: [...record.args, ...main.args.slice(1)] });
    await new Queue(unit, queue).put(Job.of(unit, record));
  });
}

/** One commit of several calls that puts drafts. False when another process was faster: nothing of it was done. */
async function inOneCommit(
  { work }: HandleServices,
  drafts: readonly string[],
  calls: (unit: BufferedUnit) => Promise<void>,
): Promise<boolean> {
  const { context, committer } = work;
  const unit = new BufferedUnit(work, 'tx.put()');
  try {
    await calls(unit);
    // When a joined job is run again, everything may be put already.
    if (unit.isEmpty) return true;
    // The joined job was accepted with all that belongs to it: limits refuse none of that now.
    const expect = unit.end().filter(({ check }) => check !== 'atMost');
    await committer.commit(context.uuid, unit.changes, expect).synced;
    // A job that is over by then gets its internal callback called at once.
    unit.committed();
    return true;
  } catch (error) {
    if (error instanceof ConflictError) return false;
    // A job may have been put between two looks at it; one that is still a draft cannot be put at all.
    if (error instanceof BadStatusError && !(await areDrafts(work, drafts))) return false;
    throw error;
  }
}

async function areDrafts({ context }: HandleServices['work'], ids: readonly string[]): Promise<boolean> {
  for (const id of ids) if ((await context.store.get('job', id))?.state !== 'new') return false;
  return true;
}
