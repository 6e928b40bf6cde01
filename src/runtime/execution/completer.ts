import type { Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Redactor } from '../../model/values/redaction.ts';
import type { Change, OpenStore, Ticket } from '../../store/store.ts';
import { committed } from '../commits/commit-reactions.ts';
import type { Committer } from '../commits/committer.ts';
import { withReplies } from '../commits/letters.ts';
import { isStoreAway, isStoreClosed } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { instrumentOutcome } from './instruments.ts';
import { outcomeCommit } from './outcome-commit.ts';
import { isOutcomeLogged, logHandedOn, logLost, logOutcome, outcomeText } from './outcome-log.ts';
import type { CommitRetries } from './retry-commit.ts';
import type { RetryPolicies } from './retry-policies.ts';
import { type CommittedEnding, HandedOverError, type Run } from './run.ts';
import type { CallbackSteps, RunSteps } from './run-steps.ts';

/** The dependencies of the completer. */
export interface CompleterDeps {
  readonly committer: Committer;
  readonly policies: RetryPolicies;
  readonly retries: CommitRetries;
  readonly callbacks: CallbackSteps;
  readonly steps: Pick<RunSteps, 'retry' | 'stopped'>;
}

/** Commits the outcome of a call, and starts what follows: tear down, the log, callbacks, the release of the worker. */
export class Completer {
  readonly #context: RuntimeContext;
  readonly #deps: CompleterDeps;

  constructor(deps: CompleterDeps) {
    this.#context = deps.committer.context;
    this.#deps = deps;
  }

  /**
   * Commits the outcome with everything the attempt did, and COMPLETED in the same commit when no callback waits. Callbacks
   * and the log follow once it is synced. `mayComplete`: false when a callback is known to wait.
   */
  finish(run: Run, outcome: Outcome, awaited: string | null = null, mayComplete = true): void {
    run.phase = 'commit';
    const ending = this.#endingOf(run, outcome, awaited, mayComplete);
    const ticket = this.#deps.committer.commit(run.by, ending.changes, ending.expect);
    this.#follow(run, ending, ticket, (error) => this.#notCommitted(run, ending, awaited, error));
  }

  /**
   * Does the work of a job in a transaction of the database and commits its outcome in it. Resolves when both are committed,
   * rejects when neither is. What follows the outcome happens when the code returns.
   */
  async finishWithin<Result>(
    run: Run,
    work: (client: unknown) => Promise<Result>,
    encode: (result: Result) => Json,
  ): Promise<Result> {
    const { store } = this.#context;
    if (store.transaction === null)
      throw new SignalboxError('NO_TRANSACTIONS', { call: 'local.transaction' });
    const { unit } = run;
    if (run.ended !== null || run.inTransaction === unit) throw transactionEnded();
    run.inTransaction = unit;
    try {
      return await this.#endWithin(run, store.transaction, work, encode);
    } finally {
      if (run.inTransaction === unit) run.inTransaction = null;
    }
  }

