import type { Outcome } from '../../machines/job.context.ts';
import { ReassignedError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { afterStep, stepJob } from '../model/step.ts';
import type { Engine } from './engine.ts';
import type { Job } from './job.ts';
import { logOutcome } from './outcome-log.ts';
import { RetryStep } from './retry-steps.ts';
import type { Run } from './run.ts';

/** Jobs that wait for another job or for a promise, and how they get its outcome. */
export class AwaitedOutcomes {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The job waits: for another job, or for a promise. Its worker is free, its slot is not. */
  wait(run: Run, on: string, inner: Job<unknown> | null, whenWaiting: () => void = () => {}): void {
    const engine = this.#engine;
    const wait = stepJob(run.job, { type: 'job.wait', on });
    const ticket = engine.commit(run.by, [...run.unit.made, wait], [...run.expectation, ...run.unit.end()]);
    engine.written(
      ticket,
      () => {
        run.unit.adopt();
        run.job = afterStep(run.job, wait);
        const tornDown = run.takeTearDown()?.();
        const waits = (): void => {
          run.agent?.workers.waits(run, inner);
          run.onDone();
          if (on !== 'promise') this.#finishWaiting(on, run.job.id);
          whenWaiting();
        };
        if (tornDown === undefined) waits();
        else void tornDown.then(waits);
      },
      (error) => {
        if (error instanceof ReassignedError) this.#engine.finishing.giveUp(run, error);
        else this.#engine.retrying.refused(run, Failure.from(error), null);
      },
    );
  }

  /** The promise that a job waits for has settled. */
  settle(run: Run, outcome: Outcome): void {
    run.startOver();
    this.#engine.finishing.finish(run, outcome, 'promise');
  }

  /** A job is done: those that wait for it take over its outcome. */
  announce(inner: string): void {
    this.#engine.store.waiters(inner).then(
      (outers) => {
        for (const outer of outers) this.#finishWaiting(inner, outer.id);
      },
      () => {},
    );
  }

  #finishWaiting(inner: string, outer: string): void {
    this.#finishIfDone(inner, outer).catch((error: unknown) => {
      const what = (): string => `job ${outer} did not get the outcome of ${inner}: ${String(error)}`;
      this.#engine.log.events('ERROR', what, { job: outer });
    });
  }

  async #finishIfDone(inner: string, outer: string): Promise<void> {
    const engine = this.#engine;
    const retry = new RetryStep(engine, () => `giving job ${outer} the outcome of ${inner}`);
    for (;;) {
      const [done, waiting] = [await engine.store.get('job', inner), await engine.store.get('job', outer)];
      if (done?.outcome == null || waiting?.state !== 'active.waiting' || waiting.waitingOn !== inner) return;
      const finish = stepJob(waiting, {
        type: 'job.finish',
        at: engine.now(),
        outcome: done.outcome,
        retryData: waiting.retryData,
        awaited: inner,
      });
      const ticket = engine.commit(
        engine.uuid,
        [finish],
        [{ what: 'rev', kind: 'job', id: outer, rev: waiting.rev }],
      );
      try {
        await ticket.synced;
      } catch (error) {
        await retry.pause(error);
        continue;
      }
      logOutcome(engine, waiting, done.outcome);
      await engine.callbacks.performFor(afterStep(waiting, finish));
      return;
    }
  }

  /** Gives an interrupted callback the outcome of the job that it waited for, which is done by now. */
  takeOver(inner: string, outer: string): Promise<void> {
    return this.#finishIfDone(inner, outer);
  }
}
