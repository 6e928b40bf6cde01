import { isDead } from '../../../model/monitoring/liveness.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { Count } from '../../protocol/answer.ts';
import type { ActorSource } from '../actors/actor-source.ts';

/** How many subjects of one chart are in each state. */
export interface Population {
  /** By leaf state; null: it cannot be known here. */
  readonly states: ReadonlyMap<string, Count> | null;
  readonly remark: string | null;
}

/** Jobs: counted without being read. */
export async function ofJobs(reader: StoreReader): Promise<Population> {
  const { states, lists } = await reader.counts();
  const { n } = lists.quarantined;
  const remark =
    n === 0 ? null : `${n} more in quarantine: in a state, or with values, that this chart lacks.`;
  return { states: new Map(Object.entries(states)), remark };
}

/** Representations: the records of dispatchers, one a queue. */
export async function ofRepresentations(reader: StoreReader): Promise<Population> {
  const records = await reader.list('representation', '');
  const now = reader.now();
  const silent = records.filter((each) => each.state === 'activated' && isDead(each, now)).length;
  return {
    states: countsOf(records),
    remark:
      silent === 0
        ? null
        : `${silent} of those that are activated ${silent === 1 ? 'gives' : 'give'} no sign of life.`,
  };
}

/** The live machines of this process that follow one chart. */
export function ofActors(reader: StoreReader, live: ActorSource, chart: string): Population {
  return {
    states: countsOf(live.actors().filter(({ machine }) => machine === chart)),
    remark: reader.exclusive ? null : 'Those of other processes are seen there.',
  };
}

function countsOf(subjects: readonly { readonly state: string }[]): ReadonlyMap<string, Count> {
  const counts = new Map<string, Count>();
  for (const { state } of subjects) counts.set(state, { n: (counts.get(state)?.n ?? 0) + 1, more: false });
  return counts;
}
