import { CancelledError, SignalboxError, TimeoutError } from '../../errors.ts';
import { afterStep, canStepJob, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNames } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { referredJobs } from '../../model/values/values.ts';
import type { Precondition } from '../../store/store.ts';
import type { StagedChange } from '../commits/committer.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { logOutcome } from '../execution/outcome-log.ts';
import type { CallbackSteps } from '../execution/run-steps.ts';
import { endElsewhere } from './end-elsewhere.ts';

/** The effect of a request to cancel: the job has ended by it, its code is asked to stop, or it had its outcome before. */
export type CancelResult = 'cancelled' | 'cancelling' | 'ended';

/** Who cancels, and why. */
export interface CancelRequest {
  /** UUID of an instance, or the name of a person. */
  readonly by: string;
  readonly reason: string | null;
  /** Whether the jobs that only this one waits for are cancelled as well. */
  readonly cascade: boolean;
}

/** How many jobs one commit cancels: a joined job may wait for thousands. */
const mostInCommit = 500;

/**
 * Cancels a job, whatever it is at. One whose code does not run ends in this commit; any other ends when its code has stopped.
 * @throws SignalboxError `JOB_NOT_FOUND`.
 */
export async function cancelJob(
  callbacks: CallbackSteps,
  work: UnitOfWork,
  id: string,
  request: CancelRequest,
): Promise<CancelResult> {
  let inner: readonly string[] = [];
  const result = await retryConflicts(20, async () => {
    const record = await work.readChecked('job', id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    inner = request.cascade ? await innerOf(work, record) : [];
    const ends = new Ends(callbacks, work);
    const is = await cancel(ends, work, record, request);
    await cancelAll(ends, work, inner.slice(0, mostInCommit - 1), request);
    await ends.submit();
    return is;
  });
  for (let at = mostInCommit - 1; at < inner.length; at += mostInCommit)
    await retryConflicts(20, async () => {
      const ends = new Ends(callbacks, work);
      await cancelAll(ends, work, inner.slice(at, at + mostInCommit), request);
      await ends.submit();
    });
  return result;
}

/** Fails a job whose deadline has passed while it waits for another one. Nothing happens when it does not. */
export function expireWaiting(callbacks: CallbackSteps, work: UnitOfWork, id: string): Promise<void> {
  return retryConflicts(20, async () => {
    const record = await work.readChecked('job', id);
    const { deadline = null } = record ?? {};
    if (record === undefined || deadline === null || deadline >= work.context.store.now()) return;
    const limit = `its deadline, ${new Date(deadline).toISOString()}`;
    const failure = Failure.from(new TimeoutError({ what: `job ${id} to end`, limit })).data;
    const event = { type: 'job.expire', at: work.context.now(), failure } as const;
    if (!canStepJob(record, event)) return;
    const ends = new Ends(callbacks, work);
    await ends.add(record, stepJob(record, event));
    await ends.submit();
  });
}

/** The jobs that a job waits for, directly or through others, and for which no other job waits: nearest first. */
async function innerOf({ context: { store } }: UnitOfWork, job: JobRecord): Promise<readonly string[]> {
  const found = new Set<string>();
  const outer = new Set([job.id]);
  const look = async (record: JobRecord): Promise<void> => {
    for (const id of awaitedBy(record)) {
      if (found.has(id) || outer.has(id)) continue;
      const waiters = await store.waiters([id]);
      if (waiters.some((waiter) => !outer.has(waiter.id))) continue;
      found.add(id);
      outer.add(id);
      const inner = await store.get('job', id);
      if (inner !== undefined) await look(inner);
    }
  };
  await look(job);
  return [...found];
}

/** A joined job has what it waits for among its arguments. */
function awaitedBy({ name, args, waitingOn, outcome }: JobRecord): readonly string[] {
  if (outcome !== null) return [];
  const isJoined = name === systemNames.serial || name === systemNames.parallel;
  const joined = isJoined ? args.flatMap(referredJobs) : [];
  return waitingOn === null || waitingOn === 'promise' ? joined : [waitingOn, ...joined];
}

/** Jobs that end in one commit, though none of their code ends them, and what follows that. */
class Ends {
  readonly #callbacks: CallbackSteps;
  readonly #work: UnitOfWork;
  readonly #changes: StagedChange[] = [];
  readonly #expect: Precondition[] = [];
  readonly #ended: { readonly job: JobRecord; readonly isCalledHere: boolean }[] = [];

  constructor(callbacks: CallbackSteps, work: UnitOfWork) {
    this.#callbacks = callbacks;
    this.#work = work;
  }

  async add(record: JobRecord, step: Transition): Promise<void> {
    this.#changes.push(step);
    this.#expect.push(ifUnchanged(record));
    const job = afterStep(record, step);
    if (job.outcome === null) return;
    const { changes, expect, isCalledHere } = await endElsewhere(this.#work, job);
    this.#changes.push(...changes);
    this.#expect.push(...expect);
    this.#ended.push({ job, isCalledHere });
  }

  async submit(): Promise<void> {
    if (this.#changes.length === 0) return;
    await this.#work.submit(this.#changes, this.#expect);
    await this.#work.whenCommitted(async () => {
      for (const { job, isCalledHere } of this.#ended) {
        logOutcome(this.#work.context, job);
        if (isCalledHere) await this.#callbacks.performFor(job);
      }
    });
  }
}

/** Adds a job to those that end, if it can be cancelled. */
async function cancel(
  ends: Ends,
  { context }: UnitOfWork,
  record: JobRecord,
  { by, reason }: CancelRequest,
): Promise<CancelResult> {
  if (record.outcome !== null) return 'ended';
  if (record.state === 'active.cancelling') return 'cancelling';
  const failure = Failure.from(new CancelledError({ id: record.id, reason })).data;
  const step = stepJob(record, { type: 'job.cancel', at: context.now(), by, reason, failure });
  await ends.add(record, step);
  return step.to === 'active.cancelling' ? 'cancelling' : 'cancelled';
}

async function cancelAll(
  ends: Ends,
  work: UnitOfWork,
  ids: readonly string[],
  request: CancelRequest,
): Promise<void> {
  for (const id of ids) {
    const record = await work.readChecked('job', id);
    if (record !== undefined) await cancel(ends, work, record, request);
  }
}
