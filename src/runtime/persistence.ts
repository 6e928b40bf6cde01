import { BadStatusError, ConflictError, ReassignedError, SignalboxError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { kindOfFailure } from '../model/retry.ts';
import type { Engine } from './engine.ts';

/** What waiting does not mend: the store is closed until it is opened again, or the job is gone. */
const finalCodes: readonly string[] = [
  'STORE_CLOSED',
  'STORE_IO',
  'STORE_FENCED',
  'BOX_STOPPED',
  'JOB_NOT_FOUND',
];

/**
 * The patience of one step that must succeed. After a conflict the step is repeated at once; after a full disk each
 * second; after anything else in 5, 10, … 60 s; and all of that for ever.
 */
export class Persistence {
  readonly #engine: Engine;
  readonly #what: () => string;
  #conflicts = 0;
  #errors = 0;

  /** `what` names the step, for the log. */
  constructor(engine: Engine, what: () => string) {
    this.#engine = engine;
    this.#what = what;
  }

  /**
   * Resolves when the step is to be repeated. Rejects with the error when repeating cannot help: the job is in other
   * hands, its status refuses the step, or the store is gone.
   */
  async pause(error: unknown): Promise<void> {
    if (error instanceof ReassignedError || error instanceof BadStatusError) throw error;
    if (error instanceof SignalboxError && finalCodes.includes(error.code)) throw error;
    const { log } = this.#engine;
    if (error instanceof ConflictError) {
      this.#conflicts += 1;
      const count = this.#conflicts;
      if (count % 5 === 0) log.events('WARNING', () => `${this.#what()}: conflict ${count}, repeated`);
      return;
    }
    if (error instanceof SignalboxError && error.code === 'STORE_FULL') return this.#engine.sleep(1000);
    this.#errors += 1;
    const count = this.#errors;
    const isOutage =
      (error instanceof SignalboxError && error.code.startsWith('STORE_')) ||
      kindOfFailure(Failure.from(error)) === 'disconnect';
    if (count === 1 || count % 10 === 0) {
      log.events(
        isOutage ? 'ERROR' : 'CRITICAL',
        () => `${this.#what()}: error ${count}, to be repeated: ${String(error)}`,
        error instanceof Error ? { err: error } : {},
      );
    }
    await this.#engine.sleep(Math.min(60_000, count * 5000));
  }
}

/** Repeats a step until it succeeds. @throws what repeating cannot help: see {@link Persistence}. */
export async function mustSucceed<Result>(
  engine: Engine,
  what: () => string,
  step: () => Promise<Result>,
): Promise<Result> {
  const persistence = new Persistence(engine, what);
  for (;;) {
    try {
      return await step();
    } catch (error) {
      await persistence.pause(error);
    }
  }
}