  async #endWithin<Result>(
    run: Run,
    transaction: NonNullable<OpenStore['transaction']>,
    work: (client: unknown) => Promise<Result>,
    encode: (result: Result) => Json,
  ): Promise<Result> {
    const { unit } = run;
    let ending: CommittedEnding | null = null;
    let settle = (): void => {};
    const hasCallbacks = await unit.hasCallbacks(run.job.id);
    try {
      const result = await transaction(work, (value, refusal) => {
        // The code did not wait for its transaction: what it returned or threw counts.
        if (ending === null && unit.isEnded) throw transactionEnded();
        // A callback was added meanwhile: it is called after the outcome, like that of any other job.
        if (refusal !== null && !(refusal instanceof ConflictError && ending?.completes === true))
          throw refusal;
        const mayComplete = !hasCallbacks && refusal === null;
        ending = this.#endingOf(run, { ok: true, value: encode(value) }, null, mayComplete);
        run.ending ??= new Promise((resolve) => {
          settle = resolve;
        });
        const changes = withReplies(ending.changes, () => this.#context.store.now());
        return { by: run.by, changes: changes as readonly Change[], expect: ending.expect };
      });
      run.ended = ending;
      this.#deps.committer.carryOut((ending as CommittedEnding | null)?.changes ?? [], committed);
      return result;
    } catch (error) {
      // Nothing was committed: the attempt continues with what it has buffered, if its code does.
      if (ending !== null) unit.reopen();
      throw error;
    } finally {
      if (ending !== null) run.ending = null;
      settle();
    }
  }

  /** The code has returned or thrown after its outcome was committed: what it gives now does not count. */
  continueAfter(run: Run, ending: CommittedEnding): void {
    this.#follow(run, ending, committed, () => {});
  }

  #endingOf(run: Run, outcome: Outcome, awaited: string | null, mayComplete: boolean): CommittedEnding {
    const retryData = this.#deps.policies.dataOf(run);
    const ending = outcomeCommit({
      job: run.job,
      outcome,
      at: this.#context.now(),
      retryData,
      awaited,
      staged: run.unit.changes,
      progress: run.lastProgress,
      preconditions: run.preconditions,
      // A job that is torn down stays with its worker until that is done.
      mayComplete: mayComplete && run.tearDown === null,
    });
    // The unit ends only once the chart has accepted the outcome.
    const reads = run.unit.end();
    return reads.length === 0 ? ending : { ...ending, expect: [...ending.expect, ...reads] };
  }

  #follow(run: Run, ending: CommittedEnding, ticket: Ticket, refused: (error: Error) => void): void {
    const { committer } = this.#deps;
    const { finished, outcome, completes } = ending;
    committer.whenWritten(
      ticket,
      () => {
        run.unit.committed();
        instrumentOutcome(run, outcome);
        if (!completes) return;
        run.agent?.workers.ended(run, outcome);
        run.onDone();
      },
      refused,
    );
    // Most outcomes are followed by an entry of the log alone, which the logger drops.
    if (completes && !isOutcomeLogged(this.#context, outcome)) return;
    committer.whenSynced(ticket, () => {
      const tearDown = run.takeTearDown();
      if (tearDown === null) this.#committed(run, finished, outcome, completes);
      else void tearDown().then(() => this.#committed(run, finished, outcome, completes));
    });
  }

  #committed(run: Run, finished: JobRecord, outcome: Outcome, completes: boolean): void {
    logOutcome(this.#context, finished, run);
    if (completes) run.agent?.workers.logCompleted(run);
    else this.#performCallbacks(run, finished, outcome);
  }

  /** The worker is free when the callbacks have been performed, successfully or not. */
  #performCallbacks(run: Run, job: JobRecord, outcome: Outcome): void {
    const freeWorker = (): void => run.agent?.workers.ended(run, outcome);
    const performed = this.#deps.callbacks.perform(run.callbackContext, job, freeWorker);
    void performed
      .catch((error: unknown) => {
        if (error instanceof HandedOverError) run.handedOver = error;
        else logNotEnded(this.#context, run, error);
        if (error instanceof ReassignedError) run.agent?.workers.lost(run);
      })
      .then(() => {
        freeWorker();
        run.agent?.workers.logCompleted(run);
        run.onDone();
      });
  }

  #notCommitted(run: Run, ending: CommittedEnding, awaited: string | null, error: Error): void {
    const { retries } = this.#deps;
    const { outcome } = ending;
    // What was awaited came once: no policy could bring it again.
    if (awaited !== null) run.retry ??= retries.stepOf(run);
    if (error instanceof ReassignedError) this.giveUp(run, error);
    else if (error instanceof ConflictError)
      void this.#afterConflict(run, ending, awaited, error).catch((final: unknown) =>
        this.giveUp(run, final),
      );
    // The outcome is kept and written when the store takes it: the code is not called again for that, nor a policy asked.
    else if (isStoreAway(error)) this.#finishWhenStoreReturns(run, ending, awaited, error);
    else if (isStoreClosed(error)) run.onDone();
    else this.#afterError(run, outcome, awaited, error);
  }

  /** A callback may have been added, or the job be to stop: what the code gave counts as the chart says then. */
  async #afterConflict(
    run: Run,
    { outcome, completes }: CommittedEnding,
    awaited: string | null,
    error: ConflictError,
  ): Promise<void> {
    const standing = await this.#deps.retries.look(run);
    if (standing === 'stopping') this.#whenStopping(run, outcome, awaited);
    else if (completes) this.finish(run, outcome, awaited, false);
    else this.#afterError(run, outcome, awaited, error);
  }

  #whenStopping(run: Run, outcome: Outcome, awaited: string | null): void {
    if (outcome.ok || run.job.stop?.cause !== 'cancel') this.finish(run, outcome, awaited);
    else this.#deps.steps.stopped(run, new Failure(outcome.failure).toError());
  }

  #afterError(run: Run, outcome: Outcome, awaited: string | null, error: Error): void {
    const { retries, steps } = this.#deps;
    const redactor = (): Redactor => this.#context.registry.redactorOf(run.job);
    // An end that is not the code's own is written whatever happens.
    if (run.retry !== null || run.isStopping) {
      const again = (): void => this.finish(run, outcome, awaited);
      retries.repeat(run, error, again, () => this.#whenStopping(run, outcome, awaited));
      return;
    }
    const masked = outcome.ok
      ? ({ ok: true, text: () => outcomeText(outcome, redactor()) } as const)
      : outcome;
    steps.retry(run, Failure.from(error), 'commitError', masked);
  }

  #finishWhenStoreReturns(run: Run, ending: CommittedEnding, awaited: string | null, error: Error): void {
    const { finished, outcome, completes, changes } = ending;
    this.#deps.retries.retryWhenStoreReturns(
      run,
      error,
      completes ? { ...finished, state: 'completed' } : finished,
      () => {
        this.#deps.committer.carryOut(changes, committed);
        this.continueAfter(run, ending);
      },
      () => this.finish(run, outcome, awaited, completes),
    );
  }

  /** The worker was stopped, and the code said so: the job stays ACTIVE, to be handled as an interruption. */
  abort(run: Run, error: unknown): void {
    const tornDown = run.takeTearDown()?.() ?? Promise.resolve();
    void tornDown.then(() => this.giveUp(run, error));
  }

  /** Ends the run without a commit: the job was handed on or reassigned, or the store is closed. */
  giveUp(run: Run, error: unknown): void {
    logNotEnded(this.#context, run, error);
    run.agent?.workers.lost(run);
    // It may still wait for its tearDown.
    run.thread?.stop(error);
    run.onDone();
  }
}

/** A dispatcher that stops hands on what it holds: that a call of it counts no more is expected. */
function logNotEnded(context: RuntimeContext, run: Run, error: unknown): void {
  const log = run.agent?.workers.handsOn === true ? logHandedOn : logLost;
  log(context, run.job, error, run);
}

function transactionEnded(): SignalboxError {
  return new SignalboxError('TRANSACTION_ENDED', { call: 'local.transaction()' });
}
