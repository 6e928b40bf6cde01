import { isOverdue } from '../../../model/jobs/deadline.ts';
import { queueOfLimit } from '../../../model/records/keys.ts';
import type {
  AnnotationRecord,
  JobRecord,
  MessageRecord,
  ScheduleRecord,
} from '../../../model/records/records.ts';
import type { Kind, Records as RecordsByKind } from '../../entry.ts';
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
} from '../../reader.ts';
import { recordOf } from '../commits/working-set.ts';
import { storeError } from '../failures.ts';
import type { Openings } from '../opening/openings.ts';
import { borrowed, type SqlConnection } from '../sql-port.ts';
import { actorCounts, actorsPage, deadLetters, dueActors, mailCount, mailed, mailOf } from './actors.ts';
import { counts } from './counts.ts';
import { leftBehind } from './left.ts';
import { completedOf, jobsPage, quarantined } from './lists.ts';
import { openingOf } from './openings.ts';
import { firstOf, laneSummaries, place, waitingCount } from './queues.ts';
import {
  eachJob,
  heldColumns,
  heldIn,
  idsOf,
  jobsOf,
  queriesOf,
  Records,
  type RecordsParts,
  recordsOf,
  waitingIn,
  writtenColumns,
} from './records.ts';
import { referred } from './referred.ts';

export interface ReadingParts extends RecordsParts {
  /** Shows which processes are alive; left out: nobody is asked what those that are gone have left. */
  readonly openings?: Pick<Openings, 'leftBehind'>;
}

/** What of a job need not be read to know which slots it holds. */
const large = `'{args,outcome}'`;

/**
 * The reads of the store: each loads the rows that its answer can be found in, and lets the queries of all stores find it.
 */
export class Reading implements RecordReader {
  readonly #records: Records;
  readonly #openings: ReadingParts['openings'];

  constructor(parts: ReadingParts) {
    this.#records = new Records(parts);
    this.#openings = parts.openings;
  }

  /** Makes a read. A store may have to wait for something before it. */
  protected read<Result>(work: (records: Records) => Promise<Result>): Promise<Result> {
    return work(this.#records);
  }

  get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<RecordsByKind[K] | undefined> {
    return this.read(async (records) => {
      if (within === undefined) return oneOf(records, kind, id);
      try {
        return await oneOf(records, kind, id, await borrowed(within));
      } catch (error) {
        throw storeError(error, 'a read in a transaction of the program', 'not committed');
      }
    });
  }

  list<K extends Kind>(kind: K, prefix: string): Promise<readonly RecordsByKind[K][]> {
    return this.read(async (records) => {
      if (kind !== 'job') return records.settings(kind, begins('id'), [prefix]);
      const jobs = await records.jobs(`${begins('j.id')} ORDER BY j.id`, [prefix]);
      return recordsOf(jobs) as RecordsByKind[Kind][] as RecordsByKind[K][];
    });
  }

  find(prefix: string, limit: number): Promise<readonly JobRecord[]> {
    return this.read(async (records) => {
      const first = `SELECT f.id FROM ${records.schema}.job f WHERE ${begins('f.id')} ORDER BY f.id LIMIT $2`;
      return recordsOf(await records.jobs(`j.id = ANY (ARRAY(${first})) ORDER BY j.id`, [prefix, limit]));
    });
  }

  waiting(queue: string, most = Number.POSITIVE_INFINITY): Promise<readonly JobRecord[]> {
    return this.read(async (records) =>
      most <= 0 ? [] : firstOf(records, queue, await records.lanes(queue), most),
    );
  }

  waitingCount(queue: string, name?: string): Promise<number> {
    return this.read((records) => waitingCount(records, queue, name));
  }

  lanes(queue: string): Promise<readonly LaneSummary[]> {
    return this.read((records) => laneSummaries(records, queue));
  }

  place(job: string): Promise<QueuePlace | null> {
    return this.read((records) => place(records, job));
  }

  held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]> {
    return this.read(async ({ schema, query }) => {
      const rows = await query(
        `SELECT ${heldColumns} FROM ${heldIn(schema)} h ${eachJob(schema, 'h.id')}
         WHERE h.queue = $1 AND h.dispatcher = $2 AND ($3::text IS NULL OR h.agent = $3)`,
        [queue, dispatcher, agent],
      );
      return queriesOf(jobsOf(rows)).held(queue, dispatcher, agent);
    });
  }

