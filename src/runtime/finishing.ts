import { isAgentPlace, type Outcome } from '../../machines/job.context.ts';
import type { JobEvent } from '../../machines/job.events.ts';
import {
  AbortedError,
  BadStatusError,
  ConflictError,
  ReassignedError,
  SignalboxError,
  TimeoutError,
} from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { valueText } from '../model/job-text.ts';
import type { JobRecord } from '../model/records.ts';
import { putBackAt, type RetryAnswer } from '../model/retry.ts';
import { afterStep, statusOfState, stepJob } from '../model/step.ts';
import { systemNames } from '../model/system-names.ts';
import type { Expectation } from '../store/store.ts';
import type { CallbackContext } from './callbacks.ts';
import type { Engine } from './engine.ts';
import type { Job } from './job.ts';
import { RetryStep } from './retry-steps.ts';
import type { Run } from './run.ts';
import type { Unit } from './unit.ts';

/** What a stored commit error hides: the outcome, as text for the log. */
interface Masked {
  readonly ok: boolean;
  readonly text: () => string;
}

/** Commits what came of a call: its outcome, a wait, a retry, or a place in the queue. */
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
    this.#logOutcome(run.job, outcome);
    if (completes) run.agent?.workers.logCompleted(run);
    else this.#performCallbacks(run, finished, outcome);
  }

  /** The worker goes on when the callbacks are done, whatever became of them. */
  #performCallbacks(run: Run, job: JobRecord, outcome: Outcome): void {
    const performed = this.#engine.callbacks.perform(contextOf(run), job);
    void performed
      .catch((error: unknown) => {
        this.#lost(run, error);
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
    if (awaited !== null) run.retry ??= this.#retryStep(run);
    if (error instanceof ReassignedError) this.#giveUp(run, error);
    else if (error instanceof ConflictError && completed) this.finish(run, outcome, awaited, false);
    else if (error instanceof SignalboxError && error.code === 'STORE_FULL') {
      // The outcome is kept and written first when there is room again; the code is not called twice for a full disk.
      this.#engine.reactor.callLater(1000, () => this.finish(run, outcome, awaited, completed));
    } else if (error instanceof SignalboxError && error.code.startsWith('STORE_')) run.onDone();
    else if (run.retry !== null) this.#repeat(run, error, () => this.finish(run, outcome, awaited));
    else this.refused(run, Failure.from(error), { ok: outcome.ok, text: () => outcomeText(outcome) });
  }

  /** The outcome could not be committed: the policy decides. `masked` is what a stored commit error would hide. */
  refused(run: Run, failure: Failure, masked: Masked | null): void {
    run.startOver();
    void this.#ask(run, failure, 'commitError', () => {
      run.retry = this.#retryStep(run);
      if (masked !== null) this.#logMasked(run, masked);
    });
  }

  #logMasked(run: Run, masked: Masked): void {
    const level = masked.ok ? 'INFO' : this.#engine.registry.failureLevelOf(run.job);
    const what = (): string => `commit error masks the outcome of ${this.#text(run.job)}: ${masked.text()}`;
    this.#engine.log.events(level, what, { job: run.job.id });
  }

  /** The code threw: the policy decides. */
  threw(run: Run, failure: Failure): void {
    void this.#ask(run, failure, 'jobError');
  }

  /** The worker was stopped while it was at the job, and the code said so: the job stays ACTIVE, for an interruption. */
  escaped(run: Run, error: unknown): void {
    const tornDown = run.takeTearDown()?.() ?? Promise.resolve();
    void tornDown.then(() => this.#giveUp(run, error));
  }

  #retryStep(run: Run): RetryStep {
    return new RetryStep(this.#engine, () => `committing what came of ${this.#text(run.job)}`);
  }

  /** A step that must succeed did not: it is taken again, unless that cannot help. */
  #repeat(run: Run, error: unknown, step: () => void): void {
    run.retry ??= this.#retryStep(run);
    const pause = run.retry.pause(error).then(() => this.#isCurrent(run));
    void pause.then(
      (isCurrent) => (isCurrent ? step() : this.#giveUp(run, new ReassignedError({ id: run.job.id }))),
      (hopeless: unknown) => this.#giveUp(run, hopeless),
    );
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

  async #ask(
    run: Run,
    failure: Failure,
    error: 'jobError' | 'commitError',
    onGivenUp: () => void = () => {},
  ): Promise<void> {
    const engine = this.#engine;
    await run.takeTearDown()?.();
    const answer = await engine.policies.after(run, failure, error);
    if (!(await this.#isCurrent(run))) this.#giveUp(run, new ReassignedError({ id: run.job.id }));
    else if (answer === true) this.#again(run);
    else if (answer !== false && isHeldByAgent(run)) this.#putBack(run, answer);
    else {
      if (answer !== false) {
        engine.log.events(
          'CRITICAL',
          () => `${this.#text(run.job)} asked to be put back, but no agent holds it`,
          {
            job: run.job.id,
          },
        );
      }
      onGivenUp();
      this.finish(run, { ok: false, failure: failure.data });
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
      (error) => this.#repeat(run, error, () => this.#again(run)),
    );
  }

  #putBack(run: Run, answer: RetryAnswer): void {
    const engine = this.#engine;
    const at = engine.now();
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
      (error) => this.#repeat(run, error, () => this.#putBack(run, answer)),
    );
  }

  #giveUp(run: Run, error: unknown): void {
    this.#lost(run, error);
    run.agent?.workers.lost(run);
    run.onDone();
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
        if (error instanceof ReassignedError) this.#giveUp(run, error);
        else this.refused(run, Failure.from(error), null);
      },
    );
  }

  /** The promise that a job waits for has settled. */
  settle(run: Run, outcome: Outcome): void {
    run.startOver();
    this.finish(run, outcome, 'promise');
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
      this.#logOutcome(waiting, done.outcome);
      await engine.callbacks.performFor(afterStep(waiting, finish));
      return;
    }
  }

  /**
   * Fails a job that nobody has started. In CALLBACKS it only resumes the callbacks, so that a retried call is harmless.
   * @throws BadStatusError in ACTIVE and COMPLETED.
   */
  async failFromOutside(
    unit: Unit,
    id: string,
    error: unknown,
    options: { readonly expired?: boolean; readonly within?: CallbackContext | null } = {},
  ): Promise<void> {
    const { expired = false, within = null } = options;
    const engine = this.#engine;
    const record = await unit.get('job', id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    if (record.state === 'callbacks') {
      await engine.callbacks.performFor(record, within);
      return;
    }
    const failure = Failure.from(
      error ?? new TimeoutError({ what: `the start of job ${id}`, limit: 'its deadline' }),
    );
    const fail = stepJob(record, { type: 'job.fail', at: engine.now(), failure: failure.data, expired });
    const failed = afterStep(record, fail);
    if (unit !== engine.direct) {
      await unit.submit(
        [fail, stepJob(failed, { type: 'job.complete', at: engine.now(), unstarted: 0 })],
        [
          { what: 'rev', kind: 'job', id, rev: record.rev },
          { what: 'noUnstartedCallback', id },
        ],
      );
      return;
    }
    await engine.commit('client', [fail], [{ what: 'rev', kind: 'job', id, rev: record.rev }]).synced;
    this.#logOutcome(record, { ok: false, failure: failure.data });
    await engine.callbacks.performFor(failed, within);
  }

  /**
   * Decides about a job that was ACTIVE when its dispatcher went away. In CALLBACKS it resumes the callbacks: the abort
   * was stored by an earlier run of the system job. @throws BadStatusError in any other status.
   */
  async handleInterrupt(id: string, queue: string, within: CallbackContext | null = null): Promise<void> {
    const engine = this.#engine;
    const retry = new RetryStep(engine, () => `deciding about interrupted job ${id}`);
    for (;;) {
      const record = await engine.store.get('job', id);
      if (record === undefined) return;
      if (record.state === 'callbacks') return engine.callbacks.resume(record, within);
      if (!record.state.startsWith('active')) throw notInterrupted(record);
      const { answer, data } = await engine.policies.afterInterrupt(record);
      const at = engine.now();
      const again = answer !== false;
      const aborted = Failure.from(new AbortedError({ id })).data;
      const event: JobEvent = again
        ? {
            type: 'job.reschedule',
            at,
            queue,
            beginAfter: answer === true ? null : putBackAt(answer, at),
            retryData: data,
          }
        : { type: 'job.abort', at, failure: aborted, retryData: data };
      const step = stepJob(record, event);
      try {
        await engine.commit(engine.uuid, [step], [{ what: 'rev', kind: 'job', id, rev: record.rev }]).synced;
      } catch (error) {
        await retry.pause(error);
        continue;
      }
      if (!again) {
        this.#logOutcome(record, { ok: false, failure: aborted });
        await engine.callbacks.performFor(afterStep(record, step), within);
      }
      return;
    }
  }

  /** Ends a callback that is not called, or not called again: it is too late, or its policy does not retry. */
  async endCallback(
    callback: JobRecord,
    event: JobEvent,
    expect: readonly Expectation[],
  ): Promise<JobRecord> {
    const engine = this.#engine;
    const step = stepJob(callback, event);
    const ended = afterStep(callback, step);
    await engine.commit(engine.uuid, [step], expect).synced;
    if (ended.outcome !== null) this.#logOutcome(callback, ended.outcome);
    return ended;
  }

  /** Gives an interrupted callback the outcome of the job that it waited for, which is done by now. */
  takeOver(inner: string, outer: string): Promise<void> {
    return this.#finishIfDone(inner, outer);
  }

  /** Files a job that was handed out completed; one in CALLBACKS gets them resumed. */
  async file(job: JobRecord): Promise<void> {
    const engine = this.#engine;
    if (job.state === 'callbacks') return engine.callbacks.resume(job);
    const holder: Expectation = { what: 'holder', id: job.id, epoch: job.epoch, claim: job.claim };
    await engine.commit(engine.uuid, [stepJob(job, { type: 'job.file', at: engine.now() })], [holder])
      .written;
  }

  #logOutcome(job: JobRecord, outcome: Outcome): void {
    const { log, registry } = this.#engine;
    if (outcome.ok) {
      log.trace('INFO', () => `${this.#text(job)} succeeded with result:\n${valueText(outcome.value)}`, {
        job: job.id,
      });
      return;
    }
    // A Failure that a missing branch passes on was logged where it arose.
    if (job.name === systemNames.pass) return;
    const failure = new Failure(outcome.failure);
    log.events(
      registry.failureLevelOf(job),
      () => `${this.#text(job)} failed with traceback:\n${failure.text('verbose')}`,
      {
        job: job.id,
        err: failure.toError(),
      },
    );
  }

  #lost(run: Run, error: unknown): void {
    const err = error instanceof Error ? error : new Error(String(error));
    this.#engine.log.events('ERROR', () => `nothing was written of ${this.#text(run.job)}: ${err.message}`, {
      job: run.job.id,
      err,
    });
  }

  #text(job: JobRecord): string {
    return this.#engine.executor.text(job);
  }
}

function contextOf(run: Run): CallbackContext {
  return { agent: run.agent, slot: run.slot, holder: run.holder, queue: run.queue };
}

/** Only a job that an agent holds itself can be put back: no callback, and no job that nobody claimed. */
function isHeldByAgent(run: Run): boolean {
  const { parent } = run.job;
  return run.holder?.id === run.job.id && parent !== null && isAgentPlace(parent);
}

function notInterrupted(job: JobRecord): BadStatusError {
  return new BadStatusError({
    what: `job ${job.id}`,
    status: statusOfState(job.state),
    event: 'job.interrupt',
    guards: [],
  });
}

function outcomeText(outcome: Outcome): string {
  return outcome.ok ? valueText(outcome.value) : new Failure(outcome.failure).text('verbose');
}
