import { BadStatusError, ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { kindOfFailure } from '../../model/jobs/retry.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Redactor } from '../../model/values/redaction.ts';
import type { Engine } from '../box/engine.ts';
import type { LogLevel } from '../environment/logging.ts';
import { shownError } from '../execution/outcome-log.ts';

/** What an error of a step means: it ends it, or the step is taken again at once, when there is room, or later. */
type Verdict = 'ends' | 'conflict' | 'full' | 'later';

/** How one kind of step is taken again. */
interface Rule {
  judge(error: unknown): Verdict;
  /** Every fifth conflict is logged, and the first where this says so. */
  readonly logsFirstConflict: boolean;
  /** What follows the error of this number, conflicts and a full disk not counted. `level` null: it is not logged. */
  after(error: unknown, count: number): { readonly waitMs: number; readonly level: LogLevel | null };
  /** What the log calls the error of this number. */
  named(count: number): string;
}

const storeIsGone: readonly string[] = ['STORE_CLOSED', 'STORE_IO', 'STORE_FENCED'];
/** What waiting does not mend: the store is gone, the box is stopped, or the job is dropped or in quarantine. */
const hopeless: readonly string[] = [...storeIsGone, 'BOX_STOPPED', 'JOB_NOT_FOUND', 'JOB_QUARANTINED'];

const succeeding: Rule = {
  judge(error) {
    if (error instanceof ReassignedError || error instanceof BadStatusError) return 'ends';
    if (hasCode(error, hopeless)) return 'ends';
    if (error instanceof ConflictError) return 'conflict';
    return hasCode(error, ['STORE_FULL']) ? 'full' : 'later';
  },
  logsFirstConflict: false,
  after: (error, count) => ({
    waitMs: growing(count),
    level: count === 1 || count % 10 === 0 ? (isOutage(error) ? 'ERROR' : 'CRITICAL') : null,
  }),
  named: (count) => `error ${count}`,
};

const loading: Rule = {
  judge(error) {
    const kind = kindOfFailure(Failure.from(error));
    if (kind === 'conflict') return 'conflict';
    return kind === 'disconnect' || isStoreAway(error) ? 'later' : 'ends';
  },
  logsFirstConflict: true,
  after: (_error, count) => ({ waitMs: growing(count), level: 'INFO' }),
  named: () => 'store away',
};

const storing: Rule = {
  judge(error) {
    if (error instanceof ReassignedError || isStoreGone(error)) return 'ends';
    return error instanceof ConflictError ? 'conflict' : 'later';
  },
  logsFirstConflict: false,
  after: (_error, count) => ({ waitMs: 1000, level: count % 10 === 0 ? 'CRITICAL' : 'ERROR' }),
  named: (count) => `error ${count}`,
};

/** One step that is taken until it succeeds: how often it failed so far, and how long it waits after that. */
export class RetryStep {
  readonly #engine: Engine;
  readonly #what: () => string;
  readonly #rule: Rule;
  readonly #redactor: (() => Redactor) | null;
  #conflicts = 0;
  #errors = 0;

  /**
   * `what` names the step, for the log. By default it is one as `mustSucceed` takes. `redactor`: of a step that is a program's
   * own code, which may throw what a log must not show.
   */
  constructor(
    engine: Engine,
    what: () => string,
    rule: Rule = succeeding,
    redactor: (() => Redactor) | null = null,
  ) {
    this.#engine = engine;
    this.#what = what;
    this.#rule = rule;
    this.#redactor = redactor;
  }

  /** Resolves when the step is to be taken again. Rejects with the error when that cannot help. */
  async pause(error: unknown): Promise<void> {
    const verdict = this.#rule.judge(error);
    if (verdict === 'ends') throw error;
    if (verdict === 'conflict') return this.#pauseAfterConflict();
    if (verdict === 'full') return this.#engine.sleep(1000);
    this.#errors += 1;
    const { waitMs, level } = this.#rule.after(error, this.#errors);
    const name = this.#rule.named(this.#errors);
    if (level !== null) {
      const told = this.#redactor === null ? error : shownError(this.#redactor(), error);
      this.#engine.log.events(
        level,
        () => `${name} while ${this.#what()}: again in ${waitMs / 1000} s: ${String(told)}`,
        told instanceof Error ? { err: told } : {},
      );
    }
    await this.#engine.sleep(waitMs);
  }

  async #pauseAfterConflict(): Promise<void> {
    this.#conflicts += 1;
    const count = this.#conflicts;
    if (count % 5 === 0 || (count === 1 && this.#rule.logsFirstConflict)) {
      this.#engine.log.events('WARNING', () => `conflict ${count} while ${this.#what()}: again at once`);
    }
    await nextTurn(this.#engine);
  }
}

/** The store takes nothing more until it is opened again. */
export function isStoreGone(error: unknown): boolean {
  return hasCode(error, storeIsGone);
}

/** The store itself refused a commit, whatever stood in it: it may take the same one later. */
export function isStoreAway(error: unknown): error is SignalboxError {
  return error instanceof SignalboxError && error.code.startsWith('STORE_') && !isStoreGone(error);
}

/**
 * Takes a step until it succeeds: after a conflict at once; after a full disk each second; after anything else in 5, 10,
 * … 60 s; and all of that for ever.
 * `redactor`: what may be shown of the errors of a program's own code.
 * @throws what taking it again cannot help: the job is in other hands, its status refuses the step, or the store is gone.
 */
export function mustSucceed<Result>(
  engine: Engine,
  what: () => string,
  step: () => Promise<Result>,
  redactor: (() => Redactor) | null = null,
): Promise<Result> {
  return taken(new RetryStep(engine, what, succeeding, redactor), step);
}

/**
 * Reads what a worker needs before it can call a job. While the store is away, or refuses to answer, it asks again after
 * 5 s, 10 s … 60 s, for ever; after a conflict at once. Anything else is thrown. `what` says what is loaded.
 */
export function mustLoad<Result>(
  engine: Engine,
  what: () => string,
  read: () => Promise<Result>,
): Promise<Result> {
  return taken(new RetryStep(engine, () => `loading ${what()}`, loading), read);
}

/**
 * Stores what must not be lost, however long it takes: after a conflict at once, after anything else a second later.
 * Only a job in other hands and a store that is gone end it: their errors are thrown. `what` says what is stored.
 */
export function mustStore(engine: Engine, what: () => string, store: () => Promise<void>): Promise<void> {
  return taken(new RetryStep(engine, () => `storing ${what()}`, storing), store);
}

/** Makes an attempt again when somebody else was faster, five times in all: the lineage's figure. The last conflict is thrown. */
export function fiveTimes<Result>(attempt: () => Promise<Result>): Promise<Result> {
  return times(attempt, () => true);
}

/** As `fiveTimes`, but conflicts about jobs are none of the five: each means that one of many has moved on. */
export function fiveTimesButForJobs<Result>(attempt: () => Promise<Result>): Promise<Result> {
  return times(attempt, ({ details: { subject } }) => !/^(job\/|the jobs of )/.test(subject));
}

async function times<Result>(
  attempt: () => Promise<Result>,
  counts: (conflict: ConflictError) => boolean,
): Promise<Result> {
  for (let count = 1, left = 5; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      // One that the database found has ended the transaction of the program, in which nothing more can be tried.
      if (!(error instanceof ConflictError) || error.cause !== undefined) throw error;
      if (counts(error)) left -= 1;
      if (left === 0 || count === mostAttempts) throw error;
    }
  }
}

/** So that nothing goes on for ever. */
const mostAttempts = 1000;

async function taken<Result>(retry: RetryStep, step: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      await retry.pause(error);
    }
  }
}

/** At once, but not before others had their turn: what conflicts for ever must not stop the process. */
function nextTurn(engine: Engine): Promise<void> {
  return new Promise((resolve) => engine.reactor.callFromThread(resolve));
}

/** 5, 10, … 60 s. */
function growing(count: number): number {
  return Math.min(60_000, count * 5000);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof SignalboxError && codes.includes(error.code);
}

function isOutage(error: unknown): boolean {
  return (
    (error instanceof SignalboxError && error.code.startsWith('STORE_')) ||
    kindOfFailure(Failure.from(error)) === 'disconnect'
  );
}