  /** Only what has a time limit, or is to stop, can be overdue: few jobs are both held and that. */
  overdue(): Promise<readonly JobRecord[]> {
    return this.read(async (records) => {
      const { schema, query } = records;
      const rows = await query(
        `SELECT ${heldColumns} FROM ${heldIn(schema)} h ${eachJob(schema, 'h.id')}
         WHERE j.doc LIKE '%"timeout":%' OR j.doc LIKE '%"stop":{%'`,
      );
      const now = records.now();
      return recordsOf(jobsOf(rows)).filter((job) => isOverdue(job, now));
    });
  }

  heldCount(queue: string, dispatcher: string, agent: string): Promise<number> {
    return this.read(async ({ schema, query }) => {
      const [row] = await query(
        `SELECT coalesce(sum(cardinality(ids)), 0) AS count FROM ${schema}.lease WHERE queue = $1 AND dispatcher = $2 AND agent = $3`,
        [queue, dispatcher, agent],
      );
      return Number(row?.count);
    });
  }

  completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]> {
    return this.read((records) => completedOf(records, queue, dispatcher, agent));
  }

  callbacks(job: string): Promise<readonly Callback[]> {
    return this.read(async (records) => {
      const proxies = await records.rows('proxy', 'job = $1', [job]);
      return queriesOf(await records.under([job]), proxies).callbacks(job);
    });
  }

  branches(proxy: string): Promise<readonly JobRecord[]> {
    return this.read(async (records) => queriesOf(await records.under([proxy])).branches(proxy));
  }

  referred(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    return this.read((records) => referred(records, jobs));
  }

  waiters(jobs: readonly string[]): Promise<readonly JobRecord[]> {
    return this.read(async (records) => {
      const rows = await records.query(`SELECT id FROM ${records.schema}.job WHERE waiting_on = ANY ($1)`, [
        jobs,
      ]);
      return queriesOf(await records.byId(idsOf(rows))).waiters(jobs);
    });
  }

  dueSchedules(now: number, most: number): Promise<readonly ScheduleRecord[]> {
    return this.read(async ({ schema, query }) => {
      const text = `SELECT id, rev, last_seq, body FROM ${schema}.schedule WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2`;
      return (await query(text, [now, most])).map((row) => recordOf('schedule', row));
    });
  }

  dueActors(machines: readonly string[], now: number, most: number): Promise<readonly string[]> {
    return this.read((records) => dueActors(records, machines, now, most));
  }

  mailed(machines: readonly string[], after: string, most: number): Promise<readonly string[]> {
    return this.read((records) => mailed(records, machines, after, most));
  }

  mail(actor: string, most: number): Promise<readonly MessageRecord[]> {
    return this.read((records) => mailOf(records, actor, most));
  }

  mailCount(actor: string): Promise<number> {
    return this.read((records) => mailCount(records, actor));
  }

  actorsPage(request: ActorPageRequest): Promise<ActorPage> {
    return this.read((records) => actorsPage(records, request));
  }

  actorCounts(): Promise<readonly ActorCount[]> {
    return this.read(actorCounts);
  }

  deadLetters(most: number): Promise<readonly MessageRecord[]> {
    return this.read((records) => deadLetters(records, most));
  }

  parked(limit: string): Promise<number> {
    return this.read(async (records) => {
      const lanes = await records.lanes(queueOfLimit(limit));
      const [row] = await records.query(
        `SELECT coalesce(sum(cardinality(t.ids)), 0) AS count FROM ${records.schema}.room r
         JOIN ${records.schema}.ready t ON t.line IN (4 * r.line, 4 * r.line + 2) AND t.lane = ANY ($2) WHERE r.id = $1`,
        [limit, lanes.filter(({ limits }) => limits.length > 0).map(({ id }) => id)],
      );
      return Number(row?.count);
    });
  }

  /** Without what they were called with: those that hold a slot may be many. */
  quotaHolders(quota: string): Promise<readonly string[]> {
    return this.read(async (records) => {
      const { schema } = records;
      const lanes = await records.lanes();
      const rows = await records.query(
        `SELECT f.id, f.rev, f.seq, f.lane, f.place, f.token, f.held_seq, f.claim, f.own, (
           SELECT coalesce(string_agg((
             SELECT json_object_agg(v.key, v.value) FROM json_each(p.value) v WHERE v.key <> ALL (${large})
           )::text, ',' ORDER BY p.n), '{}') FROM json_array_elements(('[' || f.doc || ']')::json) WITH ORDINALITY AS p (value, n)
         ) AS doc FROM (
           SELECT ${heldColumns} FROM ${heldIn(schema)} h ${eachJob(schema, 'h.id')}
           UNION ALL SELECT ${writtenColumns}, NULL, NULL, NULL, NULL FROM (
             SELECT id FROM ${waitingIn(schema, '$2')} AS w UNION ALL SELECT id FROM ${schema}.aside WHERE state <> 'new'
           ) AS h ${eachJob(schema, 'h.id')}
         ) AS f WHERE strpos(f.claim, $1) > 0 OR strpos(f.own, $1) > 0 OR strpos(f.doc, $1) > 0`,
        [JSON.stringify(quota), lanes.filter(({ holdsSlots }) => holdsSlots).map(({ id }) => id)],
      );
      return queriesOf(jobsOf(rows)).quotaHolders(quota);
    });
  }

  counts(): Promise<JobCounts> {
    return this.read(counts);
  }

  jobsPage(request: JobPageRequest): Promise<JobPage> {
    return this.read((records) => jobsPage(records, request));
  }

  quarantined(): Promise<readonly JobRecord[]> {
    return this.read(quarantined);
  }

  async orphans(): Promise<readonly JobRecord[]> {
    const openings = this.#openings;
    return openings === undefined ? [] : this.read((records) => leftBehind(records, openings));
  }

  annotations(job: string): Promise<readonly AnnotationRecord[]> {
    return this.list('annotation', `${job}/`);
  }

  annotated(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    return this.read(async ({ schema, query }) => {
      const rows = await query(
        `SELECT asked.id FROM unnest($1::text[]) AS asked (id) WHERE EXISTS
           (SELECT FROM ${schema}.annotation a WHERE a.id >= asked.id || '/' AND a.id < asked.id || '0')`,
        [jobs],
      );
      return new Set(idsOf(rows));
    });
  }

  due(since: number): Promise<number | null> {
    return this.read(async (records) => {
      const { schema } = records;
      const [row] = await records.query(
        `SELECT ${schema}.due_after($1) AS at, EXISTS (SELECT FROM ${schema}.limit) AS is_limited`,
        [since],
      );
      const opens = row?.is_limited === true ? await openingOf(records, since) : null;
      return row?.at == null ? opens : Math.min(Number(row.at), opens ?? Number.POSITIVE_INFINITY);
    });
  }
}

/** A record. `connection`: of a transaction in which it is read. */
async function oneOf<K extends Kind>(
  records: Records,
  kind: K,
  id: string,
  connection?: SqlConnection,
): Promise<RecordsByKind[K] | undefined> {
  if (kind !== 'job') return (await records.settings(kind, 'id = $1', [id], connection))[0];
  return recordsOf(jobsOf(await records.one(id, connection)))[0] as RecordsByKind[K] | undefined;
}

/** Ids that begin with the first value. Servers before PostgreSQL 15 do not know that they are adjacent. */
function begins(id: string): string {
  return `${id} >= $1 AND ${id} <= $1 || chr(1114111) AND starts_with(${id}, $1)`;
}
