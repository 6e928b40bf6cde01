import type { Outcome } from '../../machines/job.context.ts';
import { ConflictError, ReassignedError, SignalboxError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import type { JobRecord } from '../model/records.ts';
import { afterStep, stepJob } from '../model/step.ts';
import type { Expectation } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { logLost, logOutcome, outcomeText } from './outcome-log.ts';
import type { Run } from './run.ts';

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
    const expect: Expectation[] = [...run.expectation, ...run.unit.end()];
    if (completes) expect.push({ what: 'noUnstartedCallback', id: run.job.id });

    const ticket = engine.commit(run.by, made, expect);
    engine.written(
      ticket,
      () => {
        run.unit.adopt();
        if (!completes) return;
        run.agent?.workers.ended(run, outcome);
        run.onDone();
      },
      (error) => this.#notCommitted(run, outcome, awaited, completes, error),
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

  #notCommitted(run: Run, outcome: Outcome, awaited: string | null, completed: boolean, error: Error): void {
    // What was awaited came once: no policy could bring it again.
    if (awaited !== null) run.retry ??= this.#engine.retrying.step(run);
    if (error instanceof ReassignedError) this.giveUp(run, error);
    else if (error instanceof ConflictError && completed) this.finish(run, outcome, awaited, false);
    else if (error instanceof SignalboxError && isPassing(error)) {
      // The outcome is kept and written first when the store can again; the code is not called twice for a full disk.
      this.#engine.reactor.callLater(1000, () => this.finish(run, outcome, awaited, completed));
    } else if (error instanceof SignalboxError && error.code.startsWith('STORE_')) run.onDone();
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

/** The store takes nothing now, and will by itself. */
function isPassing({ code }: SignalboxError): boolean {
  return code === 'STORE_FULL' || code === 'STORE_DISCONNECTED';
}
