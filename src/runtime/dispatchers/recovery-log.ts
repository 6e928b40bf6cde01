import { lastSign } from '../../model/monitoring/liveness.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { jobCount, jobsLabel } from '../../model/values/job-text.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';

/**
 * Logs which jobs of processes that had disappeared were found: those that were to start are in their queue again, and the
 * others are handed on. One entry for all of them, none when there were none.
 */
export function logRecovered({ log }: RuntimeContext, jobs: readonly JobRecord[]): void {
  if (jobs.length === 0) return;
  const { length } = jobs.filter(isHandedOn);
  const what = (): string => `recovered ${jobCount(jobs.length)}, ${length} handed on: ${jobsLabel(jobs)}`;
  log.events('INFO', what);
}

/** Logs that a dispatcher is dead, and what it held. `held`: its jobs, which were released. */
export function logDead(
  { log, store }: RuntimeContext,
  representation: RepresentationRecord,
  held: readonly JobRecord[],
): void {
  const { dispatcher, queue } = representation;
  const last = lastSign(representation) ?? store.now();
  const ms = Math.max(0, store.now() - last);
  const since = `no ping for ${Math.round(ms / 1000)} s, since ${new Date(last).toISOString()}`;
  const what = (): string => {
    const count = jobCount(held.length);
    const holds =
      held.length === 0 ? 'It held no job.' : `It held ${count}, handed on now: ${jobsLabel(held)}`;
    return `dispatcher ${dispatcher} is dead in queue '${queue}': ${since}. ${holds}`;
  };
  log.events('WARNING', what, { dispatcher, queue, ms });
}

/** Logs that a dispatcher is about to take part. */
export function logActivating({ log }: RuntimeContext, dispatcher: string): void {
  log.events('INFO', () => `attempting to activate dispatcher ${dispatcher}`, { dispatcher });
}

/** Logs that a dispatcher has stopped, and which jobs it has handed on: another worker takes them. */
export function logDeactivated(
  { log }: RuntimeContext,
  dispatcher: string,
  handedOn: readonly JobRecord[],
): void {
  const what = (): string =>
    handedOn.length === 0 ? '' : `, ${jobCount(handedOn.length)} handed on: ${jobsLabel(handedOn)}`;
  log.events('INFO', () => `deactivated dispatcher ${dispatcher}${what()}`, { dispatcher });
}

/** Whether a released job goes on elsewhere, instead of waiting in its queue again or being aborted. */
function isHandedOn({ state, parent }: JobRecord): boolean {
  return state === 'callbacks' || (state.startsWith('active') && parent !== null && 'agent' in parent);
}
