import { SignalboxError } from '../../errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Failure } from '../../model/values/failure.ts';
import type { Expectation } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import { mustSucceed } from '../commits/retry.ts';
import { Detached } from '../definitions/detached.ts';
import { type Holder, Run } from '../execution/run.ts';
import { Drafts } from '../jobs/job-drafts.ts';
import { Job } from './job.ts';

/**
 * What a call gives: the job's value, or its Failure; the inner job it waits for; a {@link Detached} promise it waits
 * for; or the job itself when its policy put it back.
 */
export type Called<Result> = Result | Failure | Job<Result> | Detached<Result>;

/**
 * Calls a job here and now, outside any agent: NEW or ASSIGNED to COMPLETED, callbacks included. A draft is stored
 * with its start, so that it is known from the first moment.
 */
export async function callJob<Result>(
  engine: Engine,
  job: Job<Result>,
  input: readonly unknown[],
): Promise<Called<Result>> {
  const started = await start(engine, job);
  // Its start is stored, and nobody else would call it.
  const what = (): string => `loading ${job}`;
  const annotations = await mustSucceed(engine, what, () => engine.annotationsOf(started.id));
  const { parent } = started;
  const run = new Run({
    engine,
    job: started,
    agent: null,
    slot: null,
    holder: holderOf(started),
    queue: parent !== null && 'queue' in parent ? parent.queue : '',
    input,
    annotations,
    info: null,
  });
  await new Promise<void>((resolve) => {
    run.onDone = resolve;
    engine.executor.execute(run);
  });
  return cameOf(engine, job);
}

/** The start is retried until it is stored; a job in any other status refuses it. */
async function start(engine: Engine, job: Job<unknown>): Promise<JobRecord> {
  const what = (): string => `starting ${job}`;
  if (job.isStored) return mustSucceed(engine, what, async () => startStored(engine, await job.refresh()));
  const { id } = job;
  if (id !== null && (await engine.store.get('job', id)) !== undefined) {
    throw new SignalboxError('JOB_EXISTS', { id });
  }
  const drafts = new Drafts(engine.direct);
  const stored = drafts.store(job, null);
  const starting = stepJob(stored, { type: 'job.start', at: engine.now() });
  const made = [...drafts.made, starting];
  await mustSucceed(engine, what, () => engine.commit('client', made, drafts.expect).synced);
  drafts.attach();
  return afterStep(stored, starting);
}

async function startStored(engine: Engine, { record }: Job<unknown>): Promise<JobRecord> {
  const starting = stepJob(record, { type: 'job.start', at: engine.now() });
  const asRead: Expectation = { what: 'rev', kind: 'job', id: record.id, rev: record.rev };
  await engine.commit('client', [starting], [asRead]).synced;
  return afterStep(record, starting);
}

function holderOf(job: JobRecord): Holder {
  return { id: job.id, epoch: job.epoch, claim: job.claim };
}

async function cameOf<Result>(engine: Engine, job: Job<Result>): Promise<Called<Result>> {
  await job.refresh();
  const { outcome, record } = job;
  if (outcome !== null) return outcome.ok ? outcome.value : outcome.failure;
  if (record.waitingOn === 'promise') {
    const result = job.result();
    // Whoever called may not care: the failure is in the store, and in the log.
    result.catch(() => {});
    return new Detached(result);
  }
  if (record.waitingOn === null) return job;
  const inner = await engine.direct.get('job', record.waitingOn);
  return inner === undefined ? job : Job.of<Result>(engine.direct, inner);
}
