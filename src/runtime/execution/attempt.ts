import { AsyncResource } from 'node:async_hooks';
import { ConflictError } from '../../errors.ts';
import type { Engine } from '../box/engine.ts';
import type { Definition } from '../handles/define-job.ts';
import { currentRun } from './current-run.ts';
import { shownError } from './outcome-log.ts';
import type { Run } from './run.ts';

/**
 * Where a job keeps what it carries: an `AsyncLocalStorage`, or anything with these two of its methods.
 */
export interface ContextStorage {
  getStore(): unknown;
  run<Result>(value: unknown, work: () => Result): Result;
}

/** The annotation that keeps what a job with `context` carries. It may be changed until the job runs. */
export const contextAnnotation = 'signalbox.context';

/**
 * What surrounds one attempt of a job's code: a clean asynchronous context, the context that the job carries, `setUp`
 * before and `tearDown` after.
 */
export class Attempts {
  readonly #engine: Engine;
  // A claim is woken by whoever put a job or ended one: nothing of theirs may be seen by the code that runs.
  readonly #root = new AsyncResource('signalbox');

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Does the work in the context that the job carries, and in no other. */
  inContext<Result>(run: Run, definition: Definition, work: () => Result): Result {
    const { context } = definition;
    const carried = context === null ? undefined : run.annotation(contextAnnotation);
    if (context === null || carried === undefined) return this.#root.runInAsyncScope(work);
    return this.#root.runInAsyncScope(() => context.run(this.#engine.decode(carried), work));
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

  /** Never rejects: what `tearDown` throws is logged and forgotten, and so is what it put. */
  async #tearDown(run: Run, call: () => unknown): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      run.startOver();
      try {
        await currentRun.run(run, async () => call());
        break;
      } catch (error) {
        if (error instanceof ConflictError && attempt < 5) continue;
        const { log, registry, executor } = this.#engine;
        const err = shownError(registry.redactorOf(run.job), error);
        log.events(
          'CRITICAL',
          () => `tearDown of ${executor.text(run.job)} failed: ${err.stack ?? err.message}`,
          { job: run.job.id, err },
        );
        break;
      }
    }
    run.startOver();
  }
}
