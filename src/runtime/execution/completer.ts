import type { Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Change, Expectation, OpenStore, Ticket } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import { isStoreAway, isStoreGone } from '../commits/retry.ts';
import type { Made } from '../commits/unit-of-work.ts';
import { logLost, logOutcome, outcomeText } from './outcome-log.ts';
import type { Run } from './run.ts';

/** An outcome and how it is committed. */
export interface Ending {
  readonly made: readonly Made[];
  readonly expect: readonly Expectation[];
  /** The job as its outcome leaves it. */
  readonly finished: JobRecord;
  readonly outcome: Outcome;
  /** It is COMPLETED with its outcome. */
  readonly completes: boolean;
}

/** Of a commit that is known to be made. */
export const committed: Ticket = { written: Promise.resolve(), synced: Promise.resolve() };

/** Commits the outcome of a call, and lets what follows it happen. */
export class Finishing {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * The outcome, and COMPLETED with it when no callback waits, in one commit with everything the attempt did.
   * Callbacks and the log follow once it is synced.
   */
  finish(run: Run, outcome: Outcome, awaited: string | null = null, mayComplete = true): void {
    const ending = this.#ending(run, outcome, awaited, mayComplete);
    const ticket = this.#engine.commit(run.by, ending.made, ending.expect);
    this.#follow(run, ending, ticket, (error) => this.#notCommitted(run, ending, awaited, error));
  }

  /**
   * The work of a job in a transaction of the database, and the outcome of the job in it: what the work gives. Resolves when
   * both are committed; rejects when neither is. What follows the outcome happens when the code returns.
   */
  async finishWithin<Result>(
    run: Run,
    work: (client: unknown) => Promise<Result>,
    encode: (result: Result) => Json,
  ): Promise<Result> {
    const { store } = this.#engine;
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
    let ending: Ending | null = null;
    let tell = (): void => {};
    const hasCallbacks = await unit.hasCallbacks(run.job.id);
    try {
      const result = await transaction(work, (value, refusal) => {
        // The code did not wait for its transaction: how it returned or threw is what counts.
        if (ending === null && unit.isEnded) throw transactionEnded();
        // Somebody has added a callback meanwhile: it is called behind the outcome, as that of any other job.
        if (refusal !== null && !(refusal instanceof ConflictError && ending?.completes === true))
          throw refusal;
        const mayComplete = !hasCallbacks && refusal === null;
        ending = this.#ending(run, { ok: true, value: encode(value) }, null, mayComplete);
        run.ending ??= new Promise((resolve) => {
          tell = resolve;
        });
        return { by: run.by, changes: ending.made as readonly Change[], expect: ending.expect };
      });
      run.ended = ending;
      this.#engine.performAll((ending as Ending | null)?.made ?? [], committed);
      return result;
    } catch (error) {
      // Nothing was committed: the attempt goes on with what it has gathered, if its code does.
      if (ending !== null) unit.reopen();
      throw error;
    } finally {
      if (ending !== null) run.ending = null;
      tell();
    }
  }

  /** The code has returned, or thrown, after its outcome was committed: nothing that it gives now counts. */
  followEnded(run: Run, ending: Ending): void {
    this.#follow(run, ending, committed, () => {});
  }

  #ending(run: Run, outcome: Outcome, awaited: string | null, mayComplete: boolean): Ending {
    const engine = this.#engine;
    const finish = stepJob(run.job, {
      type: 'job.finish',
      at: engine.now(),
      outcome,
      retryData: engine.policies.dataOf(run),
      awaited,
    });
    const finished = afterStep(run.job, finish);
    // What the attempt itself may have added to the job is not in the store yet, so only the store's word counts then.
    // A job that is torn down stays with its worker until that is done.
    const completes = mayComplete && run.unit.isEmpty && run.tearDown === null;
    const made = completes
      ? [finish, stepJob(finished, { type: 'job.complete', at: engine.now(), unstarted: 0 })]
      : [...run.unit.made, finish];
    const expect = run.expectation;
    expect.push(...run.unit.end());
    if (completes) expect.push({ what: 'noUnstartedCallback', id: run.job.id });
    return { made, expect, finished, outcome, completes };
  }

  #follow(run: Run, ending: Ending, ticket: Ticket, refused: (error: Error) => void): void {
    const engine = this.#engine;
    const { finished, outcome, completes } = ending;
    engine.written(
      ticket,
      () => {
        run.unit.adopt();
        if (!completes) return;
        run.agent?.workers.ended(run, outcome);
        run.onDone();
      },
      refused,
    );
    engine.synced(ticket, () => {
      const tearDown = run.takeTearDown();
      if (tearDown === null) this.#committed(run, finished, outcome, completes);
      else void tearDown().then(() => this.#committed(run, finished, outcome, completes));
    });
  }

  #committed(run: Run, finished: JobRecord, outcome: Outcome, completes: boolean): void {
    logOutcome(this.#engine, run.job, outcome);
    if (completes) run.agent?.workers.logCompleted(run);
    else this.#performCallbacks(run, finished, outcome);
  }

  /** The worker goes on when the callbacks are done, whatever became of them. */
  #performCallbacks(run: Run, job: JobRecord, outcome: Outcome): void {
    const performed = this.#engine.callbacks.perform(run.callbackContext, job);
    void performed
      .catch((error: unknown) => {
        logLost(this.#engine, run.job, error);
        if (error instanceof ReassignedError) run.agent?.workers.lost(run);
      })
      .then(() => {
        run.agent?.workers.ended(run, outcome);
        run.agent?.workers.logCompleted(run);
        run.onDone();
      });
  }

  #notCommitted(run: Run, ending: Ending, awaited: string | null, error: Error): void {
    const { outcome, completes: completed } = ending;
    // What was awaited came once: no policy could bring it again.
    if (awaited !== null) run.retry ??= this.#engine.retrying.step(run);
    if (error instanceof ReassignedError) this.giveUp(run, error);
    else if (error instanceof ConflictError && completed) this.finish(run, outcome, awaited, false);
    // The outcome is kept and written first when the store can again; the code is not called twice for a full disk.
    else if (isStoreAway(error))
      this.#engine.retrying.whenBack(
        run,
        error,
        completed ? { ...ending.finished, state: 'completed' } : ending.finished,
        () => {
          this.#engine.performAll(ending.made, committed);
          this.followEnded(run, ending);
        },
        () => this.finish(run, outcome, awaited, completed),
      );
    else if (isStoreGone(error)) run.onDone();
    else if (run.retry !== null)
      this.#engine.retrying.repeat(run, error, () => this.finish(run, outcome, awaited));
    else
      this.#engine.retrying.refused(run, Failure.from(error), {
        ok: outcome.ok,
        text: () => outcomeText(outcome, this.#engine.registry.redactorOf(run.job)),
      });
  }

  /** The worker was stopped while it was at the job, and the code said so: the job stays ACTIVE, for an interruption. */
  escaped(run: Run, error: unknown): void {
    const tornDown = run.takeTearDown()?.() ?? Promise.resolve();
    void tornDown.then(() => this.giveUp(run, error));
  }

  /** Nothing more is written of the run: the job is in other hands, or the store takes nothing. */
  giveUp(run: Run, error: unknown): void {
    logLost(this.#engine, run.job, error);
    run.agent?.workers.lost(run);
    run.onDone();
  }
}

function transactionEnded(): SignalboxError {
  return new SignalboxError('TRANSACTION_ENDED', { call: 'local.transaction()' });
}
