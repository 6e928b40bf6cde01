import type { Outcome } from '../../../machines/job.context.ts';
import { ReassignedError, SignalboxError } from '../../errors.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Expectation } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import { isStoreAway, mustSucceed } from '../commits/retry.ts';
import type { Job } from '../handles/job.ts';
import { committed } from './completer.ts';
import { logOutcome } from './outcome-log.ts';
import { isMade, type Run } from './run.ts';

/** Jobs that wait for another job or for a promise, and how they get its outcome. */
export class AwaitedOutcomes {
  readonly #engine: Engine;
  readonly #announced: string[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The job waits: for another job, or for a promise. Its worker is free, its slot is not. */
  wait(run: Run, on: string, inner: Job<unknown> | null, whenWaiting: () => void = () => {}): void {
    const engine = this.#engine;
    const wait = stepJob(run.job, { type: 'job.wait', on });
    const expect: Expectation[] = [...run.expectation, ...run.unit.end()];
    if (on !== 'promise') expect.push({ what: 'notAwaitedBy', id: run.job.id, on });
    const ticket = engine.commit(run.by, [...run.unit.made, wait], expect);
    const waiting = afterStep(run.job, wait);
    const isStored = (): void => {
      run.unit.adopt();
      run.job = waiting;
      const tornDown = run.takeTearDown()?.();
      const waits = (): void => {
        run.agent?.workers.waits(run, inner);
        run.onDone();
        if (on !== 'promise') this.#finishWaiting(on, run.job.id);
        whenWaiting();
      };
      if (tornDown === undefined) waits();
      else void tornDown.then(waits);
    };
    engine.written(ticket, isStored, (error) => {
      if (error instanceof ReassignedError) this.#engine.finishing.giveUp(run, error);
      else if (error instanceof SignalboxError && error.code === 'AWAITED_ITSELF') {
        run.startOver();
        this.#engine.retrying.threw(run, Failure.from(error));
      } else if (isStoreAway(error))
        engine.retrying.whenBack(run, error, waiting, isStored, () => this.wait(run, on, inner, whenWaiting));
      else this.#engine.retrying.refused(run, Failure.from(error), null);
    });
  }

  /** The promise that a job waits for has settled. */
  settle(run: Run, outcome: Outcome): void {
    run.startOver();
    this.#engine.finishing.finish(run, outcome, 'promise');
  }

  /** A job is done: those that wait for it take over its outcome. Asked once for all jobs of a batch. */
  announce(inner: string): void {
    this.#announced.push(inner);
    if (this.#announced.length === 1) queueMicrotask(() => this.#ask(this.#announced.splice(0)));
  }

  #ask(inners: readonly string[]): void {
    const engine = this.#engine;
    const asking = mustSucceed(
      engine,
      () => `asking who waits for ${inners.length} finished jobs`,
      () => engine.store.waiters(inners),
    );
    asking.then(
      (outers) => {
        for (const { id, waitingOn } of outers) if (waitingOn !== null) this.#finishWaiting(waitingOn, id);
      },
      (error: unknown) => {
        const what = (): string =>
          `nobody was given the outcome of ${inners.length} finished jobs: ${String(error)}`;
        engine.log.events('ERROR', what);
      },
    );
  }

  /** What the agents here hold that waits for a job: who ended that, elsewhere, may have gone before it told of it. */
  lookAgain(held: readonly JobRecord[]): void {
    for (const { id, state, waitingOn } of held)
      if (state === 'active.waiting' && waitingOn !== null && waitingOn !== 'promise')
        this.#finishWaiting(waitingOn, id);
  }

  #finishWaiting(inner: string, outer: string): void {
    this.takeOver(inner, outer).catch((error: unknown) => {
      const what = (): string => `job ${outer} did not get the outcome of ${inner}: ${String(error)}`;
      this.#engine.log.events('ERROR', what, { job: outer });
    });
  }

  /** Gives a job the outcome of the one that it waits for, if that is done; then its callbacks are performed. */
  async takeOver(inner: string, outer: string): Promise<void> {
    const engine = this.#engine;
    const finished = await mustSucceed(
      engine,
      () => `giving job ${outer} the outcome of ${inner}`,
      () => this.#finishIfDone(inner, outer),
    );
    if (finished === null) return;
    logOutcome(engine, finished.was, finished.outcome);
    await engine.callbacks.performFor(finished.job);
  }

  /**
   * Whether a job whose worker went away goes on waiting, or has just got the outcome of the job that it waited for. False
   * when what it waited for is gone: a promise died with its process.
   */
  async stillWaits(outer: JobRecord): Promise<boolean> {
    const { store, log, executor } = this.#engine;
    const { waitingOn } = outer;
    const inner =
      waitingOn === null || waitingOn === 'promise' ? undefined : await store.get('job', waitingOn);
    if (inner === undefined) return false;
    if (inner.outcome !== null) {
      const what = (): string => `${executor.text(outer)} did not hear that ${executor.text(inner)} is done`;
      log.events('WARNING', what, { job: outer.id });
      await this.takeOver(inner.id, outer.id);
    }
    return true;
  }

  /** Null when the one is not done, or the other does not wait for it any more. */
  async #finishIfDone(
    inner: string,
    outer: string,
  ): Promise<{ readonly was: JobRecord; readonly job: JobRecord; readonly outcome: Outcome } | null> {
    const engine = this.#engine;
    const [done, waiting] = [await engine.store.get('job', inner), await engine.store.get('job', outer)];
    if (waiting?.state !== 'active.waiting' || waiting.waitingOn !== inner) return null;
    // One that is not there was dropped long ago, or never was.
    const outcome = done === undefined ? notFound(inner) : done.outcome;
    if (outcome === null) return null;
    const finish = stepJob(waiting, {
      type: 'job.finish',
      at: engine.now(),
      outcome,
      retryData: waiting.retryData,
      awaited: inner,
    });
    const asRead = { what: 'rev', kind: 'job', id: outer, rev: waiting.rev } as const;
    const ended = afterStep(waiting, finish);
    try {
      await engine.commit(engine.uuid, [finish], [asRead]).synced;
    } catch (error) {
      if (!isStoreAway(error) || !(await isMade(engine, ended))) throw error;
      engine.performAll([finish], committed);
    }
    return { was: waiting, job: ended, outcome };
  }
}

function notFound(id: string): Outcome {
  return { ok: false, failure: Failure.from(new SignalboxError('JOB_NOT_FOUND', { id })).data };
}
