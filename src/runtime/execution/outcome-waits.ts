import type { Outcome } from '../../../machines/job.context.ts';
import { ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { queueOf } from '../../reading/job-place.ts';
import type { Precondition } from '../../store/store.ts';
import { committed } from '../commits/commit-reactions.ts';
import type { Committer } from '../commits/committer.ts';
import { holderOf, ifUnchanged } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import { isStoreAway } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { JobLike } from '../jobs/job-like.ts';
import { jobFields, logOutcome } from './outcome-log.ts';
import type { CommitRetries } from './retry-commit.ts';
import { isCommitted, type Run } from './run.ts';
import type { CallbackSteps, RunSteps } from './run-steps.ts';

/** Waits that would never end. */
const hopeless: readonly string[] = ['AWAITED_ITSELF', 'LIMIT_DEADLOCK'];

/** The dependencies of the waits. */
export interface OutcomeWaitsDeps {
  readonly committer: Committer;
  readonly retries: CommitRetries;
  readonly callbacks: CallbackSteps;
  readonly steps: Pick<RunSteps, 'giveUp' | 'retry' | 'stopped'>;
}

/** Jobs that wait for another job or for a promise: lets them wait, and gives them the outcome. */
export class OutcomeWaits {
  readonly #context: RuntimeContext;
  readonly #deps: OutcomeWaitsDeps;

  constructor(deps: OutcomeWaitsDeps) {
    this.#context = deps.committer.context;
    this.#deps = deps;
  }

  /** Lets the job wait for another job, or for a promise. Its worker is free, its slot is not. */
  wait(run: Run, on: string, inner: JobLike | null, whenWaiting: () => void = () => {}): void {
    const { committer, retries, steps } = this.#deps;
    run.phase = 'commit';
    const wait = stepJob(run.job, { type: 'job.wait', on });
    const expect: Precondition[] = [...run.preconditions, ...run.unit.end()];
    if (on !== 'promise') expect.push({ check: 'notAwaitedBy', id: run.job.id, on });
    const ticket = committer.commit(run.by, [...run.unit.changes, ...run.lastProgress, wait], expect);
    const waiting = afterStep(run.job, wait);
    const whenWritten = (): void => {
      run.unit.committed();
      run.job = waiting;
      const tornDown = run.takeTearDown()?.();
      const freeWorker = (): void => {
        run.agent?.workers.waits(run, inner);
        run.onDone();
        if (on !== 'promise') this.#giveOutcome(on, run.job.id);
        whenWaiting();
      };
      if (tornDown === undefined) freeWorker();
      else void tornDown.then(freeWorker);
    };
    committer.whenWritten(ticket, whenWritten, (error) => {
      // Nothing waits for the promise any more, so its time limits end.
      if (!isStoreAway(error)) run.watch(null);
      if (error instanceof ReassignedError) steps.giveUp(run, error);
      else if (error instanceof SignalboxError && hopeless.includes(error.code)) {
        run.startOver();
        steps.retry(run, Failure.from(error), 'jobError');
      } else if (isStoreAway(error))
        retries.retryWhenStoreReturns(run, error, waiting, whenWritten, () =>
          this.wait(run, on, inner, whenWaiting),
        );
      else void this.#notWaiting(run, error);
    });
  }

  /** The wait was refused: the job may be to stop meanwhile. */
  async #notWaiting(run: Run, error: Error): Promise<void> {
    const { retries, steps } = this.#deps;
    const isStopping = error instanceof ConflictError && (await retries.look(run)) === 'stopping';
    if (isStopping) run.startOver();
    if (isStopping) steps.stopped(run, null);
    else steps.retry(run, Failure.from(error), 'commitError');
  }

  /** The outcomes of jobs are written: jobs that wait for them get them. */
  announce(inners: readonly string[]): void {
    const { store, log } = this.#context;
    const what = (): string => `reading which jobs wait for ${inners.length} finished jobs`;
    retryForever(this.#context, what, () => store.waiters(inners)).then(
      (outers) => {
        for (const { id, waitingOn } of outers) if (waitingOn !== null) this.#giveOutcome(waitingOn, id);
      },
      (error: unknown) =>
        log.events(
          'ERROR',
          () => `the outcome of ${inners.length} finished jobs was given to no job: ${String(error)}`,
        ),
    );
  }

  /** Looks again for the outcomes that held jobs wait for: the process that ended them may be gone since. */
  lookAgain(held: readonly JobRecord[]): void {
    for (const { id, state, waitingOn } of held)
      if (state === 'active.waiting' && waitingOn !== null && waitingOn !== 'promise')
        this.#giveOutcome(waitingOn, id);
  }

  #giveOutcome(inner: string, outer: string): void {
    this.takeOver(inner, outer).catch((error: unknown) => {
      const what = (): string => `job ${outer} did not get the outcome of ${inner}: ${String(error)}`;
      this.#context.log.events('ERROR', what, { job: outer });
    });
  }

  /** Gives a job the outcome of the job that it waits for, if there is one; then calls its callbacks. */
  async takeOver(inner: string, outer: string): Promise<void> {
    const finished = await retryForever(
      this.#context,
      () => `giving job ${outer} the outcome of ${inner}`,
      () => this.#finishIfOver(inner, outer),
    );
    if (finished === null) return;
    logOutcome(this.#context, finished);
    await this.#callCallbacks(finished);
  }

  /** Calls the callbacks as long as the job is not reassigned: then its new holder calls them. */
  async #callCallbacks(job: JobRecord): Promise<void> {
    const context = this.#context;
    const what = (): string => `calling the callbacks of ${jobLabel(job)}`;
    const queue = (await retryForever(context, what, () => queueOf(context.store, job))) ?? '';
    const within = { agent: null, slot: null, holder: holderOf(job), queue, about: job.id };
    try {
      await this.#deps.callbacks.performFor(job, within);
    } catch (error) {
      if (!(error instanceof ReassignedError)) throw error;
    }
  }

  /**
   * Whether a job whose worker is gone continues to wait, or has just got the outcome that it waited for. False when what it
   * waited for is gone: a promise dies with its process.
   */
  async stillWaits(outer: JobRecord): Promise<boolean> {
    const { store, log } = this.#context;
    const { waitingOn } = outer;
    const inner =
      waitingOn === null || waitingOn === 'promise' ? undefined : await store.get('job', waitingOn);
    if (inner === undefined) return false;
    if (inner.outcome !== null) {
      const what = (): string => `${jobLabel(outer)} has not got the outcome of ${jobLabel(inner)} yet`;
      log.events('WARNING', what, jobFields(outer));
      await this.takeOver(inner.id, outer.id);
    }
    return true;
  }

  /** Null when the inner job is not over, or the outer one no longer waits for it. */
  async #finishIfOver(inner: string, outer: string): Promise<JobRecord | null> {
    const { store, uuid } = this.#context;
    const { committer } = this.#deps;
    const [over, waiting] = [await store.get('job', inner), await store.get('job', outer)];
    if (waiting?.state !== 'active.waiting' || waiting.waitingOn !== inner) return null;
    // A missing job was dropped long ago, or never was.
    const outcome = over === undefined ? notFound(inner) : over.outcome;
    if (outcome === null) return null;
    const finish = stepJob(waiting, {
      type: 'job.finish',
      at: this.#context.now(),
      outcome,
      retryData: waiting.retryData,
      awaited: inner,
    });
    const ended = afterStep(waiting, finish);
    try {
      await committer.commit(uuid, [finish], [ifUnchanged(waiting)]).synced;
    } catch (error) {
      if (!isStoreAway(error) || !(await isCommitted(this.#context, ended))) throw error;
      committer.carryOut([finish], committed);
    }
    return ended;
  }
}

function notFound(id: string): Outcome {
  return { ok: false, failure: Failure.from(new SignalboxError('JOB_NOT_FOUND', { id })).data };
}
