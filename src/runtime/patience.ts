import { ConflictError, ReassignedError, SignalboxError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { kindOfFailure } from '../model/retry.ts';
import type { Engine } from './engine.ts';

/**
 * Reads what a worker needs before it can call a job. While the store is away it asks again after 5 s, 10 s … 60 s,
 * for ever; after a conflict at once. Anything else is thrown.
 */
export async function loaded<Result>(
  engine: Engine,
  what: () => string,
  read: () => Promise<Result>,
): Promise<Result> {
  let conflicts = 0;
  for (let waitMs = 5000; ; ) {
    try {
      return await read();
    } catch (error) {
      const failure = Failure.from(error);
      const kind = kindOfFailure(failure);
      if (kind === 'other') throw error;
      if (kind === 'disconnect') {
        const seconds = waitMs / 1000;
        engine.log.events('INFO', () => `store away while loading ${what()}: again in ${seconds} s`);
        await engine.sleep(waitMs);
        waitMs = Math.min(60_000, waitMs + 5000);
        continue;
      }
      conflicts += 1;
      if (conflicts === 1 || conflicts % 5 === 0) {
        engine.log.events('WARNING', () => `conflict ${conflicts} while loading ${what()}: again at once`);
      }
      await nextTurn(engine);
    }
  }
}

/**
 * Stores what must not be lost, however long it takes: after a conflict at once, after anything else a second later.
 * Only a job in other hands and a store that is gone end it: their errors are thrown.
 */
export async function stored(engine: Engine, what: string, store: () => Promise<void>): Promise<void> {
  let conflicts = 0;
  for (let errors = 0; ; ) {
    try {
      return await store();
    } catch (error) {
      if (error instanceof ReassignedError || isFinal(error)) throw error;
      if (error instanceof ConflictError) {
        conflicts += 1;
        if (conflicts % 5 === 0)
          engine.log.events('WARNING', () => `conflict ${conflicts} while storing ${what}: again at once`);
        await nextTurn(engine);
        continue;
      }
      errors += 1;
      const level = errors % 10 === 0 ? 'CRITICAL' : 'ERROR';
      engine.log.events(level, () => `error ${errors} while storing ${what}: ${String(error)}`);
      await engine.sleep(1000);
    }
  }
}

/** At once, but not before others had their turn: what conflicts for ever must not stop the process. */
function nextTurn(engine: Engine): Promise<void> {
  return new Promise((resolve) => engine.reactor.callFromThread(resolve));
}

/** The store takes nothing more until it is opened again. */
function isFinal(error: unknown): boolean {
  return error instanceof SignalboxError && ['STORE_CLOSED', 'STORE_IO', 'STORE_FENCED'].includes(error.code);
}
