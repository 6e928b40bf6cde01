import { isDead } from '../../../model/monitoring/liveness.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { Count } from '../../protocol/answer.ts';
import type { Sight } from '../sight.ts';

/** How many subjects of one chart are in each state. */
export interface Population {
  /** By leaf state. */
  readonly states: ReadonlyMap<string, Count>;
  readonly remark: string | null;
}

/** The populations that can be known, by the name of the chart. Jobs are counted without being read. */
export async function populations({ reader }: Sight): Promise<ReadonlyMap<string, Population>> {
  return new Map([
    ['job', await ofJobs(reader)],
    ['representation', await ofRepresentations(reader)],
  ]);
}

async function ofJobs(reader: StoreReader): Promise<Population> {
  const { states, lists } = await reader.counts();
  const { n } = lists.quarantined;
  const isUncounted = Object.values(states).some((count) => count.n === 0 && count.more);
  const remarks = [
    ...(isUncounted ? ['this store does not count the jobs in every state'] : []),
    ...(n === 0 ? [] : [`${n} more in quarantine: in a state, or with values, that this chart lacks`]),
  ];
  return { states: new Map(Object.entries(states)), remark: remarks.join('; ') || null };
}

async function ofRepresentations(reader: StoreReader): Promise<Population> {
  const records = await reader.list('representation', '');
  const now = reader.now();
  const silent = records.filter((each) => each.state === 'activated' && isDead(each, now)).length;
  return {
    states: countsOf(records),
    remark:
      silent === 0
        ? null
        : `${silent} of those that are activated ${silent === 1 ? 'gives' : 'give'} no sign of life`,
  };
}

function countsOf(subjects: readonly { readonly state: string }[]): ReadonlyMap<string, Count> {
  const counts = new Map<string, Count>();
  for (const { state } of subjects) counts.set(state, { n: (counts.get(state)?.n ?? 0) + 1, more: false });
  return counts;
}
