import type { Json } from '../../../machines/json.ts';
import { type BadStatusError, ReassignedError, SignalboxError, shown } from '../../errors.ts';
import { jsonWithin } from '../../model/checks/bounded-json.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobText, valueText } from '../../model/values/job-text.ts';
import type { Redactor } from '../../model/values/redaction.ts';
import { decodeValue, encodeValue, type ReferJob, referredJobs } from '../../model/values/values.ts';
import type { Engine } from '../box/engine.ts';
import { fileJob } from '../callbacks/fail-job.ts';
import { mustLoad, mustStore } from '../commits/retry.ts';
import { Detached } from '../definitions/detached.ts';
import type { Definition } from '../handles/define-job.ts';
import { Job } from '../handles/job.ts';
import { Drafts, storedJobOnly } from '../jobs/job-drafts.ts';
import { isJob } from '../jobs/job-like.ts';
import { Attempts } from './attempt.ts';
import { currentRun } from './current-run.ts';
import { shownError } from './outcome-log.ts';
import type { Run } from './run.ts';

/** Calls the code of jobs and turns what comes back into an outcome. */
export class Executor {
  readonly #engine: Engine;
  readonly #attempts: Attempts;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#attempts = new Attempts(engine);
  }

  /** Calls the code of a started run. Everything that follows is reported through the run's `onDone`. */
  execute(run: Run): void {
    const definition = this.#engine.registry.definition(run.job.name);
    if (definition === undefined) {
      const error = new SignalboxError('UNKNOWN_DEFINITION', {
        name: run.job.name,
        known: this.#engine.registry.names(),
      });
      this.#engine.finishing.finish(run, {
        ok: false,
        failure: { ...Failure.from(error).data, name: 'UnknownDefinitionError' },
      });
      return;
    }
    try {
      this.#attempts.inContext(run, definition, () => this.#attempt(run, definition));
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
        (args) => this.#call(run, definition.run, args),
        (error: unknown) => this.#threw(run, error),
      );
  }

  /** Arguments as the code sees them: jobs among them are handles as they stand now. */
  async #loaded(run: Run): Promise<readonly unknown[]> {
    const jobs = new Map<string, Job<unknown>>();
    for (const arg of run.job.args) {
      for (const id of referredJobs(arg)) {
        const { store } = this.#engine;
        const record = await mustLoad(
          this.#engine,
          () => this.text(run.job),
          () => store.get('job', id),
        );
        jobs.set(id, record === undefined ? Job.reference(run.unit, id) : Job.of(run.unit, record));
      }
    }
    return decodedArgs(run, jobs);
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
    if (awaited === null) this.#guarded(run, () => this.#returned(run, returned));
    else {
      awaited.then(
        (value) => this.#guarded(run, () => this.#returned(run, value)),
        (error: unknown) => this.#guarded(run, () => this.#threw(run, error)),
      );
    }
  }

  /** What breaks here is no failure of the job: its agent replaces the worker and leaves the job as it is. */
  #guarded(run: Run, step: () => void): void {
    try {
      step();
    } catch (error) {
      run.agent?.workers.broke(run, error);
      run.onDone();
    }
  }

  /** Whether an outcome of the run is being committed while its code is through: then the step is taken once that is known. */
  #isEnding(run: Run, step: () => void): boolean {
    if (run.ending === null) return false;
    void run.ending.then(() => this.#guarded(run, step));
    return true;
  }

  #returned(run: Run, value: unknown): void {
    if (this.#isEnding(run, () => this.#returned(run, value))) return;
    const { finishing, awaited, retrying } = this.#engine;
    if (run.ended !== null) {
      finishing.followEnded(run, run.ended);
      return;
    }
    const what = kindOf(value);
    if (what === 'job') {
      this.#returnedJob(run, value as Job<unknown>).catch((error: unknown) => this.#threw(run, error));
    } else if (what === 'detached') {
      const outcome = (value as Detached<unknown>).promise.then(
        (settled: unknown) => this.#outcomeOf(settled),
        (error: unknown) => ({ ok: false as const, failure: Failure.from(error).data }),
      );
      awaited.wait(run, 'promise', null, () => {
        void outcome.then((settled) => awaited.settle(run, settled));
      });
    } else if (what === 'failure') finishing.finish(run, { ok: false, failure: (value as Failure).data });
    else {
      let encoded: Json;
      try {
        encoded = this.#encoded(value, storedJobOnly);
      } catch (error) {
        retrying.refused(run, Failure.from(error), {
          ok: true,
          text: () => shownValue(value, this.#engine.registry.redactorOf(run.job)),
        });
        return;
      }
      finishing.finish(run, { ok: true, value: encoded });
    }
  }

  /** A returned job that nobody has stored yet is stored NEW with the wait: someone else will put it. */
  async #returnedJob(run: Run, job: Job<unknown>): Promise<void> {
    if (!job.isStored) {
      const drafts = new Drafts(run.unit);
      drafts.store(job, null);
      await run.unit.submit(drafts.made, drafts.expect);
      drafts.attach();
    }
    this.#engine.awaited.wait(run, job.record.id, job);
  }

  #encoded(value: unknown, refer: ReferJob): Json {
    return value === undefined ? null : encodeValue(value, 'result', refer, this.#engine.limits);
  }

  #outcomeOf(value: unknown): { ok: true; value: Json } | { ok: false; failure: Failure['data'] } {
    if (value instanceof Failure) return { ok: false, failure: value.data };
    try {
      return { ok: true, value: this.#encoded(value, () => null) };
    } catch (error) {
      return { ok: false, failure: Failure.from(error).data };
    }
  }

  #threw(run: Run, error: unknown): void {
    if (this.#isEnding(run, () => this.#threw(run, error))) return;
    if (run.ended !== null) {
      const { log, finishing, registry } = this.#engine;
      const err = shownError(registry.redactorOf(run.job), error);
      const what = (): string => `${this.text(run.job)} threw after its transaction: ${String(err)}`;
      log.events('ERROR', what, { job: run.job.id, err });
      finishing.followEnded(run, run.ended);
      return;
    }
    run.startOver();
    // The worker is stopped, not the job refuted: no policy is asked and nothing is stored.
    if (run.isAborted || isReassigned(error)) this.#engine.finishing.escaped(run, error);
    else this.#engine.retrying.threw(run, Failure.from(error));
  }

  /** A job that was handed out and cannot be called: finished before anyone started it. */
  async refuse(job: JobRecord, error: BadStatusError): Promise<void> {
    const engine = this.#engine;
    engine.log.events(
      'ERROR',
      () => `job already completed? ${this.text(job)}\n${error.stack ?? error.message}`,
      {
        job: job.id,
        err: error,
      },
    );
    await mustStore(
      engine,
      () => this.text(job),
      async () => {
        const now = await engine.store.get('job', job.id);
        if (now?.epoch !== job.epoch || now.claim !== job.claim) throw new ReassignedError({ id: job.id });
        await fileJob(engine, now);
      },
    );
  }

  /** A job as text, for logs. */
  text(job: JobRecord): string {
    const { args } = this.#engine.registry.redactorOf(job);
    return jobText({ id: job.id, store: this.#engine.store.name, name: job.name, args });
  }
}

const longestShown = 10_000;

const noJobs: ReadonlyMap<string, Job<unknown>> = new Map();

/** A copy: what the code does to its arguments changes nothing that is stored. */
function decodedArgs({ job }: Run, jobs: ReadonlyMap<string, Job<unknown>>): readonly unknown[] {
  return job.args.map((arg) => decodeValue(arg, (id) => jobs.get(id)));
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
function kindOf(value: unknown): 'job' | 'detached' | 'failure' | 'value' {
  try {
    if (isJob(value)) return 'job';
    if (value instanceof Detached) return 'detached';
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
