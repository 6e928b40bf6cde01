import type { FailedAttempt } from '../../../machines/job.context.ts';
import { ReassignedError, SignalboxError } from '../../errors.ts';
import { putBackAt, type RetryAnswer } from '../../model/jobs/retry.ts';
import { limitToClose } from '../../model/jobs/retry-errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Committer } from '../commits/committer.ts';
import { hasRate, type LimitClosing, limitClosing } from '../commits/limits-of-job.ts';
import { retryForever } from '../commits/retry.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { watchAwaits } from '../environment/awaits.ts';
import { instrumentEnd } from './instruments.ts';
import { jobFields, logFailedAttempt, logMasked, type MaskedOutcome } from './outcome-log.ts';
import type { CommitRetries } from './retry-commit.ts';
import type { RetryPolicies } from './retry-policies.ts';
import { isCallback, isHeldByAgent, type Run } from './run.ts';
import type { RunSteps } from './run-steps.ts';

/** The dependencies of the retrier. */
export interface RetrierDeps {
  readonly committer: Committer;
  readonly policies: RetryPolicies;
  readonly retries: CommitRetries;
  readonly steps: Pick<RunSteps, 'execute' | 'finish' | 'giveUp' | 'stopped'>;
}

/** Asks the retry policy after a call failed, and commits its answer however long that takes. */
export class Retrier {
  readonly #context: RuntimeContext;
  readonly #deps: RetrierDeps;

  constructor(deps: RetrierDeps) {
    this.#context = deps.committer.context;
    this.#deps = deps;
  }

