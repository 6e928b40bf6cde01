import { isDead } from '../../../model/monitoring/liveness.ts';
import type { AgentRecord, RepresentationRecord } from '../../../model/records/records.ts';
import { isAtWork } from '../../../reading/agent-conditions.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { AgentSlots, DispatcherRow, QueueRow, QuotaSlots } from '../../protocol/overview.ts';
import type { ActorSource, LiveDispatcher } from '../actors/actor-source.ts';
import { steadyHealth } from '../actors/poll-cells.ts';
import { cut } from '../values/failure-view.ts';

/** The queues of a store, with their quotas and agents. */
export async function queueRows(reader: StoreReader): Promise<readonly QueueRow[]> {
  const now = reader.now();
  const rows: QueueRow[] = [];
  for (const { id: name } of await reader.list('queue', '')) {
    const agents = await agentSlots(reader, name);
    const [first] = await reader.waiting(name, 1);
    const due = first?.beginAfter ?? null;
    rows.push({
      name,
      waiting: { n: await reader.waitingCount(name), more: false },
      held: agents.reduce((sum, { held }) => sum + held, 0),
      oldestMs: due === null || due > now ? null : now - due,
      quotas: await quotaSlots(reader, name),
      agents,
    });
  }
  return rows;
}

/** The slots of the quotas of a queue that have a size, and no keys. */
export async function quotaSlots(reader: StoreReader, queue: string): Promise<readonly QuotaSlots[]> {
  const slots: QuotaSlots[] = [];
  for (const { id, size, keyed } of await reader.list('quota', `${queue}/`)) {
    if (size === null || keyed) continue;
    slots.push({ name: id.slice(queue.length + 1), taken: (await reader.quotaHolders(id)).length, size });
  }
  return slots;
}

/** The slots of the agents of a queue. */
export async function agentSlots(reader: StoreReader, queue: string): Promise<readonly AgentSlots[]> {
  const representations = await reader.list('representation', `${queue}/`);
  const slots: AgentSlots[] = [];
  for (const record of await reader.list('agent', `${queue}/`)) {
    const [dispatcher = '', name = ''] = record.id.slice(queue.length + 1).split('/');
    const held = await reader.heldCount(queue, dispatcher, name);
    const of = representations.find((each) => each.dispatcher === dispatcher);
    slots.push({ queue, dispatcher, name, held, ...agentState(record, of, reader.now()) });
  }
  return slots;
}

function agentState(
  { size, failure }: AgentRecord,
  representation: RepresentationRecord | undefined,
  now: number,
): Pick<AgentSlots, 'size' | 'state' | 'failure'> {
  const isGone = representation?.state === 'activated' && isDead(representation, now);
  const state = isAtWork(representation, now) ? 'at work' : isGone ? 'dead' : 'not at work';
  return { size, state, failure: failure === null ? null : cut(`${failure.name}: ${failure.message}`, 200) };
}

/** The dispatchers of a store, those at work first. Pure but for the reads. */
export async function dispatcherRows(
  reader: StoreReader,
  queues: readonly QueueRow[],
  source: ActorSource | null,
): Promise<readonly DispatcherRow[]> {
  const now = reader.now();
  const agents = queues.flatMap((queue) => queue.agents);
  const rows = new Map<string, DispatcherRow>();
  for (const record of await reader.list('representation', '')) {
    const { dispatcher: uuid, queue } = record;
    const known = rows.get(uuid);
    const state = stateOf(record, now);
    const own = agents.filter((agent) => agent.dispatcher === uuid);
    rows.set(uuid, {
      uuid,
      // One that is at work in any queue is at work.
      state: known !== undefined && rank(known.state) < rank(state) ? known.state : state,
      lateMs: lateOf(source?.dispatcher(uuid) ?? null),
      lastSignAt: latest(known?.lastSignAt ?? null, record.lastPing ?? record.activated),
      held: own.reduce((sum, { held }) => sum + held, 0),
      agents: own.map((agent) => `${agent.queue}/${agent.name}`),
      queues: [...(known?.queues ?? []), queue],
    });
  }
  return [...rows.values()].sort(
    (one, other) => rank(one.state) - rank(other.state) || (one.uuid < other.uuid ? -1 : 1),
  );
}

function lateOf(dispatcher: LiveDispatcher | null): number | null {
  if (dispatcher === null || steadyHealth(dispatcher) !== 'STUCK') return null;
  return (dispatcher.pollAgeMs ?? 0) - dispatcher.pollIntervalMs;
}

function stateOf(record: RepresentationRecord, now: number): DispatcherRow['state'] {
  if (record.state === 'activated') return isDead(record, now) ? 'dead' : 'at work';
  return record.state === 'registered' ? 'registered' : 'deactivated';
}

const states: readonly DispatcherRow['state'][] = ['at work', 'dead', 'registered', 'deactivated'];

function rank(state: DispatcherRow['state']): number {
  return states.indexOf(state);
}

function latest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
