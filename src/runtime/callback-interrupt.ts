import { AbortedError } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import type { JobRecord } from '../model/records.ts';
import { stepJob } from '../model/step.ts';
import type { Expectation } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { endCallback } from './from-outside.ts';

/**
 * What becomes of a callback that was ACTIVE when its worker went away: it goes on waiting for another job, is NEW again,
 * or ends aborted. Gives the job as it ended, whose own callbacks are next, or null when it did not end.
 */
export async function decideInterrupted(engine: Engine, callback: JobRecord): Promise<JobRecord | null> {
  if (callback.state === 'active.waiting' && (await stillWaits(engine, callback))) return null;
  const { answer, data } = await engine.policies.afterInterrupt(callback);
  const expect: Expectation[] = [{ what: 'rev', kind: 'job', id: callback.id, rev: callback.rev }];
  if (answer === false) {
    const failure = Failure.from(new AbortedError({ id: callback.id })).data;
    const abort = { type: 'job.abort', at: engine.now(), failure, retryData: data } as const;
    return endCallback(engine, callback, abort, expect);
  }
  const text = (): string => engine.executor.text(callback);
  const fields = { job: callback.id };
  if (answer !== true)
    engine.log.events('ERROR', () => `callback ${text()} cannot be put back; it is tried again`, fields);
  engine.log.trace('DEBUG', () => `retrying interrupted callback ${text()}`, fields);
  const reset = stepJob(callback, { type: 'callback.reset', retryData: data });
  await engine.commit(engine.uuid, [reset], expect).written;
  return null;
}

/** False when what it waited for is gone: a promise died with its process. */
async function stillWaits(engine: Engine, callback: JobRecord): Promise<boolean> {
  const { waitingOn } = callback;
  const inner =
    waitingOn === null || waitingOn === 'promise' ? undefined : await engine.store.get('job', waitingOn);
  if (inner === undefined) return false;
  if (inner.outcome !== null) {
    engine.log.events(
      'WARNING',
      () => `${engine.executor.text(callback)} did not hear that ${engine.executor.text(inner)} is done`,
      { job: callback.id },
    );
    await engine.awaited.takeOver(inner.id, callback.id);
  }
  return true;
}
