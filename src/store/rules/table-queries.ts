import { isOverdue } from '../../model/jobs/deadline.ts';
import { isReadable } from '../../model/jobs/step.ts';
import { queueOfLimit } from '../../model/records/keys.ts';
import type {
  AnnotationRecord,
  JobRecord,
  MessageRecord,
  ProxyRecord,
  ScheduleRecord,
} from '../../model/records/records.ts';
import type { Kind, Records } from '../entry.ts';
import type {
  ActorCount,
  ActorPage,
  ActorPageRequest,
  Callback,
  JobCounts,
  JobPage,
  JobPageRequest,
  LaneSummary,
  QueuePlace,
  RecordReader,
} from '../reader.ts';
import { actorsPage, deadLetters, dueActors, mailed, mailOf } from './actors/actor-reads.ts';
import { splitSubject } from './callback-index.ts';
import { waitingInOrder } from './claim-order.ts';
import { laneSummary, placeAmong } from './lists/queue-place.ts';
import { tableCounts, tablePage } from './lists/table-lists.ts';
import type { Tables } from './tables.ts';

/** The reads of a store that keeps its records in tables. */
export class TableQueries implements RecordReader {
  protected tables: Tables;

  readonly #now: number;

  constructor(tables: Tables, now = Number.POSITIVE_INFINITY) {
    this.tables = tables;
    this.#now = now;
  }

  /** What is due at this instant counts as due. */
  now(): number {
    return this.#now;
  }

  async get<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.tables.get(kind, id);
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    return this.tables.list(kind, prefix);
  }

  async waiting(queue: string, most = Number.POSITIVE_INFINITY): Promise<readonly JobRecord[]> {
    const { jobs, findJob } = this.tables;
    const found: JobRecord[] = [];
    for (const job of waitingInOrder(jobs.queues.lanes(queue), findJob, () =>
      this.tables.levelOrder(queue, this.now()),
    )) {
      if (found.length >= most) break;
      found.push(job);
    }
    return found;
  }

  async waitingCount(queue: string, name?: string): Promise<number> {
    return this.tables.jobs.queues.waitingCount(queue, name);
  }

  async lanes(queue: string): Promise<readonly LaneSummary[]> {
    const { jobs, findJob } = this.tables;
    return [...jobs.queues.lanes(queue)].map((lane) => laneSummary(lane, findJob));
  }

  async place(id: string): Promise<QueuePlace | null> {
    const { jobs, findJob } = this.tables;
    const job = findJob(id);
    if (job === undefined || !isReadable(job)) return null;
    const { parent } = job;
    if (parent === null || !('queue' in parent) || 'agent' in parent) return null;
    return placeAmong([...jobs.queues.lanes(parent.queue)], job, findJob, () =>
      this.tables.levelOrder(parent.queue, this.now()),
    );
  }

  async find(prefix: string, limit: number): Promise<readonly JobRecord[]> {
    return this.tables.find(prefix, limit);
  }

  async held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]> {
    const { jobs } = this.tables;
    const agents = agent === null ? jobs.holdingAgents(queue, dispatcher) : [agent];
    return agents.flatMap((name) => this.jobs(jobs.held(queue, dispatcher, name)));
  }

  async heldCount(queue: string, dispatcher: string, agent: string): Promise<number> {
    return this.tables.jobs.held(queue, dispatcher, agent).size;
  }

  async completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]> {
    return this.jobs(this.tables.jobs.filed(queue, dispatcher, agent)).reverse();
  }

  async callbacks(job: string): Promise<readonly Callback[]> {
    const { tables } = this;
    return tables.callbacks.of(job).map((subject) => {
      const [kind, id] = splitSubject(subject);
      return kind === 'proxy'
        ? { kind, record: tables.get('proxy', id) as ProxyRecord }
        : { kind, record: tables.get('job', id) as JobRecord };
    });
  }

  async branches(proxy: string): Promise<readonly JobRecord[]> {
    return this.jobs(this.tables.jobs.branches(proxy));
  }

  async referred(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(
      this.jobs(jobs)
        .filter((job) => this.tables.jobs.isReferred(job))
        .map(({ id }) => id),
    );
  }

  async waiters(jobs: readonly string[]): Promise<readonly JobRecord[]> {
    return jobs.flatMap((job) => this.jobs(this.tables.jobs.waiters(job)));
  }

  async parked(limit: string): Promise<number> {
    return this.tables.jobs.queues.parking(queueOfLimit(limit))?.parked(limit) ?? 0;
  }

  async quotaHolders(quota: string): Promise<readonly string[]> {
    return [...this.tables.jobs.quotaHolders(quota)];
  }

  async counts(): Promise<JobCounts> {
    return tableCounts(this.tables);
  }

  async jobsPage(request: JobPageRequest): Promise<JobPage> {
    return tablePage(this.tables, request, this.now());
  }

  async quarantined(): Promise<readonly JobRecord[]> {
    return this.jobs(this.tables.jobs.quarantined);
  }

  async orphans(): Promise<readonly JobRecord[]> {
    return this.jobs(this.tables.orphans());
  }

  async overdue(): Promise<readonly JobRecord[]> {
    const now = this.now();
    const held = [...this.tables.jobs.heldByAgent()].flatMap((ids) => this.jobs(ids));
    return held.filter((job) => isOverdue(job, now));
  }

  async annotations(job: string): Promise<readonly AnnotationRecord[]> {
    return this.tables
      .annotations(job)
      .map((name) => this.tables.get('annotation', `${job}/${name}`) as AnnotationRecord);
  }

  async annotated(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(jobs.filter((id) => this.tables.isAnnotated(id)));
  }

  async dueSchedules(now: number, most: number): Promise<readonly ScheduleRecord[]> {
    const found: ScheduleRecord[] = [];
    for (const id of this.tables.dueSchedules(now)) {
      if (found.length >= most) break;
      found.push(this.tables.get('schedule', id) as ScheduleRecord);
    }
    return found;
  }

  async due(since: number): Promise<number | null> {
    return this.tables.due(since);
  }

  async dueActors(machines: readonly string[], now: number, most: number): Promise<readonly string[]> {
    return dueActors(this.tables, machines, now, most);
  }

  async mailed(machines: readonly string[], after: string, most: number): Promise<readonly string[]> {
    return mailed(this.tables, machines, after, most);
  }

  async mail(actor: string, most: number): Promise<readonly MessageRecord[]> {
    return mailOf(this.tables, actor, most);
  }

  async mailCount(actor: string): Promise<number> {
    return this.tables.mail.count(actor);
  }

  async actorsPage(request: ActorPageRequest): Promise<ActorPage> {
    return actorsPage(this.tables, request);
  }

  async actorCounts(): Promise<readonly ActorCount[]> {
    return this.tables.actors.counts();
  }

  async deadLetters(most: number): Promise<readonly MessageRecord[]> {
    return deadLetters(this.tables, most);
  }

  protected jobs(ids: Iterable<string>): JobRecord[] {
    const jobs: JobRecord[] = [];
    for (const id of ids) {
      const job = this.tables.findJob(id);
      if (job !== undefined) jobs.push(job);
    }
    return jobs;
  }
}
