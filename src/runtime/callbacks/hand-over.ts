import { newJobRecord, stepJob } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { systemNameNeeding, systemNames } from '../../model/records/system-names.ts';
import type { StagedChange } from '../commits/committer.ts';
import { type PutBy, placedIn } from '../jobs/job-drafts.ts';

/** The input of `handOver`. */
export interface HandOverInput extends PutBy {
  /** Id of the system job. */
  readonly systemId: string;
  readonly queue: string;
  /** The definition that the process needs which decides; null: any process may. */
  readonly needs?: string | null;
}

/** The changes that hand a job over: a system job that will decide about it, and the job's move under that. Pure. */
export function handOver(
  job: JobRecord,
  { systemId, queue, needs = null, ...by }: HandOverInput,
): readonly StagedChange[] {
  const name = job.state === 'callbacks' ? systemNames.resumeCallbacks : systemNames.handleInterrupt;
  const system = systemJob(systemId, needs === null ? name : systemNameNeeding(name, needs), job.id);
  return [placedIn(queue, system, by), stepJob(job, { type: 'job.interrupt', system: systemId })];
}

/** The record of a system job about another job. */
export function systemJob(id: string, name: string, about: string): JobRecord {
  return newJobRecord(id, { name, args: [{ $job: about }], failureLogLevel: 'CRITICAL' });
}
