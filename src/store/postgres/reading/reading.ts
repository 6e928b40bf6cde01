import type { AnnotationRecord, JobRecord } from '../../../model/records/records.ts';
import type { Kind, Records as RecordsByKind } from '../../entry.ts';
import type { Callback, JobCounts, JobPage, JobPageRequest, LaneSummary, QueuePlace } from '../../reader.ts';
import { storeError } from '../failures.ts';
import { borrowed, type Rows } from '../sql-port.ts';
import { counts } from './counts.ts';
import { type LeftParts, leftBehind } from './left.ts';
import { completedOf, jobsPage, quarantined } from './lists.ts';
import { laneSummaries, place, waiting, waitingCount } from './queues.ts';
import {
  eachJob,
  heldColumns,
  heldIn,
  jobsOf,
  queriesOf,
  Records,
  type RecordsParts,
  waitingIn,
  writtenColumns,
} from './records.ts';

/** What reads are made with. */
export interface ReadingParts extends RecordsParts {
  /** Shows which processes are alive; left out: nobody is asked what those that are gone have left. */
  readonly openings?: LeftParts['openings'];
}

/** What of a job need not be read to know which slots it holds. */
const large = `'{args,outcome}'`;

/**
 * The reads of the store: each loads the rows that its answer can be found in, and lets the queries of all stores find it.
 */
