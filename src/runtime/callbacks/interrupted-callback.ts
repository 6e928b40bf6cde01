import { stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Engine } from '../box/engine.ts';
import { abortJob } from './fail-job.ts';

/**
 * What becomes of a callback that was ACTIVE when its worker went away: it goes on waiting for another job, is NEW again,
 * or ends aborted. Gives the job as it ended, whose own callbacks are next, or null when it did not end.
 */
export async function decideInterrupted(engine: Engine, callback: JobRecord): Promise<JobRecord | null> {
  if (callback.state === 'active.waiting' && (await engine.awaited.stillWaits(callback))) return null;
  const { answer, data } = await engine.policies.afterInterrupt(callback);
  if (answer === false) return abortJob(engine, callback, data);
  const text = (): string => engine.executor.text(callback);
  const fields = { job: callback.id };
  if (answer !== true)
    engine.log.events('ERROR', () => `callback ${text()} cannot be put back; it is tried again`, fields);
  engine.log.trace('DEBUG', () => `retrying interrupted callback ${text()}`, fields);
  const reset = stepJob(callback, { type: 'callback.reset', retryData: data });
  const asRead = { what: 'rev', kind: 'job', id: callback.id, rev: callback.rev } as const;
  await engine.commit(engine.uuid, [reset], [asRead]).written;
  return null;
}
