import { selectionText } from '../../../model/jobs/filter.ts';
import type { AgentRecord } from '../../../model/records/records.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type {
  ActorDetail,
  AgentFacts,
  DispatcherFacts,
  MachineNow,
  ThreadsView,
} from '../../protocol/actors.ts';
import type { PossibleEvent } from '../../protocol/job.ts';
import { cut } from '../values/failure-view.ts';
import type { ActorSource, LiveActor, LiveDispatcher } from './actor-source.ts';
import { cellsOf } from './actors-view.ts';
import { edgesFrom, graphOf } from './graphs.ts';
import { heldJobs } from './held-jobs.ts';
import { pollDetail, steadyHealth } from './poll-cells.ts';
import {
  type AgentEntry,
  agentState,
  type DispatcherEntry,
  failureOf,
  lastSignOf,
  recordState,
  rosterOf,
  stateOf,
  whyNotLive,
} from './roster.ts';

/** Events that the code of a program sends; the runtime sends the others. */
const ofCode: readonly string[] = [
  'box.stop',
  'dispatcher.activate',
  'dispatcher.deactivate',
  'dispatcher.abandon',
];

/** What the page of one actor is made from. */
export interface ActorAsked {
  /** Null: live machines are not recorded. */
  readonly source: ActorSource | null;
  /** Why, in a sentence, when `source` is null. */
  readonly notLive: string;
  /** The key of the poll that is looked at. */
  readonly poll: string | null;
}

const nothing = { dispatcher: null, queue: null, machine: null, agent: null, dispatching: null } as const;

/** Everything about one actor: its live machine, and what its records say. */
export async function actorView(reader: StoreReader, id: string, asked: ActorAsked): Promise<ActorDetail> {
  const { source, notLive } = asked;
  const { supervisor, dispatchers } = await rosterOf(reader, source);
  if (id === 'supervisor') {
    const machine = machineNow(source, supervisor, reader.now());
    return {
      ...nothing,
      id,
      kind: 'supervisor',
      name: id,
      machine,
      notLive: machine === null ? notLive : null,
    };
  }
  for (const dispatcher of dispatchers) {
    if (id === `dispatcher:${dispatcher.uuid}`) return dispatcherDetail(reader, id, dispatcher, asked);
    const agent = dispatcher.agents.find((each) => id === `agent:${each.id}`);
    if (agent !== undefined) return agentDetail(reader, id, dispatcher, agent, asked);
  }
  return {
    ...nothing,
    id,
    kind: null,
    name: id,
    notLive: 'There is no live machine and no record of this name.',
  };
}

async function dispatcherDetail(
  reader: StoreReader,
  id: string,
  entry: DispatcherEntry,
  { source, notLive, poll }: ActorAsked,
): Promise<ActorDetail> {
  const { uuid, representations, live } = entry;
  const now = reader.now();
  const own = live === null ? null : (source?.dispatcher(uuid) ?? null);
  const dispatching: DispatcherFacts = {
    record: recordState(representations, now),
    health: own === null ? null : steadyHealth(own),
    pollAgeMs: own?.pollAgeMs ?? null,
    pollIntervalMs: own?.pollIntervalMs ?? null,
    uptimeMs: own?.uptimeMs ?? null,
    lastSignAt: lastSignOf(representations),
    polls: own === null ? [] : cellsOf(own, now, Number.POSITIVE_INFINITY),
    poll: own === null || poll === null ? null : pollDetail(own.polls, poll),
    queues: representations.map((record) => ({
      queue: record.queue,
      state: stateOf(record, now),
      lastSignAt: lastSignOf([record]),
      agents: entry.agents.filter(({ queue }) => queue === record.queue).length,
    })),
  };
  return {
    ...nothing,
    id,
    kind: 'dispatcher',
    name: uuid,
    dispatcher: uuid,
    machine: machineNow(source, live, now),
    notLive: source === null ? notLive : whyNotLive(entry, live !== null, now),
    dispatching,
  };
}

function takenText({ selection, thread }: AgentRecord): string {
  return `${selectionText(selection)}${thread == null ? '' : ', in worker threads'}`;
}

async function agentDetail(
  reader: StoreReader,
  id: string,
  dispatcher: DispatcherEntry,
  entry: AgentEntry,
  { source, notLive }: ActorAsked,
): Promise<ActorDetail> {
  const { uuid } = dispatcher;
  const { queue, name, record, live } = entry;
  const now = reader.now();
  const agent: AgentFacts = {
    record: agentState(dispatcher, entry, now),
    held: await reader.heldCount(queue, uuid, name),
    size: record?.size ?? Number(live?.context.size ?? 0),
    liveSize: live === null ? null : Number(live.context.size),
    selection: record === null ? 'nothing any more: its record is gone' : takenText(record),
    isPinned: record?.pinned ?? false,
    failure: failureOf(entry),
    jobs: await heldJobs(reader, { queue, dispatcher: uuid, name }),
    threads: threadsView(entry, live === null ? null : (source?.dispatcher(uuid) ?? null)),
  };
  return {
    ...nothing,
    id,
    kind: 'agent',
    name,
    dispatcher: uuid,
    queue,
    machine: machineNow(source, live, now),
    notLive: source === null ? notLive : whyNotLive(dispatcher, live !== null, now),
    agent,
  };
}

function threadsView({ queue, name, record }: AgentEntry, own: LiveDispatcher | null): ThreadsView | null {
  if (record?.thread == null) return null;
  const { maxHeapMb, idle: idleMs, maxJobs } = record.thread;
  const { busy, idle, started } =
    own?.threads.find((each) => each.queue === queue && each.agent === name) ?? none;
  return { now: own === null ? null : { busy, idle, started }, maxHeapMb, idleMs, maxJobs };
}

const none = { busy: 0, idle: 0, started: 0 };

function machineNow(source: ActorSource | null, live: LiveActor | null, now: number): MachineNow | null {
  if (source === null || live === null) return null;
  const { machine: chart, state, context } = live;
  const { version } = graphOf(chart);
  return {
    chart,
    version: version ?? '',
    state,
    ...source.trace(live, now),
    next: nextOf(live),
    context: Object.entries(context).map(([key, value]) => [key, cut(String(value), 200)] as const),
  };
}

/** What its chart has for the state. Which of several ways of one event is taken, its guards say when it comes. */
function nextOf({ machine, state }: LiveActor): readonly PossibleEvent[] {
  return edgesFrom(graphOf(machine), state).map(({ source, event, guard, target }) => ({
    source,
    event,
    guard,
    target,
    to: target ?? state,
    by: ofCode.includes(event) ? 'code' : 'runtime',
    isOpen: true,
    guards: [],
    why: null,
  }));
}
