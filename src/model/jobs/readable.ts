import type { JobRecord } from '../records/records.ts';
import { jobChart } from './machine-version.ts';

const knownStates: ReadonlySet<string> = new Set(jobChart.states);

/** Whether this version can do anything with the job: one that it could not step would stand in the way of others. */
export function isReadable(job: JobRecord): boolean {
  return knownStates.has(job.state) && job.unsound === undefined && fitsItsPlace(job);
}

/** No step leaves a job otherwise. One that failed while it waited is claimed, and filed. */
function fitsItsPlace({ state, parent }: JobRecord): boolean {
  if (parent === null || !('queue' in parent)) return true;
  if ('agent' in parent) return state !== 'new' && state !== 'pending';
  return state === 'pending' || state === 'callbacks' || state === 'completed';
}
