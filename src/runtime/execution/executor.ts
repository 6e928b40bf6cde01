import type { Outcome } from '../../../machines/job.context.ts';
import { type BadStatusError, ReassignedError } from '../../errors.ts';
import { stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { isSystemName } from '../../model/records/system-names.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { shownError } from '../../model/values/redaction.ts';
import { ifHeldBy } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import { retryRules } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { errorText } from '../environment/logging.ts';
import type { JobHandles, JobLike } from '../jobs/job-like.ts';
import { Attempts, storeReturned } from './attempt.ts';
import { encodedResult, type Given, givenBy } from './given.ts';
import type { LoopWatch } from './loop-watch.ts';
import { jobFields } from './outcome-log.ts';
import { isHeldBy, type Run } from './run.ts';
import type { CallbackSteps, RunSteps } from './run-steps.ts';

/** The dependencies of the executor. */
export interface ExecutorDeps {
  readonly work: UnitOfWork;
  readonly handles: JobHandles;
  readonly callbacks: CallbackSteps;
  readonly steps: Omit<RunSteps, 'execute' | 'giveUp'>;
  readonly loopWatch: Pick<LoopWatch, 'note'>;
}

/** Calls the code of jobs and turns what it returns or throws into an outcome. */
export class Executor {
  readonly #context: RuntimeContext;
  readonly #deps: ExecutorDeps;
  readonly #attempts: Attempts;

  constructor(deps: ExecutorDeps) {
    this.#context = deps.work.context;
    this.#deps = deps;
    this.#attempts = new Attempts(deps.work, deps.handles);
  }

  /** Calls the code of a started run. The run's `onDone` is called when its worker is free. */
  execute(run: Run): void {
    // Nothing is started whose definition is unknown: claims, callbacks and calls look first.
    const definition = this.#context.registry.mustKnowName(run.job.name);
    run.phase = 'code';
    this.#deps.steps.watchLimits(run);
    const elsewhere = isSystemName(definition.name) ? null : (run.agent?.threads ?? null);
    // What blocks here is not what runs in a thread.
    if (elsewhere === null) this.#deps.loopWatch.note(run.job.name);
    const threw = (error: unknown): void => this.#guarded(run, this.#threw, error);
    try {
      if (elsewhere === null)
        this.#attempts.call(run, definition, {
          returned: (value) => this.#guarded(run, this.#returned, value),
          threw,
        });
      else elsewhere.call(run, { returned: (given) => this.#guarded(run, this.#gave, given), threw });
    } catch (error) {
      // The context that the job carries is the program's own code.
      this.#threw(run, error);
    }
  }

  /** An error here is no failure of the job: its agent replaces the worker and leaves the job as it is. */
  #guarded<Given>(run: Run, step: (run: Run, given: Given) => void, given: Given): void {
    try {
      step.call(this, run, given);
    } catch (error) {
      run.agent?.workers.workerFailed(run, error);
      run.onDone();
    }
  }

  /**
   * Whether nothing follows the end of the code now: its job went on without it, or an outcome is being committed already, and the
   * step is taken once that is known.
   */
  #isElsewhere<Given>(run: Run, step: (run: Run, given: Given) => void, given: Given): boolean {
    if (run.isAbandoned) run.agent?.workers.codeEnded(run);
    else if (run.ending === null) return false;
    else void run.ending.then(() => this.#guarded(run, step, given));
    return true;
  }

  #returned(run: Run, value: unknown): void {
    if (this.#isElsewhere(run, this.#returned, value)) return;
    if (run.ended === null) this.#follow(run, givenBy(run, value));
    else this.#deps.steps.continueAfter(run, run.ended);
  }

  /** The same of code that ran in a thread. */
  #gave(run: Run, given: Given): void {
    if (!this.#isElsewhere(run, this.#gave, given)) this.#follow(run, given);
  }

  #follow(run: Run, given: Given): void {
    const { steps } = this.#deps;
    // A promise that it returned goes on under the same limits.
    if (given.kind !== 'detached') run.watch(null);
    // Asked to stop, it neither waits nor is put off, and only a value counts.
    if (run.isStopping && given.kind !== 'value') {
      run.startOver();
      steps.stopped(run, errorIn(given));
    } else if (given.kind === 'value') steps.finish(run, { ok: true, value: given.value });
    else if (given.kind === 'snooze') steps.putOff(run, given.snooze);
    else if (given.kind === 'failure') steps.finish(run, { ok: false, failure: given.failure.data });
    else if (given.kind === 'unstorable')
      steps.retry(run, Failure.from(given.error), 'commitError', { ok: true, text: given.text });
    else if (given.kind === 'job')
      this.#returnedJob(run, given.job).catch((error: unknown) => this.#threw(run, error));
    else this.#waitForPromise(run, given.promise);
  }

  #waitForPromise(run: Run, promise: Promise<unknown>): void {
    const outcome = promise.then(
      (settled: unknown) => this.#outcomeOf(settled),
      (error: unknown) => ({ ok: false as const, failure: Failure.from(error).data }),
    );
    this.#deps.steps.wait(run, 'promise', null, () => {
      run.phase = 'code';
      void outcome.then((settled) => this.#guarded(run, this.#settled, settled));
    });
  }

  /** The promise that the job waits for has settled. */
  #settled(run: Run, outcome: Outcome): void {
    if (this.#isElsewhere(run, this.#settled, outcome)) return;
    run.watch(null);
    run.startOver();
    if (run.isStopping && !outcome.ok) this.#deps.steps.stopped(run, new Failure(outcome.failure).toError());
    else this.#deps.steps.finish(run, outcome, 'promise');
  }

  async #returnedJob(run: Run, job: JobLike): Promise<void> {
    await storeReturned(run.unit, job);
    this.#deps.steps.wait(run, job.record.id, job);
  }

  #outcomeOf(value: unknown): Outcome {
    if (value instanceof Failure) return { ok: false, failure: value.data };
    try {
      return { ok: true, value: encodedResult(this.#context, value) };
    } catch (error) {
      return { ok: false, failure: Failure.from(error).data };
    }
  }

  #threw(run: Run, error: unknown): void {
    const { steps } = this.#deps;
    if (this.#isElsewhere(run, this.#threw, error)) return;
    if (run.ended !== null) {
      const { log, registry } = this.#context;
      const err = shownError(registry.redactorOf(run.job), error);
      const what = (): string => `${jobLabel(run.job)} threw after its transaction: ${errorText(err)}`;
      log.events('ERROR', what, { ...jobFields(run.job, run), err });
      steps.continueAfter(run, run.ended);
      return;
    }
    run.watch(null);
    run.startOver();
    if (run.isStopping && !isReassigned(error)) steps.stopped(run, thrownError(error));
    else if (run.isShutDown && !isReassigned(error)) steps.handBack(run, error);
    // The worker was stopped, the job did not fail: no policy is asked and nothing is stored.
    else if (run.isAborted || isReassigned(error)) steps.abort(run, error);
    else steps.retry(run, Failure.from(error), 'jobError');
  }

  /** Finishes a job that was claimed and cannot be called, because it is over already. `error`: why. */
  async refuse(job: JobRecord, error: BadStatusError): Promise<void> {
    const { store, log } = this.#context;
    const what = (): string => `${jobLabel(job)}: job already completed? ${error.message}`;
    log.events('ERROR', what, { ...jobFields(job), err: error });
    await retryForever(
      this.#context,
      () => `storing ${jobLabel(job)}`,
      async () => {
        const now = await store.get('job', job.id);
        if (!isHeldBy(job, now)) throw new ReassignedError({ id: job.id });
        await this.#file(now);
      },
      { rule: retryRules.store },
    );
  }

  /** Files a job that is completed; the callbacks of a job in CALLBACKS are resumed. */
  async #file(job: JobRecord): Promise<void> {
    const { work, callbacks } = this.#deps;
    if (job.state === 'callbacks') return callbacks.resume(job);
    const file = stepJob(job, { type: 'job.file', at: this.#context.now() });
    await work.committer.commit(this.#context.uuid, [file], [ifHeldBy(job)]).written;
  }
}

/** What the code said, if it did, when it was asked to stop. */
function errorIn(given: Given): unknown {
  if (given.kind === 'failure') return given.failure.toError();
  return given.kind === 'unstorable' ? given.error : null;
}

/** The error, as another one has it for its cause. */
function thrownError(error: unknown): unknown {
  return error instanceof Failure ? error.toError() : error;
}

function isReassigned(error: unknown): boolean {
  try {
    return error instanceof ReassignedError;
  } catch {
    return false;
  }
}
