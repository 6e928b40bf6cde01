import { ReassignedError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { RetryStep } from '../commits/retry.ts';
import { isStoreAway } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { isAsLeft, type Run } from './run.ts';
import type { RunSteps } from './run-steps.ts';

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

  /** Repeats a step that must succeed, unless that cannot help: then the run is given up. */
  repeat(run: Run, error: unknown, step: () => void): void {
    run.retry ??= this.stepOf(run);
    const pause = run.retry.pause(error).then(() => this.isCurrent(run));
    void pause.then(
      (isCurrent) => {
        if (isCurrent) step();
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
      () => run.onDone(),
    );
  }

  /** Whether this attempt is still the current one: the job was not reassigned, ended, or started again. */
  async isCurrent({ job }: Run): Promise<boolean> {
    try {
      const now = await this.#context.store.get('job', job.id);
      return now?.state === job.state && now.claim === job.claim && now.attempts === job.attempts;
    } catch {
      // A store that cannot be read cannot be written either: the next commit will show it.
      return true;
    }
  }
}
