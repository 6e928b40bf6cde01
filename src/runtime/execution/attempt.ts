import { AsyncResource } from 'node:async_hooks';
import type { Json } from '../../../machines/json.ts';
import { ConflictError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { isSystemName } from '../../model/records/system-names.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { shownError } from '../../model/values/redaction.ts';
import { decodeValue, type ResolveJob, referredJobs } from '../../model/values/values.ts';
import { retryForever } from '../commits/retry.ts';
import { retryRules } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Definition } from '../definitions/definition.ts';
import { errorText } from '../environment/logging.ts';
import { JobDrafts } from '../jobs/job-drafts.ts';
import type { JobHandles, JobLike } from '../jobs/job-like.ts';
import { asHandles, jobsIn } from '../jobs/referred-jobs.ts';
import type { CodeEnds } from './given.ts';
import { callInstrumented, interceptedAttempt } from './instruments.ts';
import { jobFields } from './outcome-log.ts';
import { currentRun, type Run } from './run.ts';

/** The annotation that keeps what a job with `context` carries. It may be changed until the job runs. */
export const contextAnnotation = 'signalbox.context';

/**
 * Calls the code of attempts in this thread, within what surrounds it: a clean asynchronous context, the context that the job
 * carries, `setUp` before and `tearDown` after.
 */
export class Attempts {
  readonly #context: RuntimeContext;
  readonly #work: UnitOfWork;
  readonly #handles: JobHandles;
  // A put or the end of another job wakes a claim: the code must not see the asynchronous context of that.
  readonly #root = new AsyncResource('signalbox');

  constructor(work: UnitOfWork, handles: JobHandles) {
    this.#context = work.context;
    this.#work = work;
    this.#handles = handles;
  }

  /** Calls the code of an attempt in this thread. @throws what the program's own code throws where it makes the context that the job carries. */
  call(run: Run, definition: Definition, ends: CodeEnds<unknown>): void {
    this.#inContext(run, definition, () => callInstrumented(run, () => this.#attempt(run, definition, ends)));
  }

  #attempt(run: Run, definition: Definition, ends: CodeEnds<unknown>): void {
    const hasHooks = definition.setUp !== null || definition.tearDown !== null;
    if (!hasHooks && run.job.args.every((arg) => referredJobs(arg).length === 0)) {
      this.#call(run, definition.run, decodedArgs(run, noJobs), ends);
      return;
    }
    const ready = hasHooks ? this.#setUp(run, definition) : Promise.resolve();
    ready
      .then(() => this.#loaded(run))
      .then(
        (args) => {
          // It may be to stop by now.
          if (run.isStopping) ends.threw(undefined);
          else this.#call(run, definition.run, args, ends);
        },
        (error: unknown) => ends.threw(error),
      );
  }

  /** Arguments as the code sees them: jobs among them are handles with the state of now. */
  async #loaded(run: Run): Promise<readonly unknown[]> {
    const what = (): string => `loading ${jobLabel(run.job)}`;
    const read = (id: string): Promise<JobRecord | undefined> =>
      retryForever(this.#context, what, () => this.#context.store.get('job', id), { rule: retryRules.load });
    const known = await jobsIn(read, run.job.args);
    return decodedArgs(run, asHandles(this.#handles, run.unit.handles, known));
  }

  #call(
    run: Run,
    code: (...args: never[]) => unknown,
    args: readonly unknown[],
    ends: CodeEnds<unknown>,
  ): void {
    let returned: unknown;
    let awaited: Promise<unknown> | null;
    try {
      const all = run.input.length === 0 ? args : [...args, ...run.input];
      const called = code as (...args: readonly unknown[]) => unknown;
      const { intercept } = this.#context;
      returned =
        intercept === null || isSystemName(run.job.name)
          ? currentRun.run(run, called, ...all)
          : currentRun.run(run, () => intercept(interceptedAttempt(run, all), () => called(...all)));
      // A promise stays as it is; a `then` that is not a promise's may throw, call back twice, or give another.
      awaited = isThenable(returned) ? Promise.resolve(returned) : null;
    } catch (error) {
      ends.threw(error);
      return;
    }
    if (awaited === null) ends.returned(returned);
    else {
      awaited.then(
        (value) => ends.returned(value),
        (error: unknown) => ends.threw(error),
      );
    }
  }

  /** Does the work in the context that the job carries, and in no other. */
  #inContext<Result>(run: Run, definition: Definition, work: () => Result): Result {
    const { context } = definition;
    const carried = context === null ? undefined : run.annotations[contextAnnotation];
    if (context === null || carried === undefined) return this.#root.runInAsyncScope(work);
    return this.#root.runInAsyncScope(() => context.run(this.#decode(carried), work));
  }

  /** Calls `setUp`, and keeps `tearDown` for the end of the attempt: also when `setUp` throws. */
  async #setUp(run: Run, definition: Definition): Promise<void> {
    const { setUp, tearDown } = definition;
    let info: unknown;
    if (tearDown !== null) {
      const call = tearDown as (info: unknown) => unknown;
      run.tearDown = () => this.#inContext(run, definition, () => this.#tearDown(run, () => call(info)));
    }
    if (setUp !== null) info = await currentRun.run(run, setUp);
  }

  #decode(value: Json): unknown {
    return decodeValue(value, (id) => this.#handles.reference(this.#work, id));
  }

  /** Never rejects: an error of `tearDown` is logged, and what it put is dropped. */
  async #tearDown(run: Run, call: () => unknown): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      run.startOver();
      try {
        await currentRun.run(run, async () => call());
        break;
      } catch (error) {
        if (error instanceof ConflictError && attempt < 5) continue;
        const { log, registry } = this.#context;
        const err = shownError(registry.redactorOf(run.job), error);
        const what = (): string => `tearDown of ${jobLabel(run.job)} failed: ${errorText(err)}`;
        log.events('CRITICAL', what, { ...jobFields(run.job, run), err });
        break;
      }
    }
    run.startOver();
  }
}

/** Stores a job that code returned and that is not stored yet: NEW, with the wait. The program has to put it. */
export async function storeReturned(unit: UnitOfWork, job: JobLike): Promise<void> {
  if (job.isStored) return;
  const drafts = new JobDrafts(unit);
  drafts.store(job, null);
  const pending = drafts.checked();
  if (pending !== undefined) await pending;
  await unit.submit(drafts.changes, drafts.expect);
  drafts.attach();
}

const noJobs: ResolveJob = () => undefined;

/** A copy: what the code does to its arguments changes nothing that is stored. */
function decodedArgs({ job }: Run, resolve: ResolveJob): readonly unknown[] {
  return job.args.map((arg) => decodeValue(arg, resolve));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
