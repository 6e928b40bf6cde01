import type { Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { type BadStatusError, ReassignedError, shown } from '../../errors.ts';
import { jsonWithin } from '../../model/checks/bounded-json.ts';
import { stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel, valueText } from '../../model/values/job-text.ts';
import { type Redactor, shownError } from '../../model/values/redaction.ts';
import { decodeValue, encodeValue, type ResolveJob, referredJobs } from '../../model/values/values.ts';
import { ifHeldBy } from '../commits/preconditions.ts';
import { retryForever } from '../commits/retry.ts';
import { retryRules } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Definition } from '../definitions/definition.ts';
import { Detached } from '../definitions/detached.ts';
import { Snooze } from '../definitions/snooze.ts';
import { errorText } from '../environment/logging.ts';
import { JobDrafts, storedJobOnly } from '../jobs/job-drafts.ts';
import { isJob, type JobHandles, type JobLike } from '../jobs/job-like.ts';
import { asHandles, jobsIn } from '../jobs/referred-jobs.ts';
import { Attempts } from './attempt.ts';
import { callInstrumented } from './instruments.ts';
import type { LoopWatch } from './loop-watch.ts';
import { jobFields } from './outcome-log.ts';
import { currentRun, isHeldBy, type Run } from './run.ts';
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
    this.#deps.loopWatch.note(run.job.name);
    run.phase = 'code';
    this.#deps.steps.watchLimits(run);
    try {
      this.#attempts.inContext(run, definition, () =>
        callInstrumented(run, () => this.#attempt(run, definition)),
      );
    } catch (error) {
      // The context that the job carries is the program's own code.
      this.#threw(run, error);
    }
  }

  #attempt(run: Run, definition: Definition): void {
    const hasHooks = definition.setUp !== null || definition.tearDown !== null;
    if (!hasHooks && run.job.args.every((arg) => referredJobs(arg).length === 0)) {
      this.#call(run, definition.run, decodedArgs(run, noJobs));
      return;
    }
    const ready = hasHooks ? this.#attempts.setUp(run, definition) : Promise.resolve();
    ready
      .then(() => this.#loaded(run))
      .then(
        (args) => {
          // It may be to stop by now.
          if (run.isStopping) this.#threw(run, undefined);
          else this.#call(run, definition.run, args);
        },
        (error: unknown) => this.#threw(run, error),
      );
  }

  /** Arguments as the code sees them: jobs among them are handles with the state of now. */
  async #loaded(run: Run): Promise<readonly unknown[]> {
    const what = (): string => `loading ${jobLabel(run.job)}`;
    const read = (id: string): Promise<JobRecord | undefined> =>
      retryForever(this.#context, what, () => this.#context.store.get('job', id), { rule: retryRules.load });
    const known = await jobsIn(read, run.job.args);
    return decodedArgs(run, asHandles(this.#deps.handles, run.unit.handles, known));
  }

  #call(run: Run, code: (...args: never[]) => unknown, args: readonly unknown[]): void {
    let returned: unknown;
    let awaited: Promise<unknown> | null;
    try {
      const all = run.input.length === 0 ? args : [...args, ...run.input];
      returned = currentRun.run(run, code as (...args: readonly unknown[]) => unknown, ...all);
      // A promise stays as it is; a `then` that is not a promise's may throw, call back twice, or give another.
      awaited = isThenable(returned) ? Promise.resolve(returned) : null;
    } catch (error) {
      this.#threw(run, error);
      return;
    }
    if (awaited === null) this.#guarded(run, this.#returned, returned);
    else {
      awaited.then(
        (value) => this.#guarded(run, this.#returned, value),
        (error: unknown) => this.#guarded(run, this.#threw, error),
      );
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
    const { steps } = this.#deps;
    if (run.ended !== null) {
      steps.continueAfter(run, run.ended);
      return;
    }
    const what = kindOf(value);
    // A promise that it returned goes on under the same limits.
    if (what !== 'detached') run.watch(null);
    // Asked to stop, it neither waits nor is put off, and only a value counts.
    if (run.isStopping && what !== 'value') {
      run.startOver();
      steps.stopped(run, what === 'failure' ? (value as Failure).toError() : null);
    } else if (what === 'snooze') steps.putOff(run, value as Snooze);
    else if (what === 'job') {
      this.#returnedJob(run, value as JobLike).catch((error: unknown) => this.#threw(run, error));
    } else if (what === 'detached') {
      const outcome = (value as Detached<unknown>).promise.then(
        (settled: unknown) => this.#outcomeOf(settled),
        (error: unknown) => ({ ok: false as const, failure: Failure.from(error).data }),
      );
      steps.wait(run, 'promise', null, () => {
        run.phase = 'code';
        void outcome.then((settled) => this.#guarded(run, this.#settled, settled));
      });
    } else if (what === 'failure') steps.finish(run, { ok: false, failure: (value as Failure).data });
    else {
      let encoded: Json;
      try {
        encoded = this.#encoded(value);
      } catch (error) {
        if (run.isStopping) {
          run.startOver();
          steps.stopped(run, error);
          return;
        }
        steps.retry(run, Failure.from(error), 'commitError', {
          ok: true,
          text: () => shownValue(value, this.#context.registry.redactorOf(run.job)),
        });
        return;
      }
      steps.finish(run, { ok: true, value: encoded });
    }
  }

  /** The promise that the job waits for has settled. */
  #settled(run: Run, outcome: Outcome): void {
    if (this.#isElsewhere(run, this.#settled, outcome)) return;
    run.watch(null);
    run.startOver();
    if (run.isStopping && !outcome.ok) this.#deps.steps.stopped(run, new Failure(outcome.failure).toError());
    else this.#deps.steps.finish(run, outcome, 'promise');
  }

  /** A returned job that is not stored yet is stored NEW with the wait: the program has to put it. */
  async #returnedJob(run: Run, job: JobLike): Promise<void> {
    if (!job.isStored) {
      const drafts = new JobDrafts(run.unit);
      drafts.store(job, null);
      const pending = drafts.checked();
      if (pending !== undefined) await pending;
      await run.unit.submit(drafts.changes, drafts.expect);
      drafts.attach();
    }
    this.#deps.steps.wait(run, job.record.id, job);
  }

  #encoded(value: unknown): Json {
    return value === undefined ? null : encodeValue(value, 'result', storedJobOnly, this.#context.limits);
  }

  #outcomeOf(value: unknown): Outcome {
    if (value instanceof Failure) return { ok: false, failure: value.data };
    try {
      return { ok: true, value: this.#encoded(value) };
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
    if (run.isStopping && !isReassigned(error)) steps.stopped(run, error);
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

const longestShown = 10_000;

const noJobs: ResolveJob = () => undefined;

/** A copy: what the code does to its arguments changes nothing that is stored. */
function decodedArgs({ job }: Run, resolve: ResolveJob): readonly unknown[] {
  return job.args.map((arg) => decodeValue(arg, resolve));
}

/** A value that could not be stored, as text: its JSON where there is any and it is short. */
function shownValue(value: unknown, redactor: Redactor): string {
  try {
    const text = jsonWithin(value, longestShown);
    return text === undefined ? shown(value) : valueText(redactor.value(JSON.parse(text) as Json));
  } catch {
    return shown(value);
  }
}

/** What a job's code gave. A proxy may refuse the question: then it is a value, and refused as one. */
function kindOf(value: unknown): 'job' | 'detached' | 'snooze' | 'failure' | 'value' {
  try {
    if (isJob(value)) return 'job';
    if (value instanceof Detached) return 'detached';
    if (value instanceof Snooze) return 'snooze';
    return value instanceof Failure ? 'failure' : 'value';
  } catch {
    return 'value';
  }
}

function isReassigned(error: unknown): boolean {
  try {
    return error instanceof ReassignedError;
  } catch {
    return false;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
