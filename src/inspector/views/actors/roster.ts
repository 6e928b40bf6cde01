import { isDead, lastSign } from '../../../model/monitoring/liveness.ts';
import type { AgentRecord, RepresentationRecord } from '../../../model/records/records.ts';
import { isAtWork } from '../../../reading/agent-conditions.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { AgentNode, DispatcherRecordState } from '../../protocol/actors.ts';
import { cut } from '../values/failure-view.ts';
import type { ActorSource, LiveActor } from './actor-source.ts';

/** An agent: its record, its live machine, or both. */
export interface AgentEntry {
  /** `<queue>/<dispatcher>/<name>`. */
  readonly id: string;
  readonly queue: string;
  readonly name: string;
  readonly record: AgentRecord | null;
  readonly live: LiveActor | null;
}

/** A dispatcher: its records, its live machine, or both. */
export interface DispatcherEntry {
  readonly uuid: string;
  readonly representations: readonly RepresentationRecord[];
  readonly live: LiveActor | null;
  readonly agents: readonly AgentEntry[];
}

/** Every dispatcher with its agents: those of this process first, then those at work. */
export interface Roster {
  readonly supervisor: LiveActor | null;
  readonly dispatchers: readonly DispatcherEntry[];
}

/** Joins the records of a store with the live machines of this process. */
export async function rosterOf(reader: StoreReader, source: ActorSource | null): Promise<Roster> {
  const live = source?.actors() ?? [];
  const now = reader.now();
  const representations = await reader.list('representation', '');
  const agents = agentEntries(await reader.list('agent', ''), live);
  const uuids = new Set([
    ...live.flatMap(({ machine, dispatcher }) => (machine === 'dispatcher' ? (dispatcher ?? []) : [])),
    ...representations.map(({ dispatcher }) => dispatcher),
    ...agents.map(({ dispatcher }) => dispatcher),
  ]);
  const dispatchers = [...uuids].map((uuid): DispatcherEntry => {
    const own = representations.filter(({ dispatcher }) => dispatcher === uuid);
    return {
      uuid,
      representations: own,
      // The newest: one that a program forgot may be there beside the one that it made then.
      live: live.findLast((each) => each.machine === 'dispatcher' && each.dispatcher === uuid) ?? null,
      agents: agents.filter(({ dispatcher }) => dispatcher === uuid),
    };
  });
  const rank = ({ live: machine, representations: own }: DispatcherEntry): number =>
    machine === null ? 1 + states.indexOf(recordState(own, now) ?? 'deactivated') : 0;
  return {
    supervisor: live.find(({ machine }) => machine === 'supervisor') ?? null,
    dispatchers: dispatchers.toSorted((one, other) => rank(one) - rank(other)),
  };
}

function agentEntries(
  records: readonly AgentRecord[],
  live: readonly LiveActor[],
): readonly (AgentEntry & { readonly dispatcher: string })[] {
  const entries = new Map<string, AgentEntry & { readonly dispatcher: string }>();
  for (const record of records) {
    const [queue = '', dispatcher = '', name = ''] = record.id.split('/');
    entries.set(record.id, { id: record.id, queue, dispatcher, name, record, live: null });
  }
  for (const actor of live) {
    const { machine, queue = '', dispatcher = '', agent: name = '' } = actor;
    if (machine !== 'agent') continue;
    const id = `${queue}/${dispatcher}/${name}`;
    const record = entries.get(id)?.record ?? null;
    entries.set(id, { id, queue, dispatcher, name, record, live: actor });
  }
  return [...entries.values()];
}

const states: readonly DispatcherRecordState[] = ['at work', 'dead', 'registered', 'deactivated'];

/** The best of what its records say: a dispatcher that is at work in one queue is at work. Null: it has none. */
export function recordState(
  representations: readonly RepresentationRecord[],
  now: number,
): DispatcherRecordState | null {
  const found = representations.map((record) => stateOf(record, now));
  return states.find((state) => found.includes(state)) ?? null;
}

export function stateOf(record: RepresentationRecord, now: number): DispatcherRecordState {
  if (record.state === 'activated') return isDead(record, now) ? 'dead' : 'at work';
  return record.state === 'registered' ? 'registered' : 'deactivated';
}

/** The last sign of life in any queue; null: there was none. */
export function lastSignOf(representations: readonly RepresentationRecord[]): number | null {
  const signs = representations.flatMap((record) => lastSign(record) ?? []);
  return signs.length === 0 ? null : Math.max(...signs);
}

/** What the records say of an agent. */
export function agentState(
  { agents: _, ...dispatcher }: DispatcherEntry,
  { queue }: AgentEntry,
  now: number,
): AgentNode['record'] {
  const record = dispatcher.representations.find((each) => each.queue === queue);
  if (isAtWork(record, now)) return 'at work';
  return record !== undefined && stateOf(record, now) === 'dead' ? 'dead' : 'not at work';
}

/** Why it could not claim, in a line; null while it can. */
export function failureOf({ record }: AgentEntry): string | null {
  if (record === null || record.failure === null) return null;
  return cut(`${record.failure.name}: ${record.failure.message}`, 200);
}

/** Why no live machine of a dispatcher, or of its agents, is seen; null: it is. */
export function whyNotLive(dispatcher: DispatcherEntry, hasLive: boolean, now: number): string | null {
  if (hasLive) return null;
  const name = dispatcher.uuid.slice(0, 4);
  if (recordState(dispatcher.representations, now) === 'at work')
    return `${name} is at work in another process. Its records are shown; its live machines and polls are seen in its own process.`;
  return `${name} belonged to an earlier process. Its records are shown; its live machines were not recorded.`;
}
