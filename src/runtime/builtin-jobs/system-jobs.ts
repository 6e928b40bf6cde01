import { SignalboxError, shown, TimeoutError } from '../../errors.ts';
import { isReadable } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Engine } from '../box/engine.ts';
import type { CallbackContext } from '../callbacks/callback-runner.ts';
import { failFromOutside, handleInterrupt, isInCareOf } from '../callbacks/fail-job.ts';
import { mustSucceed } from '../commits/retry.ts';
import { currentRun } from '../execution/current-run.ts';
import { type JobDefinition, makeDefinition } from '../handles/define-job.ts';
import type { Job } from '../handles/job.ts';
import { isJob } from '../jobs/job-like.ts';
import { joinDefinitions } from './join.ts';

/** The jobs that the machinery itself puts in queues. They are looked up by name like any other. */
export function systemDefinitions(engine: () => Engine): readonly JobDefinition<never, unknown>[] {
  const definitions = [
    deciding(engine, systemNames.fail, async (box, job) => {
      const record = await undecided(box, job);
      if (record === null) return;
      // Failed by an earlier run of this job, whose worker went away at a callback: that one is decided, too.
      if (record.state === 'callbacks') return box.callbacks.resume(record, ownWorker());
      const limit = record.beginBy === null ? 'its deadline' : `${record.beginBy} ms`;
      const error = new TimeoutError({ what: `the start of job ${job.record.id}`, limit });
      await failFromOutside(box, box.direct, job.record.id, error, { expired: true, within: ownWorker() });
    }),
    deciding(engine, systemNames.handleInterrupt, async (box, job) => {
      if ((await undecided(box, job)) === null) return;
      const queue = currentRun.getStore()?.queue ?? '';
      await handleInterrupt(box, job.record.id, queue, { within: ownWorker(), system: ownId() });
    }),
    deciding(engine, systemNames.resumeCallbacks, async (box, job) => {
      const record = await sound(box, job);
      if (record !== undefined && !isElsewhere(record)) await box.callbacks.goOn(record, ownWorker());
    }),
    makeDefinition({ name: systemNames.pass, run: (input: unknown) => passed(input) }),
    ...joinDefinitions,
  ];
  return definitions as unknown as readonly JobDefinition<never, unknown>[];
}

/**
 * A job that decides about another one. Nobody else will, so it is done however often the store refuses it; an argument
 * that is no job, as somebody may have written it into the files of a store, is refused once and for all.
 */
function deciding(
  engine: () => Engine,
  name: string,
  decide: (engine: Engine, job: Job) => Promise<void>,
): JobDefinition<readonly [Job], null> {
  const run = async (job: Job): Promise<void> => {
    if (!isJob(job)) throw notJob(name, job);
    await mustSucceed(
      engine(),
      () => `${name} of job ${job.record.id}`,
      () => decide(engine(), job),
    );
  };
  return makeDefinition({ name, run });
}

function notJob(name: string, value: unknown): SignalboxError {
  const option = `the argument of ${name}`;
  return new SignalboxError('INVALID_OPTION', { option, expected: 'a job', actual: shown(value) });
}

/** The record of a job. @throws SignalboxError `JOB_QUARANTINED` when this version cannot do anything with it. */
async function sound(engine: Engine, { record: { id } }: Job): Promise<JobRecord | undefined> {
  const record = await engine.store.get('job', id);
  if (record !== undefined && !isReadable(record)) throw new SignalboxError('JOB_QUARANTINED', { id });
  return record;
}

/**
 * The job that the current system job has to decide about, or null when that is done: the decision is a commit before
 * the system job's own end, so a crash between the two makes it run again. A waiting job may also have got its outcome.
 */
async function undecided(engine: Engine, job: Job): Promise<JobRecord | null> {
  const record = await sound(engine, job);
  const isHere = record !== undefined && isInCareOf(record, ownId());
  return isHere && record.state !== 'completed' ? record : null;
}

/** Whether somebody else is at the callbacks of a job. Nobody is at a completed one, nor at one that stands nowhere. */
function isElsewhere(record: JobRecord): boolean {
  if (record.state === 'completed' || record.parent === null) return false;
  return !isInCareOf(record, ownId());
}

/** The id of the current system job. */
function ownId(): string {
  return currentRun.getStore()?.job.id ?? '';
}

/** The worker of the current system job: callbacks that it goes on with run there, as long as it holds its own job. */
function ownWorker(): CallbackContext | null {
  return currentRun.getStore()?.callbackContext ?? null;
}

/** A missing branch gives its parent's outcome on: a Failure keeps flowing. */
function passed(input: unknown): unknown {
  return input instanceof Failure ? input : input;
}
