import { ReassignedError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { RetryStep } from '../commits/retry.ts';
import { isStoreAway } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { isAsLeft, isSameCall, isStopping, type Run } from './run.ts';
import type { RunSteps } from './run-steps.ts';

/** An attempt as it is in the store now: unchanged since its last step, to stop, or not the current one any more. */
export type Standing = 'current' | 'stopping' | 'lost';

/** Repeats the commits of runs that were not taken. */
export class CommitRetries {
  readonly #context: RuntimeContext;
  readonly #steps: Pick<RunSteps, 'giveUp'>;

  constructor(context: RuntimeContext, steps: Pick<RunSteps, 'giveUp'>) {
    this.#context = context;
    this.#steps = steps;
  }

  /** The commit of what follows a call, as a step that must succeed. */
  stepOf(run: Run): RetryStep {
    return new RetryStep(this.#context, () => `committing the outcome of ${jobLabel(run.job)}`);
  }

  /**
   * Repeats a step that must succeed, unless that cannot help: then the run is given up. `stopping`: what is done instead when
   * the job is to stop meanwhile.
   */
  repeat(run: Run, error: unknown, step: () => void, stopping: () => void): void {
    run.retry ??= this.stepOf(run);
    const pause = run.retry.pause(error).then(() => this.look(run));
    void pause.then(
      (standing) => {
        if (standing === 'current') step();
        else if (standing === 'stopping') stopping();
        else this.#steps.giveUp(run, new ReassignedError({ id: run.job.id }));
      },
      (final: unknown) => this.#steps.giveUp(run, final),
    );
  }

  /**
   * Makes a commit again that the store did not take regardless of its content, for as long as the store is away: a step
   * that must succeed. When the job is as the commit leaves it, only the answer was lost: then `whenCommitted` follows.
   * Unlike `repeat` it leaves conflicts to the policy, since the commit may depend on what its attempt has read.
   */
  retryWhenStoreReturns(
    run: Run,
    error: Error,
    committed: JobRecord,
    whenCommitted: () => void,
    again: () => void,
  ): void {
    run.outage ??= this.stepOf(run);
    const pause = run.outage.pause(error);
    const look = (): Promise<() => void> =>
      this.#context.store.get('job', committed.id).then(
        (now) => (isAsLeft(committed, now) ? whenCommitted : again),
        (away: unknown) =>
          isStoreAway(away)
            ? () => this.retryWhenStoreReturns(run, away, committed, whenCommitted, again)
            : again,
      );
    void pause.then(look).then(
      (next) => next(),
      () => {
        run.watch(null);
        run.onDone();
      },
    );
  }

  /**
   * Looks whether this attempt is still the current one: the job was not reassigned, ended, or started again. A run whose job was
   * asked to stop knows that from then on.
   */
  async look(run: Run): Promise<Standing> {
    const { job } = run;
    try {
      const now = await this.#context.store.get('job', job.id);
      if (!isSameCall(job, now) || now === undefined) return 'lost';
      if (now.state === job.state) return 'current';
      if (!isStopping(now.state)) return 'lost';
      run.job = { ...job, state: now.state, stop: now.stop };
      return 'stopping';
    } catch {
      // A store that cannot be read cannot be written either: the next commit will show it.
      return 'current';
    }
  }
}
