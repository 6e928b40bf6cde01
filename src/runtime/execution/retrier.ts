import { isAgentPlace } from '../../../machines/job.context.ts';
import { ReassignedError, type SignalboxError } from '../../errors.ts';
import { putBackAt, type RetryAnswer } from '../../model/jobs/retry.ts';
import { afterStep, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Failure } from '../../model/values/failure.ts';
import type { Engine } from '../box/engine.ts';
import { isStoreAway, RetryStep } from '../commits/retry.ts';
import { logMasked, type Masked } from './outcome-log.ts';
import { isAsLeft, type Run } from './run.ts';

/** What follows a call that failed: its retry policy is asked, and its answer is committed however long that takes. */
export class Retrying {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The code threw: the policy decides. */
  threw(run: Run, failure: Failure): void {
    this.#ask(run, failure, 'jobError');
  }

  /** The outcome could not be committed: the policy decides. `masked` is what a stored commit error would hide. */
  refused(run: Run, failure: Failure, masked: Masked | null): void {
    run.startOver();
    this.#ask(run, failure, 'commitError', () => {
      run.retry = this.step(run);
      if (masked !== null) logMasked(this.#engine, run.job, masked);
    });
  }

  /** The commit of what came of a call, as a step that must succeed. */
  step(run: Run): RetryStep {
    return new RetryStep(
      this.#engine,
      () => `committing what came of ${this.#engine.executor.text(run.job)}`,
    );
  }

  /** A step that must succeed did not: it is taken again, unless that cannot help. */
  repeat(run: Run, error: unknown, step: () => void): void {
    run.retry ??= this.step(run);
    const pause = run.retry.pause(error).then(() => this.#isCurrent(run));
    void pause.then(
      (isCurrent) => (isCurrent ? step() : this.#lost(run)),
      (hopeless: unknown) => this.#engine.finishing.giveUp(run, hopeless),
    );
  }

  /**
   * The store did not take a commit, whatever stood in it: the same is made again, for as long as the store is away, unless
   * the job is as the commit leaves it, and only the answer was lost. Unlike `repeat` it leaves conflicts to the policy: the commit may believe in what its attempt has read.
   */
  whenBack(run: Run, error: SignalboxError, made: JobRecord, whenMade: () => void, again: () => void): void {
    const pause = isUsual(error) ? this.#engine.sleep(1000) : this.#outage(run).pause(error);
    const look = (): Promise<() => void> =>
      this.#engine.store.get('job', made.id).then(
        (now) => (isAsLeft(made, now) ? whenMade : again),
        (away: unknown) =>
          isStoreAway(away) ? () => this.whenBack(run, away, made, whenMade, again) : again,
      );
    void pause.then(look).then(
      (next) => next(),
      () => run.onDone(),
    );
  }

  #outage(run: Run): RetryStep {
    run.outage ??= this.step(run);
    return run.outage;
  }

  #lost(run: Run): void {
    this.#engine.finishing.giveUp(run, new ReassignedError({ id: run.job.id }));
  }

  /** Whether this attempt is still the one that counts: nobody took the job over, ended it, or began another. */
  async #isCurrent({ job }: Run): Promise<boolean> {
    try {
      const now = await this.#engine.store.get('job', job.id);
      return now?.state === job.state && now.claim === job.claim && now.attempts === job.attempts;
    } catch {
      // A store that cannot be read cannot be written either: the next commit tells.
      return true;
    }
  }

  /** Who judges a failure, and how loud it is told, may be set while the job runs. */
  async #reread(run: Run): Promise<void> {
    // Without an answer it is what it was when the call began.
    const now = await this.#engine.store.get('job', run.job.id).catch(() => undefined);
    if (now === undefined) return;
    const { retryPolicy, failureLogLevel } = now;
    run.job = { ...run.job, retryPolicy, failureLogLevel };
  }

  #ask(run: Run, failure: Failure, error: 'jobError' | 'commitError', onGivenUp = (): void => {}): void {
    // The box may be stopped before the policy answers.
    this.#asked(run, failure, error, onGivenUp).catch((hopeless: unknown) =>
      this.#engine.finishing.giveUp(run, hopeless),
    );
  }

  async #asked(
    run: Run,
    failure: Failure,
    error: 'jobError' | 'commitError',
    onGivenUp: () => void,
  ): Promise<void> {
    const engine = this.#engine;
    await run.takeTearDown()?.();
    await this.#reread(run);
    const answer = await engine.policies.after(run, failure, error);
    if (!(await this.#isCurrent(run))) this.#lost(run);
    else if (answer === true) this.#again(run);
    else if (answer !== false && isHeldByAgent(run)) this.#putBack(run, answer);
    else {
      if (answer !== false) {
        const what = (): string =>
          `${engine.executor.text(run.job)} asked to be put back, but no agent holds it`;
        engine.log.events('CRITICAL', what, { job: run.job.id });
      }
      onGivenUp();
      engine.finishing.finish(run, { ok: false, failure: failure.data });
    }
  }

  #again(run: Run): void {
    const engine = this.#engine;
    const retry = stepJob(run.job, { type: 'job.retry' });
    const ticket = engine.commit(run.by, [retry], run.expectation);
    engine.written(
      ticket,
      () => {
        run.job = afterStep(run.job, retry);
        run.startOver();
        run.retry = null;
        void run.reread().then(() => engine.executor.execute(run));
      },
      (error) => this.repeat(run, error, () => this.#again(run)),
    );
  }

  #putBack(run: Run, answer: RetryAnswer): void {
    const engine = this.#engine;
    // Due times are the store's: the one clock that all processes share.
    const at = engine.store.now();
    const reschedule = stepJob(run.job, {
      type: 'job.reschedule',
      at,
      queue: run.queue,
      beginAfter: putBackAt(answer, at),
      retryData: engine.policies.dataOf(run, true),
    });
    const ticket = engine.commit(run.by, [reschedule], run.expectation);
    engine.written(
      ticket,
      () => {
        run.agent?.workers.ended(run, null);
        run.agent?.slotFreed();
        run.onDone();
      },
      (error) => this.repeat(run, error, () => this.#putBack(run, answer)),
    );
  }
}

/** Only a job that an agent holds itself can be put back: no callback, and no job that nobody claimed. */
function isHeldByAgent(run: Run): boolean {
  const { parent } = run.job;
  return run.holder?.id === run.job.id && parent !== null && isAgentPlace(parent);
}

/** A full disk, or a database out of reach: nothing to tell people each time. */
function isUsual({ code }: SignalboxError): boolean {
  return code === 'STORE_FULL' || code === 'STORE_DISCONNECTED';
}
