import { isAgentPlace } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import type {
  AnnotationRecord,
  JobRecord,
  ProxyRecord,
  QueueRecord,
  QuotaRecord,
  UniqueRecord,
} from '../../model/records/records.ts';
import type { Kind } from '../entry.ts';
import type { Change } from '../store.ts';

/** The records to copy. Jobs are released: no process holds them. */
export interface ExportSelection {
  /** How many waiting jobs of the queue were found, at most the limit. */
  readonly waiting: number;
  readonly jobs: readonly JobRecord[];
  readonly proxies: readonly ProxyRecord[];
  readonly annotations: readonly AnnotationRecord[];
  readonly queues: readonly QueueRecord[];
  readonly quotas: readonly QuotaRecord[];
  /** The unique names that the jobs have taken. */
  readonly names: readonly UniqueRecord[];
  /** The mark of the codec that the values are encoded with; null without a codec. */
  readonly codec: Json;
  /** Jobs that are referred to and not copied: this version cannot read them. */
  readonly unreadable: number;
}

/**
 * What the copy writes itself: numbers of its own journal, and the opening and the fencing token of its own
 * claims. And what it does not have: the actors that get the outcomes of jobs.
 */
const ownKeys: ReadonlySet<string> = new Set([
  'id',
  'v',
  'rev',
  'lastSeq',
  'createdSeq',
  'position',
  'state',
  'epoch',
  'claim',
  'reply',
]);
const blank = newJobRecord('', { name: '' }) as unknown as Readonly<Record<string, unknown>>;

/**
 * A job as it is when no process holds it. One that an agent had claimed waits in its queue again, a callback
 * that runs starts over, and a job that has its outcome belongs to no agent.
 */
export function released(job: JobRecord): JobRecord {
  const { parent, state } = job;
  const hasBegun = state === 'assigned' || state.startsWith('active');
  if (parent === null || !hasBegun) {
    return parent !== null && isAgentPlace(parent) ? { ...job, parent: null, line: null } : job;
  }
  const idle = { activeStart: null, waitingOn: null, quotas: [] };
  if (isAgentPlace(parent)) {
    const place = { parent: { queue: parent.queue }, line: 'now' as const };
    return { ...job, ...idle, ...place, state: 'pending' };
  }
  return 'system' in parent ? job : { ...job, ...idle, state: 'new' };
}

/**
 * The changes that write a selection to an empty store. Jobs and proxies are written in the order of their
 * places: the new store numbers them in that order, so every queue and every list of callbacks keeps its
 * order.
 */
export function* exportChanges(selection: ExportSelection): Generator<Change> {
  const { codec, queues, quotas, jobs, proxies, annotations, names } = selection;
  if (codec !== null) yield made('store', 'store', 'codec.set', { codec });
  for (const { id, v, rev, lastSeq, ...settings } of queues)
    yield made('queue', id, 'queue.created', settings as unknown as Record<string, Json>);
  for (const { id, size, rate, keyed, pinned } of quotas) {
    const limits = { ...(rate === null ? {} : { rate: { ...rate } }), ...(keyed ? { keyed } : {}) };
    yield made('quota', id, 'quota.created', { size, ...limits, pinned });
  }
  const placed = [
    ...jobs.map((job) => [placeOf(job), jobChange(job)] as const),
    ...proxies.map((proxy) => [proxy.createdSeq, proxyChange(proxy)] as const),
  ];
  for (const [, change] of placed.sort(([one], [other]) => one - other)) yield change;
  for (const { id, value } of annotations) yield made('annotation', id, 'annotation.set', { value });
  for (const { id, job, at, untilStart, until } of names)
    yield made('unique', id, 'unique.taken', { job, at, untilStart, until });
}

/** Its place among its like: the number of the entry that put it there. */
function placeOf({ line, position, lastSeq }: JobRecord): number {
  return line === null ? lastSeq : position;
}

function jobChange(job: JobRecord): Change {
  const patch: Record<string, Json> = {};
  for (const [key, value] of Object.entries(job)) {
    if (!ownKeys.has(key) && JSON.stringify(value) !== JSON.stringify(blank[key])) patch[key] = value as Json;
  }
  return { ...made('job', job.id, 'job.exported', patch), to: job.state };
}

function proxyChange({ id, v, rev, lastSeq, createdSeq, ...patch }: ProxyRecord): Change {
  return made('proxy', id, 'proxy.exported', patch as unknown as Record<string, Json>);
}

function made(kind: Kind, id: string, event: string, patch: Record<string, Json>): Change {
  return { kind, id, event, from: null, to: null, patch };
}