export class Reading {
  readonly #records: Records;
  readonly #parts: ReadingParts;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.#records = new Records(parts);
  }

  async get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<RecordsByKind[K] | undefined> {
    if (kind !== 'job') return (await this.#records.settings(kind, 'id = $1', [id], 'inOrder'))[0];
    const rows = within === undefined ? await this.#records.one(id) : await this.#oneWithin(id, within);
    return jobsOf(rows)[0]?.record as RecordsByKind[K] | undefined;
  }

  /** Reads a job in a transaction of the program. */
  async #oneWithin(id: string, within: unknown): Promise<Rows> {
    try {
      return await this.#records.one(id, await borrowed(within));
    } catch (error) {
      throw storeError(error, 'a read in a transaction of the program', 'not committed');
    }
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly RecordsByKind[K][]> {
    if (kind !== 'job') return this.#records.settings(kind, begins('id'), [prefix]);
    const jobs = await this.#records.jobs(`${begins('j.id')} ORDER BY j.id`, [prefix]);
    return jobs.map(({ record }) => record) as RecordsByKind[Kind][] as RecordsByKind[K][];
  }

  async find(prefix: string, limit: number): Promise<readonly JobRecord[]> {
    const first = `SELECT f.id FROM ${this.#records.schema}.job f WHERE ${begins('f.id')} ORDER BY f.id LIMIT $2`;
    const jobs = await this.#records.jobs(`j.id = ANY (ARRAY(${first})) ORDER BY j.id`, [prefix, limit]);
    return jobs.map(({ record }) => record);
  }

  waiting(queue: string, most?: number): Promise<readonly JobRecord[]> {
    return waiting(this.#records, queue, most);
  }

  waitingCount(queue: string, name?: string): Promise<number> {
    return waitingCount(this.#records, queue, name);
  }

  lanes(queue: string): Promise<readonly LaneSummary[]> {
    return laneSummaries(this.#records, queue);
  }

  place(job: string): Promise<QueuePlace | null> {
    return place(this.#records, job);
  }

  async held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]> {
    const { schema } = this.#records;
    const rows = await this.#records.query(
      `SELECT ${heldColumns} FROM ${heldIn(schema)} h ${eachJob(schema, 'h.id')}
       WHERE h.queue = $1 AND h.dispatcher = $2 AND ($3::text IS NULL OR h.agent = $3)`,
      [queue, dispatcher, agent],
    );
    return queriesOf(jobsOf(rows)).held(queue, dispatcher, agent);
  }

  async heldCount(queue: string, dispatcher: string, agent: string): Promise<number> {
    const [row] = await this.#records.query(
      `SELECT coalesce(sum(cardinality(ids)), 0) AS count FROM ${this.#records.schema}.lease
       WHERE queue = $1 AND dispatcher = $2 AND agent = $3`,
      [queue, dispatcher, agent],
    );
    return Number(row?.count ?? 0);
  }

  completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]> {
    return completedOf(this.#records, queue, dispatcher, agent);
  }

  async callbacks(job: string): Promise<readonly Callback[]> {
    const proxies = await this.#records.rows('proxy', 'job = $1', [job]);
    return queriesOf(await this.#records.under([job]), proxies).callbacks(job);
  }

  async branches(proxy: string): Promise<readonly JobRecord[]> {
    return queriesOf(await this.#records.under([proxy])).branches(proxy);
  }

  async waiters(jobs: readonly string[]): Promise<readonly JobRecord[]> {
    const { schema } = this.#records;
    const rows = await this.#records.query(`SELECT id FROM ${schema}.job WHERE waiting_on = ANY ($1)`, [
      jobs,
    ]);
    if (rows.length === 0) return [];
    return queriesOf(await this.#records.byId(rows.map(({ id }) => String(id)))).waiters(jobs);
  }

  /** Without what they were called with: those that hold a slot may be many. */
  async quotaHolders(quota: string): Promise<readonly string[]> {
    const { schema } = this.#records;
    const lanes = (await this.#records.lanes()).filter(({ holdsSlots }) => holdsSlots).map(({ id }) => id);
    const rows = await this.#records.query(
      `SELECT f.id, f.rev, f.seq, f.lane, f.place, f.token, f.held_seq, f.claim, (
         SELECT coalesce(string_agg((
           SELECT json_object_agg(v.key, v.value) FROM json_each(p.value) v WHERE v.key <> ALL (${large})
         )::text, ',' ORDER BY p.n), '{}') FROM json_array_elements(('[' || f.doc || ']')::json) WITH ORDINALITY AS p (value, n)
       ) AS doc FROM (
         SELECT ${heldColumns} FROM ${heldIn(schema)} h ${eachJob(schema, 'h.id')}
         UNION ALL SELECT ${writtenColumns}, NULL, NULL, NULL FROM (
           SELECT id FROM ${waitingIn(schema, '$2')} AS w UNION ALL SELECT id FROM ${schema}.aside WHERE state <> 'new'
         ) AS h ${eachJob(schema, 'h.id')}
       ) AS f WHERE strpos(f.claim, $1) > 0 OR strpos(f.doc, $1) > 0`,
      [JSON.stringify(quota), lanes],
    );
    return queriesOf(jobsOf(rows)).quotaHolders(quota);
  }

  counts(): Promise<JobCounts> {
    return counts(this.#records);
  }

  jobsPage(request: JobPageRequest): Promise<JobPage> {
    return jobsPage(this.#records, request);
  }

  quarantined(): Promise<readonly JobRecord[]> {
    return quarantined(this.#records);
  }

  async orphans(): Promise<readonly JobRecord[]> {
    const { openings } = this.#parts;
    return openings === undefined ? [] : leftBehind(this.#records, { openings, reading: this });
  }

  annotations(job: string): Promise<readonly AnnotationRecord[]> {
    return this.list('annotation', `${job}/`);
  }

  async annotated(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#records.query(
      `SELECT asked.id FROM unnest($1::text[]) AS asked (id) WHERE EXISTS
         (SELECT FROM ${this.#records.schema}.annotation a WHERE a.id >= asked.id || '/' AND a.id < asked.id || '0')`,
      [jobs],
    );
    return new Set(rows.map((row) => String(row.id)));
  }

  async due(since: number): Promise<number | null> {
    const [row] = await this.#records.query(
      `SELECT min(at) AS at FROM ${this.#records.schema}.due WHERE at > $1`,
      [since],
    );
    return row?.at == null ? null : Number(row.at);
  }
}

/** Ids that begin with the first value. Servers before PostgreSQL 15 do not know that they are adjacent. */
function begins(id: string): string {
  return `${id} >= $1 AND ${id} <= $1 || chr(1114111) AND starts_with(${id}, $1)`;
}
