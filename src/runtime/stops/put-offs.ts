import { ConflictError, invalidOption, ReassignedError, SignalboxError } from '../../errors.ts';
import { stepJob, type Transition } from '../../model/jobs/step.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Committer } from '../commits/committer.ts';
import { isStoreAway } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { Snooze } from '../definitions/snooze.ts';
import { instrumentEnd } from '../execution/instruments.ts';
import { jobFields } from '../execution/outcome-log.ts';
import type { CommitRetries } from '../execution/retry-commit.ts';
import { CallbackStoppedError, isCallback, isHeldByAgent, type Run } from '../execution/run.ts';
import type { RunSteps } from '../execution/run-steps.ts';

/** A job that is put off more often than this is taken for one that would be for ever. */
const mostSnoozes = 1000;

/** The dependencies of the put-offs. */
export interface PutOffsDeps {
  readonly committer: Committer;
  readonly retries: CommitRetries;
  readonly steps: Pick<RunSteps, 'finish' | 'giveUp' | 'retry' | 'stopped'>;
}

/** Puts jobs back that have not failed: because their code says "later", or because their process ends. */
export class PutOffs {
  readonly #context: RuntimeContext;
  readonly #deps: PutOffsDeps;

  constructor(deps: PutOffsDeps) {
    this.#context = deps.committer.context;
    this.#deps = deps;
  }

  /** The code says "later": what it put and changed is committed with that, and no attempt is used up. */
  putOff(run: Run, snooze: Snooze): void {
    run.phase = 'commit';
    const refusal = this.#refusalOf(run);
    if (refusal !== null) {
      run.startOver();
      this.#deps.steps.finish(run, { ok: false, failure: Failure.from(refusal).data });
      return;
    }
    const { until: beginAfter, reason } = snooze;
    const at = this.#context.store.now();
    const step = stepJob(run.job, { type: 'job.snooze', at, queue: run.queue, beginAfter, reason });
    const expect = [...run.preconditions, ...run.unit.end()];
    const ticket = this.#deps.committer.commit(
      run.by,
      [...run.unit.changes, ...run.lastProgress, step],
      expect,
    );
    this.#deps.committer.whenWritten(
      ticket,
      () => {
        run.unit.committed();
        this.#leave(run, step);
      },
      (error) => void this.#notPutOff(run, snooze, error),
    );
  }

  async #notPutOff(run: Run, snooze: Snooze, error: Error): Promise<void> {
    const { retries, steps } = this.#deps;
    if (error instanceof ReassignedError) return steps.giveUp(run, error);
    const standing = error instanceof ConflictError ? await retries.look(run) : 'current';
    if (standing === 'stopping') {
      run.startOver();
      return steps.stopped(run, null);
    }
    if (!isStoreAway(error)) return steps.retry(run, Failure.from(error), 'commitError');
    const again = (): void => this.putOff(run, snooze);
    retries.repeat(run, error, again, () => steps.stopped(run, null));
  }

  /** Why a job cannot be put off; null: it can. */
  #refusalOf(run: Run): SignalboxError | null {
    const { job } = run;
    const why = (what: string): SignalboxError =>
      invalidOption('local.snooze', `returned ${what}`, `a snooze of job ${job.id}`);
    if (!isHeldByAgent(run)) return why('by a job that an agent holds, and not by a callback');
    if (this.#context.registry.policyOf(job)?.startsOnce === true)
      return why('under a retry policy that allows a second start');
    if ((job.snoozed?.times ?? 0) < mostSnoozes) return null;
    const details = { what: 'snoozes', id: job.id, limit: mostSnoozes, actual: mostSnoozes + 1 };
    return new SignalboxError('TOO_MANY', details);
  }

  /**
   * Its process ends, and the code has stopped for that: the job waits for another process, a callback is NEW again, and no policy is
   * asked.
   */
  handBack(run: Run, error: unknown): void {
    const { committer, steps } = this.#deps;
    const policy = this.#context.registry.policyOf(run.job);
    const mayStartAgain = policy !== undefined && policy.startsOnce !== true;
    // Those that follow it are called when it is over: not in this process any more.
    if (isCallback(run)) run.handedOver = new CallbackStoppedError({ id: run.job.id });
    if (!mayStartAgain || !(isCallback(run) || isHeldByAgent(run))) {
      steps.giveUp(run, error);
      return;
    }
    run.phase = 'commit';
    const { retryData } = run.job;
    const step = isCallback(run)
      ? stepJob(run.job, { type: 'callback.reset', retryData })
      : stepJob(run.job, { type: 'job.handBack', queue: run.queue });
    const ticket = committer.commit(run.by, [...run.lastProgress, step], run.preconditions);
    committer.whenWritten(
      ticket,
      () => this.#leave(run, step),
      (refusal) => steps.giveUp(run, refusal),
    );
  }

  #leave(run: Run, { event }: Transition): void {
    const { log } = this.#context;
    instrumentEnd(run, event === 'job.snooze' ? 'snoozed' : 'handedBack', null);
    const how = event === 'job.snooze' ? 'was put off by its code' : 'was handed back';
    log.trace('DEBUG', () => `${jobLabel(run.job)} ${how}`, jobFields(run.job, run));
    const tornDown = run.takeTearDown()?.() ?? null;
    const freeWorker = (): void => {
      run.agent?.workers.ended(run, null);
      if (!isCallback(run)) run.agent?.slotFreed();
      run.onDone();
    };
    if (tornDown === null) freeWorker();
    else void tornDown.then(freeWorker);
  }
}
