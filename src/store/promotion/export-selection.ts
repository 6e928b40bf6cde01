import type { Json } from '../../../machines/json.ts';
import { isReadable } from '../../model/jobs/step.ts';
import { limitNames } from '../../model/records/keys.ts';
import type {
  AnnotationRecord,
  JobRecord,
  ProxyRecord,
  QuotaRecord,
  UniqueRecord,
} from '../../model/records/records.ts';
import { referredJobs } from '../../model/values/values.ts';
import type { OpenStore } from '../store.ts';
import { type ExportSelection, released } from './export-changes.ts';

/** The reads that an export needs of its source. */
export type ExportSource = Pick<
  OpenStore,
  'get' | 'list' | 'waiting' | 'callbacks' | 'branches' | 'annotated' | 'annotations'
>;

/** Collects jobs and everything that they refer to, until nothing new is found. */
export class ExportCollector {
  readonly #source: ExportSource;
  readonly #jobs = new Map<string, JobRecord>();
  readonly #proxies = new Map<string, ProxyRecord>();
  readonly #annotations: AnnotationRecord[] = [];
  readonly #unreadable = new Set<string>();
  /** Jobs whose own references were not followed yet. */
  #wave: JobRecord[] = [];

  constructor(source: ExportSource) {
    this.#source = source;
  }

  /** Selects the first waiting jobs of a queue, which exists. */
  async select(queue: string, limit: number): Promise<ExportSelection> {
    const first = await this.#source.waiting(queue, limit);
    for (const job of first) this.#add(job);
    while (this.#wave.length > 0) await this.#follow(this.#wave.splice(0));
    const jobs = [...this.#jobs.values()];
    const names = new Set([
      queue,
      ...jobs.flatMap(({ parent }) => (parent && 'queue' in parent ? parent.queue : [])),
    ]);
    return {
      waiting: first.length,
      jobs,
      proxies: [...this.#proxies.values()],
      annotations: this.#annotations,
      queues: (await this.#source.list('queue', '')).filter(({ id }) => names.has(id)),
      quotas: await this.#quotasOf(names, new Set(jobs.flatMap(limitsOf))),
      names: await this.#namesOf(jobs),
      codec: (await this.#source.get('store', 'store'))?.codec ?? null,
      unreadable: this.#unreadable.size,
    };
  }

  async #follow(jobs: readonly JobRecord[]): Promise<void> {
    const annotated = await this.#source.annotated(jobs.map(({ id }) => id));
    for (const job of jobs) {
      for (const callback of await this.#source.callbacks(job.id)) {
        if (callback.kind === 'job') this.#add(callback.record);
        else await this.#addProxy(callback.record);
      }
      const annotations = annotated.has(job.id) ? await this.#source.annotations(job.id) : [];
      this.#annotations.push(...annotations);
      const values = [
        job.args,
        job.retryData,
        job.outcome,
        job.lastFailure,
        annotations.map(({ value }) => value),
      ];
      for (const id of [...placesOf(job), ...referredJobs(values as unknown as Json)])
        await this.#addById(id);
      if (job.parent !== null && 'proxy' in job.parent) await this.#addProxyById(job.parent.proxy);
    }
  }

  #add(job: JobRecord): void {
    if (this.#jobs.has(job.id)) return;
    if (!isReadable(job)) {
      this.#unreadable.add(job.id);
      return;
    }
    const copy = released(job);
    this.#jobs.set(job.id, copy);
    this.#wave.push(copy);
  }

  async #addById(id: string): Promise<void> {
    if (this.#jobs.has(id)) return;
    const job = await this.#source.get('job', id);
    if (job !== undefined) this.#add(job);
  }

  async #addProxyById(id: string): Promise<void> {
    if (this.#proxies.has(id)) return;
    const proxy = await this.#source.get('proxy', id);
    if (proxy !== undefined) await this.#addProxy(proxy);
  }

  async #addProxy(proxy: ProxyRecord): Promise<void> {
    if (this.#proxies.has(proxy.id)) return;
    this.#proxies.set(proxy.id, proxy);
    for (const branch of await this.#source.branches(proxy.id)) this.#add(branch);
    if ('job' in proxy.parent) await this.#addById(proxy.parent.job);
  }

  async #namesOf(jobs: readonly JobRecord[]): Promise<readonly UniqueRecord[]> {
    const names: UniqueRecord[] = [];
    for (const { id, uniqueKey } of jobs) {
      const name = uniqueKey === null ? undefined : await this.#source.get('unique', uniqueKey);
      if (name?.job === id) names.push(name);
    }
    return names;
  }

  async #quotasOf(queues: ReadonlySet<string>, names: ReadonlySet<string>): Promise<readonly QuotaRecord[]> {
    const quotas: QuotaRecord[] = [];
    for (const queue of queues) {
      const prefix = `${queue}/`;
      const found = names.size === 0 ? [] : await this.#source.list('quota', prefix);
      quotas.push(...found.filter(({ id }) => names.has(id.slice(prefix.length))));
    }
    return quotas;
  }
}

/** Names of the quotas of a job, those of its keys among them. */
function limitsOf({ quotaNames, keys }: JobRecord): readonly string[] {
  return keys === null ? quotaNames : [...quotaNames, ...limitNames(keys)];
}

/**
 * Jobs that the place of a job names: its parent, the system job that handles it, the job that it waits for.
 */
function placesOf({ parent, waitingOn }: JobRecord): readonly string[] {
  const ids = waitingOn === null || waitingOn === 'promise' ? [] : [waitingOn];
  if (parent !== null && 'job' in parent) ids.push(parent.job);
  if (parent !== null && 'system' in parent) ids.push(parent.system);
  return ids;
}
