import type { JobEvent, Outcome } from '../../machines/job.machine.ts';
import { AbortedError, ConflictError, ReassignedError, SignalboxError, TimeoutError } from '../errors.ts';
import { isExpired } from '../model/deadline.ts';
import { Failure } from '../model/failure.ts';
import { valueText } from '../model/job-text.ts';
import type { JobRecord } from '../model/records.ts';
import type { RetryAnswer, RetryTools } from '../model/retry.ts';
import { afterStep, stepJob } from '../model/step.ts';
import type { Expectation } from '../store/store.ts';
import { durationMs } from '../time.ts';
import type { CallbackContext } from './callbacks.ts';
import type { Engine } from './engine.ts';
import type { Job } from './job.ts';
import type { Run } from './run.ts';
import type { Unit } from './unit.ts';

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
      retryData: this.#retryData(run),
      awaited,
    });
    const finished = afterStep(run.job, finish);
    // What the attempt itself may have added to the job is not in the store yet, so only the store's word counts then.
    const completes = mayComplete && run.unit.isEmpty;
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
        run.agent?.runEnded(run, outcome);
        run.onDone();
      },
      (error) => this.#notCommitted(run, outcome, awaited, completes, error),
    );
    engine.synced(ticket, () => {
      this.#logOutcome(run.job, outcome);
      if (completes) run.agent?.logCompleted(run);
      else this.#performCallbacks(run, finished, outcome);
    });
  }

  /** The worker goes on when the callbacks are done, whatever became of them. */
  #performCallbacks(run: Run, job: JobRecord, outcome: Outcome): void {
    const performed = this.#engine.callbacks.perform(contextOf(run), job);
    void performed
      .catch((error: unknown) => this.#lost(run, error))
      .then(() => {
        run.agent?.runEnded(run, outcome);
        run.agent?.logCompleted(run);
        run.onDone();
      });
  }

  #notCommitted(run: Run, outcome: Outcome, awaited: string | null, completed: boolean, error: Error): void {
    if (error instanceof ReassignedError) {
      this.#lost(run, error);
      run.agent?.runLost(run);
      run.onDone();
    } else if (error instanceof ConflictError && completed) this.finish(run, outcome, awaited, false);
    else if (error instanceof SignalboxError && error.code === 'STORE_FULL') {
      // The outcome is kept and written first when there is room again; the code is not called twice for a full disk.
      this.#engine.reactor.callLater(1000, () => this.finish(run, outcome, awaited, completed));
    } else if (error instanceof SignalboxError && error.code.startsWith('STORE_')) run.onDone();
    else this.refused(run, Failure.from(error), outcome);
  }

  /** The outcome could not be committed: the policy decides. `masked` is what a stored commit error would hide. */
  refused(run: Run, failure: Failure, masked: Outcome | null): void {
    run.startOver();
    const policy = this.#engine.registry.policyOf(run.job);
    const asked = this.#ask(run, failure, () => policy.commitError(failure, run.cache, this.#tools(run)));
    void asked.then(() => {
      if (masked === null) return;
      const level = masked.ok ? 'INFO' : this.#engine.registry.failureLevelOf(run.job);
      this.#engine.log.events(
        level,
        () => `commit error masks the outcome of ${this.#text(run.job)}: ${outcomeText(masked)}`,
        {
          job: run.job.id,
        },
      );
    });
  }

  /** The code threw: the policy decides. */
  threw(run: Run, failure: Failure): void {
    const policy = this.#engine.registry.policyOf(run.job);
    void this.#ask(run, failure, () => policy.jobError(failure, run.cache, this.#tools(run)));
  }

  async #ask(run: Run, failure: Failure, ask: () => RetryAnswer | Promise<RetryAnswer>): Promise<void> {
    const engine = this.#engine;
    let answer: RetryAnswer = false;
    try {
      answer = isExpired(run.job, engine.now()) ? false : await ask();
    } catch (error) {
      engine.log.events('ERROR', () => `retry policy of ${this.#text(run.job)} failed: ${String(error)}`, {
        job: run.job.id,
      });
    }
    if (answer === true) this.#again(run);
    else if (answer !== false && run.agent !== null && run.holder?.id === run.job.id)
      this.#putBack(run, answer);
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
        engine.executor.execute(run);
      },
      (error) => this.#giveUp(run, error),
    );
  }

  #putBack(run: Run, answer: RetryAnswer): void {
    const engine = this.#engine;
    const at = engine.now();
    const reschedule = stepJob(run.job, {
      type: 'job.reschedule',
      at,
      queue: run.queue,
      beginAfter: laterThan(answer, at),
      retryData: this.#retryData(run),
    });
    const ticket = engine.commit(run.by, [reschedule], run.expectation);
    engine.written(
      ticket,
      () => {
        run.agent?.runEnded(run, null);
        run.agent?.slotFreed();
        run.onDone();
      },
      (error) => this.#giveUp(run, error),
    );
  }

  #giveUp(run: Run, error: Error): void {
    this.#lost(run, error);
    run.agent?.runLost(run);
    run.onDone();
  }

  /** The job waits: for another job, or for a promise. Its worker is free, its slot is not. */
  wait(run: Run, on: string, inner: Job<unknown> | null): void {
    const engine = this.#engine;
    const wait = stepJob(run.job, { type: 'job.wait', on });
    const ticket = engine.commit(run.by, [...run.unit.made, wait], [...run.expectation, ...run.unit.end()]);
    engine.written(
      ticket,
      () => {
        run.unit.adopt();
        run.job = afterStep(run.job, wait);
        run.agent?.runWaits(run, inner);
        run.onDone();
        if (on !== 'promise') void this.#finishIfDone(on, run.job.id);
      },
      (error) => {
        if (error instanceof ReassignedError) this.#giveUp(run, error);
        else this.refused(run, Failure.from(error), null);
      },
    );
  }

  /** The promise that a job waits for has settled. */
  settle(run: Run, outcome: Outcome): void {
    if (run.job.state === 'active.waiting') {
      run.startOver();
      this.finish(run, outcome, 'promise');
    } else this.#engine.reactor.callFromThread(() => this.settle(run, outcome));
  }

  /** A job is done: those that wait for it take over its outcome. */
  announce(inner: string): void {
    this.#engine.store.waiters(inner).then(
      (outers) => {
        for (const outer of outers) void this.#finishIfDone(inner, outer.id);
      },
      () => {},
    );
  }

  async #finishIfDone(inner: string, outer: string): Promise<void> {
    const engine = this.#engine;
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
        if (error instanceof ConflictError) continue;
        return;
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
  async failFromOutside(unit: Unit, id: string, error: unknown, expired = false): Promise<void> {
    const engine = this.#engine;
    const record = await unit.get('job', id);
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    if (record.state === 'callbacks') {
      await engine.callbacks.performFor(record);
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
    await engine.callbacks.performFor(failed);
  }

  /**
   * Decides about a job that was ACTIVE when its dispatcher went away. In CALLBACKS it resumes the callbacks: the abort
   * was stored by an earlier run of the system job. @throws BadStatusError in any other status.
   */
  async handleInterrupt(id: string, queue: string): Promise<void> {
    const engine = this.#engine;
    for (;;) {
      const record = await engine.store.get('job', id);
      if (record === undefined) return;
      if (record.state === 'callbacks') return engine.callbacks.resume(record);
      const policy = engine.registry.policyOf(record);
      const at = engine.now();
      const { answer, data } = policy.interrupted(record.retryData ?? {}, this.#toolsFor(record));
      const again = answer !== false && !isExpired(record, at);
      const aborted = Failure.from(new AbortedError({ id })).data;
      const event: JobEvent = again
        ? {
            type: 'job.reschedule',
            at,
            queue,
            beginAfter: laterThan(answer, at),
            retryData: firstActive(record, data),
          }
        : { type: 'job.abort', at, failure: aborted, retryData: firstActive(record, data) };
      const step = stepJob(record, event);
      try {
        await engine.commit(engine.uuid, [step], [{ what: 'rev', kind: 'job', id, rev: record.rev }]).synced;
      } catch (error) {
        if (error instanceof ConflictError) continue;
        throw error;
      }
      if (!again) {
        this.#logOutcome(record, { ok: false, failure: aborted });
        await engine.callbacks.performFor(afterStep(record, step));
      }
      return;
    }
  }

  /** Ends an interrupted callback that its policy does not retry. */
  async abortCallback(
    callback: JobRecord,
    retryData: JobRecord['retryData'],
    expect: readonly Expectation[],
  ): Promise<void> {
    const engine = this.#engine;
    const failure = Failure.from(new AbortedError({ id: callback.id })).data;
    const abort = stepJob(callback, { type: 'job.abort', at: engine.now(), failure, retryData });
    await engine.commit(engine.uuid, [abort], expect).synced;
    this.#logOutcome(callback, { ok: false, failure });
    await engine.callbacks.performFor(afterStep(callback, abort));
  }

  /** Files a job that was handed out completed; one in CALLBACKS gets them resumed. */
  async file(job: JobRecord): Promise<void> {
    const engine = this.#engine;
    if (job.state === 'callbacks') return engine.callbacks.resume(job);
    const holder: Expectation = { what: 'holder', id: job.id, epoch: job.epoch, claim: job.claim };
    await engine.commit(engine.uuid, [stepJob(job, { type: 'job.file', at: engine.now() })], [holder])
      .written;
  }

  #retryData(run: Run): JobRecord['retryData'] {
    if (run.cache.size === 0) return run.job.retryData;
    const policy = this.#engine.registry.policyOf(run.job);
    const data = policy.updateData(run.job.retryData ?? {}, run.cache);
    return data === null ? run.job.retryData : firstActive(run.job, data);
  }

  #tools(run: Run): RetryTools {
    return this.#toolsFor(run.job);
  }

  #toolsFor(job: JobRecord): RetryTools {
    const { log } = this.#engine;
    return {
      wait: (ms) => this.#engine.sleep(ms),
      trace: (level, message) => log.trace(level, () => `${message}: ${this.#text(job)}`, { job: job.id }),
      events: (level, message) => log.events(level, () => `${message}: ${this.#text(job)}`, { job: job.id }),
    };
  }

  #logOutcome(job: JobRecord, outcome: Outcome): void {
    const { log, registry } = this.#engine;
    if (outcome.ok) {
      log.trace('INFO', () => `${this.#text(job)} succeeded with result:\n${valueText(outcome.value)}`, {
        job: job.id,
      });
      return;
    }
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

/** The instant an answer names when it lies ahead, else null: then the job goes to the front. */
function laterThan(answer: RetryAnswer, now: number): number | null {
  if (typeof answer === 'boolean') return null;
  const at = answer instanceof Date ? answer.getTime() : now + durationMs(answer.after, 'after');
  return at > now ? at : null;
}

/** The start of the first attempt ever, kept once and never overwritten. */
function firstActive(
  job: JobRecord,
  data: NonNullable<JobRecord['retryData']>,
): NonNullable<JobRecord['retryData']> {
  return 'first_active' in data ? data : { ...data, first_active: job.activeStart };
}

function outcomeText(outcome: Outcome): string {
  return outcome.ok ? valueText(outcome.value) : new Failure(outcome.failure).text('verbose');
}
