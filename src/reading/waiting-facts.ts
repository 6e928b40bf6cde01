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

/** A quota that a job names. */
export interface QuotaFacts {
  readonly record: QuotaRecord;
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
  for (const name of new Set(job.quotaNames)) {
    const quota = await quotaFacts(reader, `${queue}/${name}`);
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

/** Reads a quota with its holders; undefined: there is none. */
export async function quotaFacts(reader: StoreReader, id: string): Promise<QuotaFacts | undefined> {
  const record = await reader.get('quota', id);
  return record === undefined ? undefined : { record, holders: await reader.quotaHolders(id) };
}
