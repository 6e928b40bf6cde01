import type { AgentRecord, JobRecord, QuotaRecord, RepresentationRecord } from '../model/records/records.ts';
import type { StoreReader } from '../store/reader.ts';
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

/** What is read to explain a job that waits in a queue. */
export interface WaitingFacts {
  readonly job: JobRecord;
  readonly queue: string;
  readonly now: number;
  /** What this process knows; null: it has no part in the work, as a reader of a closed store. */
  readonly names: KnownNames | null;
  /** Whether other processes may share the store. */
  readonly isShared: boolean;
  readonly representations: readonly RepresentationRecord[];
  readonly agents: readonly AgentFacts[];
  readonly quotas: readonly QuotaFacts[];
  /** How many jobs are offered before it; null: more than were looked at. */
  readonly before: number | null;
}

/** How many jobs of a queue are looked at to find the place of one: as a rule the first ones are asked about. */
const fewPlaces = 200;
const maxPlaces = 10_000;

/** Reads what explains a job that waits in a queue. */
export async function waitingFacts(
  reader: StoreReader,
  job: JobRecord,
  queue: string,
  names: KnownNames | null,
): Promise<WaitingFacts> {
  const representations = await reader.list('representation', `${queue}/`);
  const agents: AgentFacts[] = [];
  for (const record of await reader.list('agent', `${queue}/`)) {
    const [dispatcher = '', name = ''] = record.id.slice(queue.length + 1).split('/');
    const representation = representations.find((each) => each.dispatcher === dispatcher);
    agents.push({ record, representation, held: await reader.heldCount(queue, dispatcher, name) });
  }
  const quotas: QuotaFacts[] = [];
  for (const name of new Set(job.quotaNames)) {
    const record = await reader.get('quota', `${queue}/${name}`);
    if (record !== undefined) quotas.push({ record, holders: await reader.quotaHolders(record.id) });
  }
  const { exclusive } = reader;
  const now = reader.now();
  return {
    job,
    queue,
    now,
    names,
    isShared: !exclusive,
    representations,
    agents,
    quotas,
    before: await placeOf(reader, queue, job.id),
  };
}

/** How many jobs are offered before one; null: more than are looked at. */
async function placeOf(reader: StoreReader, queue: string, id: string): Promise<number | null> {
  const first = await reader.waiting(queue, fewPlaces);
  const at = first.findIndex((job) => job.id === id);
  if (at >= 0) return at;
  const more = first.length < fewPlaces ? first : await reader.waiting(queue, maxPlaces + 1);
  const place = more.findIndex((job) => job.id === id);
  return place < 0 ? null : place;
}
