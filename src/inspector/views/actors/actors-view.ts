import type { StoreReader } from '../../../store/reader.ts';
import type { ActorsView, AgentNode, DispatcherNode } from '../../protocol/actors.ts';
import type { ActorSource, LiveActor } from './actor-source.ts';
import { heldJobs } from './held-jobs.ts';
import { pollCells, steadyHealth } from './poll-cells.ts';
import {
  type AgentEntry,
  agentState,
  type DispatcherEntry,
  failureOf,
  lastSignOf,
  recordState,
  rosterOf,
} from './roster.ts';

/** How many polls the strip in the tree has room for. */
const mostCells = 62;
/** The agents whose jobs are shown at once: each of them is read. */
const mostOpen = 20;

/** What the tree is made from. */
export interface ActorsAsked {
  /** Null: live machines are not recorded. */
  readonly source: ActorSource | null;
  /** Why, in a sentence, when `source` is null. */
  readonly notLive: string;
  /** Ids of agents whose jobs are shown. */
  readonly open: readonly string[];
}

/** The tree: supervisor, dispatchers, agents, and the jobs of agents that are unfolded. */
export async function actorsView(reader: StoreReader, asked: ActorsAsked): Promise<ActorsView> {
  const { source } = asked;
  const { supervisor, dispatchers } = await rosterOf(reader, source);
  const nodes: DispatcherNode[] = [];
  for (const dispatcher of dispatchers) nodes.push(await dispatcherNode(reader, dispatcher, asked));
  return {
    supervisor: supervisor === null ? null : { id: 'supervisor', state: supervisor.state },
    dispatchers: nodes,
    notLive: source === null ? asked.notLive : null,
  };
}

async function dispatcherNode(
  reader: StoreReader,
  dispatcher: DispatcherEntry,
  asked: ActorsAsked,
): Promise<DispatcherNode> {
  const { uuid, representations, live } = dispatcher;
  const now = reader.now();
  const own = live === null ? null : (asked.source?.dispatcher(uuid) ?? null);
  const agents: AgentNode[] = [];
  for (const agent of dispatcher.agents) agents.push(await agentNode(reader, dispatcher, agent, asked));
  return {
    id: `dispatcher:${uuid}`,
    uuid,
    state: live?.state ?? null,
    record: recordState(representations, now),
    health: own === null ? null : steadyHealth(own),
    lastSignAt: lastSignOf(representations),
    pollAgeMs: own?.pollAgeMs ?? null,
    pollIntervalMs: own?.pollIntervalMs ?? null,
    polls: own === null ? [] : cellsOf(own, now, mostCells),
    agents,
  };
}

/** A dispatcher that is stopped misses no poll: its last one is the end. */
export function cellsOf(
  { polls, pollIntervalMs, health }: NonNullable<ReturnType<ActorSource['dispatcher']>>,
  now: number,
  most: number,
): DispatcherNode['polls'] {
  const [newest] = polls;
  const until = health === 'STOPPED' ? (newest?.timestamp.getTime() ?? now) : now;
  return pollCells(polls, pollIntervalMs, until, most);
}

/** A server is not asked for each agent of this process every second: they count what they hold. */
function heldCount(
  reader: StoreReader,
  { queue, dispatcher, name }: { readonly queue: string; readonly dispatcher: string; readonly name: string },
  live: LiveActor | null,
): Promise<number> | number {
  if (live !== null && !reader.exclusive) return Number(live.context.held);
  return reader.heldCount(queue, dispatcher, name);
}

async function agentNode(
  reader: StoreReader,
  dispatcher: DispatcherEntry,
  agent: AgentEntry,
  { open }: ActorsAsked,
): Promise<AgentNode> {
  const { queue, name, record, live } = agent;
  const id = `agent:${agent.id}`;
  const place = { queue, dispatcher: dispatcher.uuid, name };
  const at = open.indexOf(id);
  return {
    id,
    name,
    queue,
    state: live?.state ?? null,
    record: agentState(dispatcher, agent, reader.now()),
    held: await heldCount(reader, place, live),
    size: record?.size ?? Number(live?.context.size ?? 0),
    failure: failureOf(agent),
    jobs: at < 0 || at >= mostOpen ? null : await heldJobs(reader, place),
  };
}
