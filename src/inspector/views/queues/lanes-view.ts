import type { Selection } from '../../../model/records/records.ts';
import { acceptanceOf, agentName, isAtWork } from '../../../reading/agent-conditions.ts';
import type { AgentFacts, QueueFacts } from '../../../reading/waiting-facts.ts';
import type { LaneSummary } from '../../../store/reader.ts';
import type { QuotaSlots } from '../../protocol/overview.ts';
import type { LaneAnswer, LaneRow, LanesView } from '../../protocol/queues.ts';
import { takesText } from './takes-text.ts';

const mostColumns = 4;
const mostRows = 50;

/** The lanes of a queue: how long each is, who accepts it, and which quota holds it up. Pure. */
export function lanesView(
  lanes: readonly LaneSummary[],
  facts: QueueFacts,
  quotas: readonly QuotaSlots[],
): LanesView {
  const groups = groupsOf(facts.agents).slice(0, mostColumns);
  // Lanes of one name and length have their quotas as order, which is the same at every look.
  const keyOf = ({ name, quotaNames }: Joined): string => JSON.stringify([name, ...quotaNames]);
  const all = joined(lanes).sort(
    (one, other) => other.waiting - one.waiting || (keyOf(one) < keyOf(other) ? -1 : 1),
  );
  const rest = all.slice(mostRows);
  return {
    columns: groups.map(({ label, agents, selection }) => ({
      label,
      count: agents.length,
      takes: takesText(selection),
    })),
    rows: all.slice(0, mostRows).map(({ name, quotaNames, waiting }) => ({
      name,
      quotaNames,
      waiting,
      agents: groups.map((group) => answerOf(group, name, quotaNames, facts)),
      quotas: fullFirst(quotas.filter((quota) => quotaNames.includes(quota.name))),
    })),
    more: { lanes: rest.length, jobs: rest.reduce((sum, { waiting }) => sum + waiting, 0) },
    isCut: lanes.some(({ isCut }) => isCut),
  };
}

type Joined = Pick<LaneRow, 'name' | 'quotaNames' | 'waiting'>;

/** Jobs with a deadline, and those that kept a slot, are not told apart from the others. */
function joined(lanes: readonly LaneSummary[]): Joined[] {
  const rows = new Map<string, Joined>();
  for (const { name, quotaNames, putBack, now, held } of lanes) {
    const key = JSON.stringify([name, quotaNames]);
    const waiting = (rows.get(key)?.waiting ?? 0) + putBack + now + held;
    rows.set(key, { name, quotaNames, waiting });
  }
  return [...rows.values()];
}

/** Agents of the same name that accept the same, as those of processes that run the same program. */
interface Group {
  readonly label: string;
  readonly selection: Selection;
  readonly agents: readonly AgentFacts[];
}

function groupsOf(agents: readonly AgentFacts[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const agent of agents) {
    const { selection } = agent.record;
    const label = agentName(agent.record);
    const key = JSON.stringify([label, selection]);
    groups.set(key, { label, selection, agents: [...(groups.get(key)?.agents ?? []), agent] });
  }
  return [...groups.values()];
}

function answerOf(
  { selection, agents }: Group,
  name: string,
  quotaNames: readonly string[],
  { names, now }: QueueFacts,
): LaneAnswer {
  const working = agents.filter(({ representation }) => isAtWork(representation, now));
  if (working.length === 0) return 'gone';
  if (selection.kind === 'chooser' || (selection.kind === 'filter' && names === null)) return 'unknown';
  const accepts = acceptanceIn(selection, names);
  if (accepts === null) return 'unknown';
  if (!accepts.lane(name, quotaNames)) return 'refuses';
  if (!working.some(({ held, record }) => held < record.size)) return 'full';
  return accepts.job === null ? 'takes' : 'some';
}

/** Null: its filter is not known here. */
function acceptanceIn(
  selection: Selection,
  names: QueueFacts['names'],
): ReturnType<typeof acceptanceOf> | null {
  try {
    const filter = (name: string): never => {
      throw new Error(name);
    };
    return acceptanceOf(selection, names ?? { filter }, () => true);
  } catch {
    // The page says that it is not known.
    return null;
  }
}

function fullFirst(quotas: readonly QuotaSlots[]): readonly QuotaSlots[] {
  const rank = ({ taken, size }: QuotaSlots): number => (taken >= size ? 0 : 1);
  return quotas.toSorted((one, other) => rank(one) - rank(other));
}
