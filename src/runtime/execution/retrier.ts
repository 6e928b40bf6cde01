import { isAgentPlace } from '../../../machines/job.context.ts';
import { ReassignedError } from '../../errors.ts';
import { putBackAt, type RetryAnswer } from '../../model/jobs/retry.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { Failure } from '../../model/values/failure.ts';
import type { Committer } from '../commits/committer.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { jobLabel, logMasked, type MaskedOutcome } from './outcome-log.ts';
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
    // The box may be stopped before the policy answers.
    this.#ask(run, failure, cause, masked).catch((final: unknown) => this.#deps.steps.giveUp(run, final));
  }

  async #ask(
    run: Run,
    failure: Failure,
    cause: 'jobError' | 'commitError',
    masked: MaskedOutcome | null,
  ): Promise<void> {
    const { policies, retries, steps } = this.#deps;
    await run.takeTearDown()?.();
    await this.#reread(run);
    const answer = await policies.after(run, failure, cause);
    if (!(await retries.isCurrent(run))) {
      steps.giveUp(run, new ReassignedError({ id: run.job.id }));
      return;
    }
    if (answer === true) return this.#callAgain(run);
    if (answer !== false && isHeldByAgent(run)) return this.#putBack(run, answer);
    if (answer !== false) {
      const what = (): string =>
        `${jobLabel(this.#context, run.job)} asked to be put back, but no agent holds it`;
      this.#context.log.events('CRITICAL', what, { job: run.job.id });
    }
    if (cause === 'commitError') {
      run.retry = retries.stepOf(run);
      if (masked !== null) logMasked(this.#context, run.job, masked);
    }
    steps.finish(run, { ok: false, failure: failure.data });
  }

  /** The policy and the level of a failure may be set while the job runs. */
  async #reread(run: Run): Promise<void> {
    // Without an answer they are what they were when the call began.
    const now = await this.#context.store.get('job', run.job.id).catch(() => undefined);
    if (now === undefined) return;
    const { retryPolicy, failureLogLevel } = now;
    run.job = { ...run.job, retryPolicy, failureLogLevel };
  }

  #callAgain(run: Run): void {
    const { committer, retries, steps } = this.#deps;
    const retry = stepJob(run.job, { type: 'job.retry' });
    const ticket = committer.commit(run.by, [retry], run.preconditions);
    committer.whenWritten(
      ticket,
      () => {
        run.job = afterStep(run.job, retry);
        run.startOver();
        run.retry = null;
        void run.reread().then(() => steps.execute(run));
      },
      (error) => retries.repeat(run, error, () => this.#callAgain(run)),
    );
  }

  #putBack(run: Run, answer: RetryAnswer): void {
    const { committer, policies, retries } = this.#deps;
    // Due times are the store's: its clock is the only one that all hosts share.
    const at = this.#context.store.now();
    const reschedule = stepJob(run.job, {
      type: 'job.reschedule',
      at,
      queue: run.queue,
      beginAfter: putBackAt(answer, at),
      retryData: policies.dataOf(run, true),
    });
    const ticket = committer.commit(run.by, [reschedule], run.preconditions);
    committer.whenWritten(
      ticket,
      () => {
        run.agent?.workers.ended(run, null);
        run.agent?.slotFreed();
        run.onDone();
      },
      (error) => retries.repeat(run, error, () => this.#putBack(run, answer)),
    );
  }
}

/** Only a job that an agent holds itself can be put back: no callback, and no job that no agent has claimed. */
function isHeldByAgent(run: Run): boolean {
  const { parent } = run.job;
  return run.holder?.id === run.job.id && parent !== null && isAgentPlace(parent);
}
