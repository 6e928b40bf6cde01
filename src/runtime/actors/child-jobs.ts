import { hash } from 'node:crypto';
import { SignalboxError } from '../../errors.ts';
import type { DurableEffect } from '../../model/durable/machine.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import { idBeginning } from '../../model/values/ids.ts';
import { cancelJob } from '../callbacks/cancel-job.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { MachineLike } from '../definitions/machines.ts';
import type { CallbackSteps } from '../execution/run-steps.ts';
import type { JobLike } from '../jobs/job-like.ts';
import type { InternalPutOptions } from '../jobs/put-batch.ts';
import { put } from '../jobs/put-jobs.ts';
import type { JobTask } from './turn.ts';

/** A definition as a machine calls it: with arguments it makes a job. */
type Definition = (...args: readonly unknown[]) => JobLike;

/** The dependencies of the jobs of actors. */
export interface ChildJobDeps {
  readonly callbacks: CallbackSteps;
  /** The definition that stands for the code of a `fromPromise`. */
  promiseJob(machine: MachineLike, src: string): unknown;
}

/** Where and how a machine lets a job run. */
type JobOptions = Omit<InternalPutOptions, 'client'> & { readonly queue?: string };

/** The id of a run of a child: the same in every attempt, and of no other run, also of an actor of the same id that lived before. */
export function childJobId(actor: string, child: string, run: number, at: number): string {
  const digest = hash('sha256', `${actor}\n${child}\n${run}\n${at}`, 'base64url');
  return `${idBeginning(at)}${digest.slice(0, 26)}`;
}

/** What an effect of a step does with jobs: in its commit, so a job that is not in it was never there. */
export function jobTaskOf(
  deps: ChildJobDeps,
  actor: ActorRecord,
  machine: MachineLike,
  effect: DurableEffect,
): JobTask {
  switch (effect.type) {
    case 'put':
      return (unit) =>
        putJob(unit, machine, (effect.job as unknown as Definition)(...effect.args), effect.options);
    case 'startJob':
      return (unit) => startJob(deps, unit, { actor, machine, effect });
    case 'stopChild':
      return (unit) => stopJob(deps, unit, effect.child.id);
    default:
      throw new Error(`${effect.type} does nothing with jobs`);
  }
}

function putJob(unit: UnitOfWork, machine: MachineLike, job: JobLike, options: JobOptions): Promise<unknown> {
  const { queue = machine.settings.queue, ...settings } = options;
  return put(unit, queue, job, settings);
}

/** A child: its outcome is a message to its actor. */
function startJob(
  { promiseJob }: ChildJobDeps,
  unit: UnitOfWork,
  started: {
    readonly actor: ActorRecord;
    readonly machine: MachineLike;
    readonly effect: Extract<DurableEffect, { readonly type: 'startJob' }>;
  },
): Promise<unknown> {
  const { actor, machine, effect } = started;
  const { child, run, src, source, input } = effect;
  const id = actor.children?.[child]?.id as string;
  const definition = (source.kind === 'job' ? source.job : promiseJob(machine, src)) as unknown as Definition;
  const job =
    source.kind === 'job' ? definition(...(input as readonly unknown[])) : definition(input ?? null);
  const reply = { actor: actor.id, machine: machine.name, child, run };
  return putJob(unit, machine, job, { ...source.options, id, unique: false, reply });
}

/** What waits ends at once; what runs is asked to stop. One that is gone has nothing to stop. */
async function stopJob({ callbacks }: ChildJobDeps, unit: UnitOfWork, id: string): Promise<void> {
  try {
    const reason = 'its actor does not wait for it any more';
    await cancelJob(callbacks, unit, id, { by: unit.context.uuid, reason, cascade: true });
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'JOB_NOT_FOUND') throw error;
  }
}