  /** `masked`: the outcome that a stored commit error would hide. */
  ask(
    run: Run,
    failure: Failure,
    cause: 'jobError' | 'commitError',
    masked: MaskedOutcome | null = null,
  ): void {
    run.phase = 'policy';
    if (cause === 'commitError') run.startOver();
    const failed = { at: this.#context.now(), failure: failure.data };
    // The box may be stopped before the policy answers.
    this.#ask(run, failed, cause, masked).catch((final: unknown) => this.#deps.steps.giveUp(run, final));
  }

  async #ask(
    run: Run,
    failed: FailedAttempt,
    cause: 'jobError' | 'commitError',
    masked: MaskedOutcome | null,
  ): Promise<void> {
    const { retries, steps } = this.#deps;
    await run.takeTearDown()?.();
    const { state } = run.job;
    const closing = cause === 'jobError' ? await this.#closing(run, failed) : null;
    const answer = closing?.answer ?? (await this.#answer(run, failed, cause));
    // The job has gone on without its code, which the policy was asked about for too long.
    if (run.isAbandoned && state !== run.job.state) return;
    const standing = await retries.look(run);
    if (standing === 'lost') {
      steps.giveUp(run, new ReassignedError({ id: run.job.id }));
      return;
    }
    run.phase = 'commit';
    if (state !== run.job.state) return steps.stopped(run, new Failure(failed.failure).toError());
    const isLoop = answer === true && run.retriesInRow === mostInRow;
    if (run.isStopping && answer !== false && this.#madeAgain(run, failed, answer)) return;
    if (answer === true && !isLoop && !run.isStopping) return this.#callAgain(run, failed);
    if (typeof answer === 'object' && isHeldByAgent(run) && isInTime(run, answer, this.#context.store.now()))
      return this.#putBack(run, failed, answer, closing);
    if (typeof answer === 'object' && !isHeldByAgent(run)) {
      const what = (): string => `${jobLabel(run.job)} asked to be put back, but no agent holds it`;
      this.#context.log.events('CRITICAL', what, jobFields(run.job, run));
    }
    if (cause === 'commitError') {
      run.retry = retries.stepOf(run);
      if (masked !== null) logMasked(this.#context, run.job, masked);
    }
    const failure = isLoop ? loopOf(run, failed) : failed.failure;
    steps.finish(run, { ok: false, failure }, run.job.waitingOn);
  }

  /** Asks the policy, and counts the immediate retries between which neither the code nor the policy awaited anything. */
  async #answer(
    run: Run,
    { failure }: FailedAttempt,
    cause: 'jobError' | 'commitError',
  ): Promise<RetryAnswer> {
    const hasCodeAwaited = run.hasAwaited();
    await this.#reread(run);
    const hasPolicyAwaited = hasCodeAwaited ? () => true : watchAwaits();
    const given = await this.#deps.policies.after(run, new Failure(failure), cause);
    // Each start of a job with a rate counts for it, so it is claimed again.
    const answer = given === true && isHeldByAgent(run) && (await this.#hasRate(run)) ? again : given;
    run.retriesInRow = answer === true && !hasPolicyAwaited() ? run.retriesInRow + 1 : 0;
    return answer;
  }

  /** The policy and the level of a failure may be set while the job runs. */
  async #reread(run: Run): Promise<void> {
    // Without an answer they are what they were when the call began.
    const now = await this.#context.store.get('job', run.job.id).catch(() => undefined);
    if (now === undefined) return;
    const { retryPolicy, failureLogLevel } = now;
    run.job = { ...run.job, retryPolicy, failureLogLevel };
  }

  #callAgain(run: Run, failed: FailedAttempt): void {
    const { committer, retries, steps } = this.#deps;
    const retry = stepJob(run.job, { type: 'job.retry', failed });
    const ticket = committer.commit(run.by, [retry], run.preconditions);
    committer.whenWritten(
      ticket,
      () => {
        instrumentEnd(run, 'failed', new Failure(failed.failure));
        logFailedAttempt(this.#context, run.job, failed, 'at once', run);
        run.job = afterStep(run.job, retry);
        run.startOver();
        run.retry = null;
        void run.reread().then(() => {
          run.hasAwaited = watchAwaits();
          steps.execute(run);
        });
      },
      (error) =>
        retries.repeat(run, error, () => this.#callAgain(run, failed), this.#whenStopping(run, failed)),
    );
  }

  #hasRate({ job, queue }: Run): Promise<boolean> {
    const what = (): string => `reading the limits of ${jobLabel(job)}`;
    return retryForever(this.#context, what, () => hasRate(this.#context, job, queue));
  }

  /** What follows when the code has asked to close a limit of its job: no policy is asked. */
  async #closing(run: Run, { failure }: FailedAttempt): Promise<LimitClosing | null> {
    const given = new Failure(failure);
    if (!isHeldByAgent(run) || limitToClose(given) === null) return null;
    const policy = await this.#deps.policies.policyOf(run);
    const what = (): string => `reading the limits of ${jobLabel(run.job)}`;
    return retryForever(this.#context, what, () => limitClosing(this.#context, run.job, given, policy));
  }

  #putBack(run: Run, failed: FailedAttempt, answer: RetryAnswer, closing: LimitClosing | null = null): void {
    const { committer, policies, retries } = this.#deps;
    // Due times are the store's: its clock is the only one that all hosts share.
    const at = this.#context.store.now();
    const beginAfter = putBackAt(answer, at);
    const reschedule = stepJob(run.job, {
      type: 'job.reschedule',
      at,
      queue: run.queue,
      beginAfter,
      retryData: { ...policies.dataOf(run, true), ...closing?.data },
      failed,
    });
    const changes = [...run.lastProgress, reschedule, ...(closing === null ? [] : [closing.change])];
    const ticket = committer.commit(run.by, changes, run.preconditions);
    committer.whenWritten(
      ticket,
      () => {
        const when = beginAfter === null ? 'at once' : `at ${new Date(beginAfter).toISOString()}`;
        instrumentEnd(run, 'failed', new Failure(failed.failure));
        logFailedAttempt(this.#context, run.job, failed, when, run);
        run.agent?.workers.ended(run, null);
        run.agent?.slotFreed();
        run.onDone();
      },
      (error) =>
        retries.repeat(
          run,
          error,
          () => this.#putBack(run, failed, answer, closing),
          this.#whenStopping(run, failed),
        ),
    );
  }

  /**
   * After a time limit the code may still run, so it is never called again in the same place: the job is put back, a callback is
   * NEW again. False for what can be neither.
   */
  #madeAgain(run: Run, failed: FailedAttempt, answer: true | RetryAnswer): boolean {
    if (isCallback(run)) this.#reset(run, failed);
    else if (!isHeldByAgent(run) || !isInTime(run, answer, this.#context.store.now())) return false;
    else this.#putBack(run, failed, answer);
    return true;
  }

  #reset(run: Run, failed: FailedAttempt): void {
    const { committer, policies, retries } = this.#deps;
    const reset = stepJob(run.job, { type: 'callback.reset', retryData: policies.dataOf(run, true) });
    const ticket = committer.commit(run.by, [reset], run.preconditions);
    committer.whenWritten(
      ticket,
      () => {
        instrumentEnd(run, 'failed', new Failure(failed.failure));
        logFailedAttempt(this.#context, run.job, failed, 'at once', run);
        run.agent?.workers.ended(run, null);
        run.onDone();
      },
      (error) => retries.repeat(run, error, () => this.#reset(run, failed), this.#whenStopping(run, failed)),
    );
  }

  #whenStopping(run: Run, { failure }: FailedAttempt): () => void {
    return () => this.#deps.steps.stopped(run, new Failure(failure).toError());
  }
}

/** At once, at the front of its queue. */
const again: RetryAnswer = { after: 0 };

/** The most immediate retries in a row: a job and a policy that await nothing would keep their process busy for ever. */
const mostInRow = 1000;

function loopOf({ job }: Run, { failure }: FailedAttempt): FailedAttempt['failure'] {
  const details = { id: job.id, limit: mostInRow, message: failure.message };
  return Failure.from(new SignalboxError('RETRY_LOOP', details, { cause: new Failure(failure).toError() }))
    .data;
}

/** A wait that would end after the deadline is not waited for. */
function isInTime({ job }: Run, answer: RetryAnswer, now: number): boolean {
  return job.deadline === null || (putBackAt(answer, now) ?? now) <= job.deadline;
}
