import { filterAcceptsLane, filterOfJob } from '../model/jobs/filter.ts';
import type { Selection } from '../model/records/records.ts';
import type { Acceptance } from '../store/store.ts';
import type { KnownNames } from './explanation.ts';

/**
 * Which jobs a selection accepts, as a claim asks it. A chooser may take any. `isKnown`: whether the process that claims knows a
 * definition. @throws SignalboxError `UNKNOWN_FILTER`.
 */
export function acceptanceOf(
  selection: Selection,
  names: Pick<KnownNames, 'filter'>,
  isKnown: (definition: string) => boolean,
): Acceptance {
  if (selection.kind === 'filter') return { lane: isKnown, job: names.filter(selection.name).accepts };
  if (selection.kind !== 'data') return { lane: isKnown, job: null };
  const { filter } = selection;
  const lane: Acceptance['lane'] = (name, quotas) => filterAcceptsLane(filter, name, quotas) && isKnown(name);
  const accepts = { lane, job: filterOfJob(filter) };
  return filter.args === undefined ? accepts : { ...accepts, args: filter.args };
}
