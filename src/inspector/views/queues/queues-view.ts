import { isInForce } from '../../../model/jobs/pauses.ts';
import type { JobRecord, PauseMark } from '../../../model/records/records.ts';
import { Blockers } from '../../../reading/blocker.ts';
import type { KnownNames } from '../../../reading/explanation.ts';
import type { LaneSummary, StoreReader } from '../../../store/reader.ts';
import type { Count } from '../../protocol/answer.ts';
import type {
  LineName,
  PauseView,
  QueueLine,
  QueueState,
  QueuesView,
  QueueView,
  WaitingRow,
} from '../../protocol/queues.ts';
import { agentSlots, quotaSlots } from '../overview/queue-rows.ts';
import { type Recent, recentlyEnded, windowMs } from '../overview/recent.ts';
import { lanesView } from './lanes-view.ts';
import { limitViews } from './limits-view.ts';
import { quotaView } from './quota-view.ts';
import { startsByQueue } from './starts.ts';
import { takesText } from './takes-text.ts';

/** How many waiting jobs are shown. */
const mostWaiting = 100;
/** How many jobs that ended lately are looked at, for starts and medians. */
const mostEnded = 2000;

/** All queues, a line each. */
export async function queuesView(reader: StoreReader, names: KnownNames | null): Promise<QueuesView> {
  const recent = await recentlyEnded(reader, reader.now() - windowMs, mostEnded);
  const starts = await startsByQueue(reader, recent);
  const blockers = new Blockers(reader, names);
  const queues: QueueLine[] = [];
  for (const { id: name } of await reader.list('queue', '')) {
    const lanes = await reader.lanes(name);
    const agents = await agentSlots(reader, name);
    const [first] = await reader.waiting(name, 1);
    const blocker = first === undefined ? null : await blockers.of(first);
    const isCut = lanes.some((lane) => lane.isCut);
    queues.push({
      ...(await stateOf(reader, name, lanes, agents, starts)),
      lanes: {
        n: new Set(lanes.map((lane) => `${lane.name} ${lane.quotaNames.join(' ')}`)).size,
        more: isCut,
      },
      quotas: await quotaSlots(reader, name),
      agents,
      first: first === undefined || blocker === null ? null : { ...blocker, job: first.id },
    });
  }
  return { queues };
}

/** One queue: in which order its jobs are offered, and what holds each up. Undefined: there is none of that name. */
export async function queueView(
  reader: StoreReader,
  name: string,
  names: KnownNames | null,
): Promise<QueueView | undefined> {
  if ((await reader.get('queue', name)) === undefined) return undefined;
  const recent = await recentlyEnded(reader, reader.now() - windowMs, mostEnded);
  const starts = await startsByQueue(reader, recent);
  const lanes = await reader.lanes(name);
  const blockers = new Blockers(reader, names);
  const facts = await blockers.queue(name);
  const slots = await agentSlots(reader, name);
  const quotas = await quotaViews(reader, blockers, name, lanes, recent);
  return {
    ...(await stateOf(reader, name, lanes, slots, starts)),
    order: await firstWaiting(reader, name, blockers),
    lines: {
      putBack: sum(lanes, ({ putBack }) => putBack),
      now: sum(lanes, ({ now }) => now),
      held: sum(lanes, ({ held }) => held),
    },
    lanes: lanesView(lanes, facts, quotas),
    quotas,
    limits: await limitViews(reader, await reader.list('quota', `${name}/`), name),
    agents: slots.map((agent, index) => ({
      ...agent,
      takes: takesText(facts.agents[index]?.record.selection ?? { kind: 'any' }),
      paused: pauseOfAgent(facts.agents[index]?.record.paused ?? null, reader.now()),
    })),
  };
}

async function stateOf(
  reader: StoreReader,
  name: string,
  lanes: readonly LaneSummary[],
  agents: QueueLine['agents'],
  starts: ReadonlyMap<string, number>,
): Promise<QueueState> {
  const oldest = lanes.flatMap(({ oldestAt }) => oldestAt ?? []);
  const record = await reader.get('queue', name);
  const pauses = (record?.pauses ?? []).filter((pause) => isInForce(pause, reader.now()));
  const waitedMs = oldest.length === 0 ? -1 : reader.now() - Math.min(...oldest);
  return {
    name,
    state: stateWord(pauses, agents),
    pauses,
    waiting: await waitingCount(reader, name, lanes),
    held: agents.reduce((all, { held }) => all + held, 0),
    oldestMs: waitedMs < 0 ? null : waitedMs,
    startsPerMinute: starts.get(name) ?? 0,
  };
}

function stateWord(pauses: QueueState['pauses'], agents: QueueLine['agents']): QueueState['state'] {
  if (pauses.some(({ job }) => job === null)) return 'paused';
  return agents.some(({ state }) => state === 'at work') ? 'open' : 'no agent at work';
}

/** Lanes know their lengths, unless a store looks at the first jobs only. */
async function waitingCount(
  reader: StoreReader,
  name: string,
  lanes: readonly LaneSummary[],
): Promise<Count> {
  if (lanes.some(({ isCut }) => isCut)) return { n: await reader.waitingCount(name), more: false };
  return { n: sum(lanes, ({ putBack, now, held }) => putBack + now + held), more: false };
}

async function firstWaiting(
  reader: StoreReader,
  name: string,
  blockers: Blockers,
): Promise<readonly WaitingRow[]> {
  const rows: WaitingRow[] = [];
  for (const job of await reader.waiting(name, mostWaiting)) {
    const blocker = await blockers.of(job);
    if (blocker === null) continue;
    const { id, attempts, beginAfter } = job;
    rows.push({ id, name: job.name, line: lineOf(job), attempts, dueAt: beginAfter ?? 0, blocker });
  }
  return rows;
}

async function quotaViews(
  reader: StoreReader,
  blockers: Blockers,
  queue: string,
  lanes: readonly LaneSummary[],
  recent: Recent,
): Promise<QueueView['quotas']> {
  const views: QueueView['quotas'][number][] = [];
  for (const { id } of await reader.list('quota', `${queue}/`)) {
    const quota = await blockers.quota(id);
    if (quota !== undefined && quota.record.size !== null && !quota.record.keyed)
      views.push(await quotaView(reader, queue, quota, lanes, recent));
  }
  return views;
}

function pauseOfAgent(mark: PauseMark | null, now: number): PauseView | null {
  return mark === null || !isInForce(mark, now) ? null : { job: null, ...mark };
}

function lineOf({ line }: JobRecord): LineName {
  return line === 'putBack' || line === 'held' ? line : 'now';
}

function sum(lanes: readonly LaneSummary[], of: (lane: LaneSummary) => number): number {
  return lanes.reduce((all, lane) => all + of(lane), 0);
}
