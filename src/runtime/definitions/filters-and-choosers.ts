import { checkName } from '../../model/checks/names.ts';
import type { JobRecord } from '../../model/records/records.ts';

/** A filter by name: a predicate on jobs, for agents. Synchronous, and independent of the agent's state. */
export interface FilterDefinition {
  readonly filterName: string;
  readonly accepts: (job: JobRecord) => boolean;
}

/** A chooser by name: picks from what is claimable, in order, or says null. Synchronous. */
export interface ChooserDefinition {
  readonly chooserName: string;
  readonly choose: (claimable: Iterable<JobRecord>, held: readonly JobRecord[]) => JobRecord | null;
}

/**
 * Names a filter function, so that an agent that uses it can be stored.
 *
 * @example
 * ```ts
 * import { agent, defineFilter } from 'signalbox';
 *
 * export const small = defineFilter('small', (job) => Number(job.args[0]) < 10);
 * console.log(agent({ filter: small }).selection); // => { kind: 'filter', name: 'small' }
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`.
 */
export function defineFilter(name: string, accepts: FilterDefinition['accepts']): FilterDefinition {
  return { filterName: checkName(name, 'the name of a filter'), accepts };
}

/**
 * Names a chooser function, so that an agent that uses it can be stored.
 *
 * @example
 * ```ts
 * import { agent, defineChooser } from 'signalbox';
 *
 * export const oldest = defineChooser('oldest', (claimable) => [...claimable][0] ?? null);
 * console.log(agent({ chooser: oldest }).selection); // => { kind: 'chooser', name: 'oldest' }
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`.
 */
export function defineChooser(name: string, choose: ChooserDefinition['choose']): ChooserDefinition {
  return { chooserName: checkName(name, 'the name of a chooser'), choose };
}
