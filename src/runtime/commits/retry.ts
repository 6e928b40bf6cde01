import { ConflictError } from '../../errors.ts';
import { type Redactor, shownError } from '../../model/values/redaction.ts';
import { errorText } from '../environment/logging.ts';
import { nextTurn } from '../environment/reactor/next-turn.ts';
import { endsTransaction, isAboutJobs, type RetryRule, retryRules } from './retry-rules.ts';
import type { RuntimeContext } from './runtime-context.ts';

/** How a step is repeated. */
export interface RetryOptions {
  /** Default: `retryRules.step`. */
  readonly rule?: RetryRule;
  /** For a step that is a program's own code, whose errors may hold what a log must not show. */
  readonly redactor?: () => Redactor;
}

/** One step that is repeated until it succeeds: counts its errors and waits between them. */
export class RetryStep {
  readonly #context: RuntimeContext;
  readonly #what: () => string;
  readonly #rule: RetryRule;
  readonly #redactor: (() => Redactor) | null;
  #conflicts = 0;
  #errors = 0;

  /** `what` names the step in the log. */
  constructor(context: RuntimeContext, what: () => string, options: RetryOptions = {}) {
    this.#context = context;
    this.#what = what;
    this.#rule = options.rule ?? retryRules.step;
    this.#redactor = options.redactor ?? null;
  }

  /** Resolves when the step is to be taken again. Rejects with the error when that cannot help. */
  async pause(error: unknown): Promise<void> {
    const verdict = this.#rule.judge(error);
    if (verdict === 'ends') throw error;
    if (verdict === 'conflict') return this.#pauseAfterConflict();
    if (verdict === 'full') return this.#context.sleep(1000);
    this.#errors += 1;
    const { waitMs, level } = this.#rule.after(error, this.#errors);
    const name = this.#rule.named(this.#errors);
    if (level !== null) {
      const err = this.#redactor === null ? error : shownError(this.#redactor(), error);
      this.#context.log.events(
        level,
        () =>
          `${name} while ${this.#what()}: again in ${waitMs / 1000} s: ${err instanceof Error ? errorText(err) : String(err)}`,
        err instanceof Error ? { err } : {},
      );
    }
    await this.#context.sleep(waitMs);
  }

  async #pauseAfterConflict(): Promise<void> {
    this.#conflicts += 1;
    const count = this.#conflicts;
    if (count % 5 === 0 || (count === 1 && this.#rule.logsFirstConflict)) {
      this.#context.log.events('WARNING', () => `conflict ${count} while ${this.#what()}: again at once`);
    }
    // In a later turn of the event loop: an endless conflict must not block the process.
    await nextTurn(this.#context.reactor);
  }
}

/**
 * Takes a step until it succeeds, as its rule says. `what` names the step in the log.
 * @throws an error that repeating the step cannot repair: the job was reassigned, its status refuses the step, or the store
 * is closed.
 */
export async function retryForever<Result>(
  context: RuntimeContext,
  what: () => string,
  step: () => Promise<Result>,
  options: RetryOptions = {},
): Promise<Result> {
  const retry = new RetryStep(context, what, options);
  for (;;) {
    try {
      return await step();
    } catch (error) {
      await retry.pause(error);
    }
  }
}

/** So that nothing is repeated without end. */
const mostAttempts = 1000;

/**
 * Makes an attempt until it meets no conflict, `times` times in all. The last conflict is
 * thrown. `except: 'job'`: conflicts about jobs do not count.
 */
export async function retryConflicts<Result>(
  times: number,
  attempt: () => Promise<Result>,
  { except }: { readonly except?: 'job' } = {},
): Promise<Result> {
  let left = times;
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ConflictError) || endsTransaction(error)) throw error;
      if (except !== 'job' || !isAboutJobs(error)) left -= 1;
      if (left === 0 || count === mostAttempts) throw error;
    }
  }
}
