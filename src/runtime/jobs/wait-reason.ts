import type { Place } from '../../../machines/job.context.ts';
import { filterAcceptsLane, filterOfJob } from '../../model/jobs/filter.ts';
import { type AwaitedJob, likelyReason, type PossibleAgent } from '../../model/jobs/likely-reason.ts';
import { isDead } from '../../model/monitoring/liveness.ts';
import type { JobRecord, RepresentationRecord, Selection } from '../../model/records/records.ts';
import { statusOf, topOf } from '../commits/job-place.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { selectionText } from '../definitions/agent-settings.ts';
import type { Registry } from '../definitions/registry.ts';

/** What a TimeoutError says of the job that was waited for. */
export interface WaitReason {
  readonly got: string;
  readonly repair: string;
}

/** Reads how far a job is and why it is probably not further. Undefined when there is no such job. */
export async function waitReason(context: RuntimeContext, id: string): Promise<WaitReason | undefined> {
  const { store, registry } = context;
  const job = await store.get('job', id);
  if (job === undefined) return undefined;
  const status = await statusOf(store, job);
  const { parent } = await topOf(store, job);
  const isKnown = registry.definition(job.name) !== undefined;
  const [waits, holder] = [await waitsOf(context, job), await holderOf(context, parent)];
  const [reason, repair] = likelyReason({ job, status, now: store.now(), isKnown, waits, holder });
  const attempts = `${job.attempts} ${job.attempts === 1 ? 'attempt' : 'attempts'}`;
  return { got: `status ${status} after ${attempts}: ${reason}`, repair };
}

async function holderOf({ store }: RuntimeContext, parent: Place | null): Promise<AwaitedJob['holder']> {
  if (parent === null || !('queue' in parent) || !('agent' in parent)) return null;
  const { queue, dispatcher, agent } = parent;
  const record = await store.get('representation', `${queue}/${dispatcher}`);
  // Without a representation a program holds it: this one, by queue.claim().
  return { agent, dispatcher, isAlive: record === undefined || isAtWork(record, store.now()) };
}

async function waitsOf({ store, registry }: RuntimeContext, job: JobRecord): Promise<AwaitedJob['waits']> {
  const { parent } = job;
  if (parent === null || !('queue' in parent) || 'agent' in parent) return null;
  const { queue } = parent;
  const agents: PossibleAgent[] = [];
  const working = (await store.list('representation', `${queue}/`)).filter((each) =>
    isAtWork(each, store.now()),
  );
  for (const { dispatcher } of working) {
    const prefix = `${queue}/${dispatcher}/`;
    for (const { id, size, selection } of await store.list('agent', prefix)) {
      const name = id.slice(prefix.length);
      const held = await store.heldCount(queue, dispatcher, name);
      const accepts = isAccepted(registry, selection, job);
      agents.push({ name, size, held, accepts, selection: selectionText(selection) });
    }
  }
  const fullQuotas: string[] = [];
  for (const name of job.quotaNames) {
    const quota = await store.get('quota', `${queue}/${name}`);
    if (quota === undefined) continue;
    const holders = await store.quotaHolders(quota.id);
    if (holders.length >= quota.size && !holders.includes(job.id)) fullQuotas.push(name);
  }
  return { queue, dispatchers: working.length, agents, fullQuotas };
}

function isAtWork(record: RepresentationRecord, now: number): boolean {
  return record.state === 'activated' && !isDead(record, now);
}

function isAccepted(registry: Registry, selection: Selection, job: JobRecord): boolean {
  if (selection.kind === 'data') {
    const { filter } = selection;
    return filterAcceptsLane(filter, job.name, job.quotaNames) && (filterOfJob(filter)?.(job) ?? true);
  }
  if (selection.kind !== 'filter') return true;
  try {
    return registry.filter(selection.name).accepts(job);
  } catch {
    // Another process knows it, or it throws: then the poll of its agent says so.
    return true;
  }
}
