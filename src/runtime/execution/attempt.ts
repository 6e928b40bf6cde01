import { AsyncResource } from 'node:async_hooks';
import type { Json } from '../../../machines/json.ts';
import { ConflictError } from '../../errors.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import { shownError } from '../../model/values/redaction.ts';
import { decodeValue } from '../../model/values/values.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Definition } from '../definitions/definition.ts';
import { errorText } from '../environment/logging.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import { jobFields } from './outcome-log.ts';
import { currentRun, type Run } from './run.ts';

/** The annotation that keeps what a job with `context` carries. It may be changed until the job runs. */
export const contextAnnotation = 'signalbox.context';

/**
 * What surrounds one attempt of a job's code: a clean asynchronous context, the context that the job carries, `setUp`
 * before and `tearDown` after.
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

  /** Does the work in the context that the job carries, and in no other. */
  inContext<Result>(run: Run, definition: Definition, work: () => Result): Result {
    const { context } = definition;
    const carried = context === null ? undefined : run.annotations[contextAnnotation];
    if (context === null || carried === undefined) return this.#root.runInAsyncScope(work);
    return this.#root.runInAsyncScope(() => context.run(this.#decode(carried), work));
  }

  /** Calls `setUp`, and keeps `tearDown` for the end of the attempt: also when `setUp` throws. */
  async setUp(run: Run, definition: Definition): Promise<void> {
    const { setUp, tearDown } = definition;
    let info: unknown;
    if (tearDown !== null) {
      const call = tearDown as (info: unknown) => unknown;
      run.tearDown = () => this.inContext(run, definition, () => this.#tearDown(run, () => call(info)));
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
