import { type FailedAttempt, isAgentPlace } from '../../../machines/job.context.ts';
import { ReassignedError, SignalboxError } from '../../errors.ts';
import { putBackAt, type RetryAnswer } from '../../model/jobs/retry.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Committer } from '../commits/committer.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { watchAwaits } from '../environment/awaits.ts';
import { jobFields, logFailedAttempt, logMasked, type MaskedOutcome } from './outcome-log.ts';
import type { CommitRetries } from './retry-commit.ts';
import type { RetryPolicies } from './retry-policies.ts';
import type { Run } from './run.ts';
import type { RunSteps } from './run-steps.ts';

/** The dependencies of the retrier. */
export interface RetrierDeps {
  readonly committer: Committer;
  readonly policies: RetryPolicies;
  readonly retries: CommitRetries;
  readonly steps: Pick<RunSteps, 'execute' | 'finish' | 'giveUp'>;
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
    const answer = await this.#answer(run, failed, cause);
    if (!(await retries.isCurrent(run))) {
      steps.giveUp(run, new ReassignedError({ id: run.job.id }));
      return;
    }
    const isLoop = answer === true && run.retriesInRow === mostInRow;
    if (answer === true && !isLoop) return this.#callAgain(run, failed);
    if (typeof answer === 'object' && isHeldByAgent(run)) return this.#putBack(run, failed, answer);
    if (typeof answer === 'object') {
      const what = (): string => `${jobLabel(run.job)} asked to be put back, but no agent holds it`;
      this.#context.log.events('CRITICAL', what, jobFields(run.job, run));
    }
    if (cause === 'commitError') {
      run.retry = retries.stepOf(run);
      if (masked !== null) logMasked(this.#context, run.job, masked);
    }
    steps.finish(run, { ok: false, failure: isLoop ? loopOf(run, failed) : failed.failure });
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
    const answer = await this.#deps.policies.after(run, new Failure(failure), cause);
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
        logFailedAttempt(this.#context, run.job, failed, 'at once', run);
        run.job = afterStep(run.job, retry);
        run.startOver();
        run.retry = null;
        void run.reread().then(() => {
          run.hasAwaited = watchAwaits();
          steps.execute(run);
        });
      },
      (error) => retries.repeat(run, error, () => this.#callAgain(run, failed)),
    );
  }

  #putBack(run: Run, failed: FailedAttempt, answer: RetryAnswer): void {
    const { committer, policies, retries } = this.#deps;
    // Due times are the store's: its clock is the only one that all hosts share.
    const at = this.#context.store.now();
    const beginAfter = putBackAt(answer, at);
    const reschedule = stepJob(run.job, {
      type: 'job.reschedule',
      at,
      queue: run.queue,
      beginAfter,
      retryData: policies.dataOf(run, true),
      failed,
    });
    const ticket = committer.commit(run.by, [reschedule], run.preconditions);
    committer.whenWritten(
      ticket,
      () => {
        const when = beginAfter === null ? 'at once' : `at ${new Date(beginAfter).toISOString()}`;
        logFailedAttempt(this.#context, run.job, failed, when, run);
        run.agent?.workers.ended(run, null);
        run.agent?.slotFreed();
        run.onDone();
      },
      (error) => retries.repeat(run, error, () => this.#putBack(run, failed, answer)),
    );
  }
}

/** The most immediate retries in a row: a job and a policy that await nothing would keep their process busy for ever. */
const mostInRow = 1000;

function loopOf({ job }: Run, { failure }: FailedAttempt): FailedAttempt['failure'] {
  const details = { id: job.id, limit: mostInRow, message: failure.message };
  return Failure.from(new SignalboxError('RETRY_LOOP', details, { cause: new Failure(failure).toError() }))
    .data;
}

/** Only a job that an agent holds itself can be put back: no callback, and no job that no agent has claimed. */
function isHeldByAgent(run: Run): boolean {
  const { parent } = run.job;
  return run.holder?.id === run.job.id && parent !== null && isAgentPlace(parent);
}
