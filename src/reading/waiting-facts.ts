import { type LimitState, openLimit } from '../model/jobs/rate.ts';
import { limitId, quotaOfLimit } from '../model/records/keys.ts';
import type {
  AgentRecord,
  JobRecord,
  QueueRecord,
  QuotaRecord,
  RepresentationRecord,
} from '../model/records/records.ts';
import type { QueuePlace, StoreReader } from '../store/reader.ts';
import type { KnownNames } from './explanation.ts';

/** An agent of the queue in which a job waits. */
export interface AgentFacts {
  readonly record: AgentRecord;
  readonly representation: RepresentationRecord | undefined;
  readonly held: number;
}

/** A quota that a job names, or one key of it. */
export interface QuotaFacts {
  /** `<queue>/<name>`, of a key `<queue>/<name>/<key>`. */
  readonly id: string;
  readonly record: QuotaRecord;
  readonly state: LimitState;
  /** Ids of the jobs that hold its slots. */
  readonly holders: readonly string[];
}

/** What is read of a queue to explain the jobs that wait in it. */
export interface QueueFacts {
  readonly queue: string;
  /** Its settings; undefined: there is no such queue. */
  readonly settings: QueueRecord | undefined;
  readonly now: number;
  /** What this process knows; null: it has no part in the work, as a reader of a closed store. */
  readonly names: KnownNames | null;
  /** Whether other processes may share the store. */
  readonly isShared: boolean;
  readonly representations: readonly RepresentationRecord[];
  readonly agents: readonly AgentFacts[];
}

/** What is read to explain a job that waits in a queue. */
export interface WaitingFacts extends QueueFacts {
  readonly job: JobRecord;
  readonly quotas: readonly QuotaFacts[];
  /** How many jobs are offered before it; null: that was not asked. */
  readonly before: QueuePlace | null;
}

/** Reads what explains a job that waits in a queue. */
export async function waitingFacts(
  reader: StoreReader,
  job: JobRecord,
  queue: string,
  names: KnownNames | null,
): Promise<WaitingFacts> {
  const quotas: QuotaFacts[] = [];
  for (const id of limitsOf(job, queue)) {
    const quota = await quotaFacts(reader, id);
    if (quota !== undefined) quotas.push(quota);
  }
  return { ...(await queueFacts(reader, queue, names)), job, quotas, before: await reader.place(job.id) };
}

/** Reads what explains any job that waits in a queue. */
export async function queueFacts(
  reader: StoreReader,
  queue: string,
  names: KnownNames | null,
): Promise<QueueFacts> {
  const representations = await reader.list('representation', `${queue}/`);
  const agents: AgentFacts[] = [];
  for (const record of await reader.list('agent', `${queue}/`)) {
    const [dispatcher = '', name = ''] = record.id.slice(queue.length + 1).split('/');
    const representation = representations.find((each) => each.dispatcher === dispatcher);
    agents.push({ record, representation, held: await reader.heldCount(queue, dispatcher, name) });
  }
  const { exclusive } = reader;
  const settings = await reader.get('queue', queue);
  return { queue, settings, now: reader.now(), names, isShared: !exclusive, representations, agents };
}

/** Ids of the quotas and the keys that a job names in a queue, each once. */
export function limitsOf({ quotaNames, keys }: JobRecord, queue: string): Iterable<string> {
  return new Set([...quotaNames, ...(keys ?? [])].map((name) => limitId(queue, name)));
}

/** Reads a quota, or one key of it, with its holders; undefined: there is none. */
export async function quotaFacts(reader: StoreReader, id: string): Promise<QuotaFacts | undefined> {
  const quotaId = quotaOfLimit(id);
  const record = await reader.get('quota', quotaId);
  if (record === undefined || record.keyed !== (id !== quotaId)) return undefined;
  const state = (await reader.get('limit', id)) ?? openLimit;
  return { id, record, state, holders: await reader.quotaHolders(id) };
}
