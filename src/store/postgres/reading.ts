import { jobChart } from '../../model/jobs/machine-version.ts';
import type { AnnotationRecord, JobRecord } from '../../model/records/records.ts';
import type { Kind, Records } from '../entry.ts';
import type { Callback } from '../reader.ts';
import { loaded } from '../rules/record-change.ts';
import { TableQueries } from '../rules/table-queries.ts';
import type { DatabaseClock } from './clock.ts';
import { storeError } from './failures.ts';
import { countedColumns, type JobRow, jobOf } from './job-rows.ts';
import { borrowed, type Rows, type SqlConnection } from './sql-port.ts';
import type { Transactions } from './transactions.ts';
import { allDone, recordOf, WorkingSet } from './working-set.ts';

/** What reads are made with. */
export interface ReadingParts {
  readonly schema: string;
  readonly clock: Pick<DatabaseClock, 'asking'> & { readonly question: string };
  readonly transactions: Pick<Transactions, 'read' | 'inOrder'>;
}

/** A job that ran outside any agent. */
export interface Orphan {
  readonly job: JobRecord;
  /** Of a completed one: where its callbacks that are left say who has been at them. */
  readonly left: readonly { readonly lastSeq: number }[];
}

/**
 * The reads of the store: each loads the rows that its answer can be found in, and lets the queries of all stores find
 * it. So the order of a queue, for one, is defined in one place.
 */
export class Reading {
  readonly #parts: ReadingParts;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
  }

  async get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<Records[K] | undefined> {
    if (kind === 'job') {
      const { schema, transactions } = this.#parts;
      const from = (table: string): string =>
        `SELECT row_to_json(j) AS job FROM ${schema}.${table} j WHERE id = $1`;
      const read = async (connection: SqlConnection): Promise<Rows> => {
        const live = connection.query(from('job'), [id]);
        // Asked for after the first, so a job that is moved meanwhile is found in one of the two.
        const done = connection.query(from('done'), [id]);
        await allDone([live, done]);
        return [...(await live), ...(await done)];
      };
      const [row] =
        within === undefined ? await transactions.inOrder('a read', read) : await readWithin(within, read);
      return row === undefined ? undefined : (jobOf(row.job as JobRow) as Records[K]);
    }
    const [record] = await this.#settings(kind, 'id = $1', [id], 'inOrder');
    return record;
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    // Servers before PostgreSQL 15 do not know that ids which start with a text are adjacent.
    const isPath = prefix.endsWith('/');
    const condition = `id >= $1 AND starts_with(id, $1)${isPath ? ' AND id < $2' : ''}`;
    const values = isPath ? [prefix, `${prefix.slice(0, -1)}0`] : [prefix];
    if (kind !== 'job') return this.#settings(kind, condition, values);
    const rows = await this.#jobs(condition, values, 'both');
    const jobs = rows.map((row) => jobOf(row.job as JobRow));
    return jobs.sort((one, other) => (one.id < other.id ? -1 : 1)) as Records[Kind][] as Records[K][];
  }

  async waiting(queue: string, most?: number): Promise<readonly JobRecord[]> {
    if (most === undefined)
      return (await this.#among('queue = $1 AND lane IS NOT NULL', [queue])).waiting(queue);
    const rows = await this.#query(heads(`${this.#parts.schema}.job`), [queue, most, jobChart.states]);
    const first = await this.#queriesOf(rows).waiting(queue, most);
    // Some that were read do not wait: others are behind them.
    return first.length < most && rows.length >= most ? this.waiting(queue) : first;
  }

  async waitingCount(queue: string, name?: string): Promise<number> {
    const [row] = await this.#query(
      `SELECT count(*)::int AS count FROM ${this.#parts.schema}.job
       WHERE queue = $1 AND lane IS NOT NULL AND state = ANY($2) AND ($3::text IS NULL OR name = $3)`,
      [queue, jobChart.states, name ?? null],
    );
    return Number(row?.count ?? 0);
  }

  async held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]> {
    const which = 'queue = $1 AND dispatcher = $2';
    const queries =
      agent === null
        ? await this.#among(which, [queue, dispatcher])
        : await this.#among(`${which} AND agent = $3`, [queue, dispatcher, agent]);
    return queries.held(queue, dispatcher, agent);
  }

  async heldCount(queue: string, dispatcher: string, agent: string): Promise<number> {
    const [row] = await this.#query(`SELECT ${this.#parts.schema}.held_count($1, $2, $3, $4) AS count`, [
      queue,
      dispatcher,
      agent,
      jobChart.states,
    ]);
    return Number(row?.count ?? 0);
  }

  async completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]> {
    const which = 'queue = $1 AND dispatcher = $2 AND agent = $3';
    return (await this.#among(which, [queue, dispatcher, agent], 'both')).completed(queue, dispatcher, agent);
  }

  async callbacks(job: string): Promise<readonly Callback[]> {
    const proxies = await this.#settings('proxy', "body #>> '{parent,job}' = $1", [job]);
    const queries = await this.#among('parent_job = $1', [job], 'both', proxies);
    return queries.callbacks(job);
  }

  async branches(proxy: string): Promise<readonly JobRecord[]> {
    return (await this.#among('parent_proxy = $1', [proxy], 'both')).branches(proxy);
  }

  async waiters(jobs: readonly string[]): Promise<readonly JobRecord[]> {
    const rows = await this.#query(`SELECT ${this.#parts.schema}.waiters($1) AS job`, [jobs]);
    return rows.length === 0 ? [] : this.#queriesOf(rows).waiters(jobs);
  }

  async quotaHolders(quota: string): Promise<readonly string[]> {
    const rows = await this.#query(
      `SELECT row_to_json(j) AS job FROM (
         SELECT ${countedColumns} FROM ${this.#parts.schema}.job WHERE quotas <> '{}' AND quotas && ARRAY[$1::text]
       ) AS j`,
      [quota],
    );
    return this.#queriesOf(rows).quotaHolders(quota);
  }

  async quarantined(): Promise<readonly JobRecord[]> {
    return (await this.#among('state <> ALL($1)', [jobChart.states])).quarantined();
  }

  /** Jobs at callbacks outside any agent, and completed ones with callbacks that were added late. */
  async orphans(): Promise<readonly Orphan[]> {
    const jobs = await this.#query(`SELECT ${this.#parts.schema}.orphans() AS job`, []);
    const ids = jobs.map((row) => (row.job as JobRow).id);
    const { tables } = this.#setOf(
      jobs,
      await this.#settings('proxy', "body #>> '{parent,job}' = ANY($1)", [ids]),
    );
    return new TableQueries(tables)
      .orphans()
      .then((found) => found.map((job) => ({ job, left: tables.callbacks.left(job.id) })));
  }

  /**
   * Jobs at their callbacks in an agent of one process of which another has written last: it ended what they waited for, and
   * calls their callbacks outside any agent.
   */
  async endedElsewhere(): Promise<readonly JobRecord[]> {
    const rows = await this.#query(`SELECT ${this.#parts.schema}.ended_elsewhere() AS job`, []);
    return rows.map((row) => jobOf(row.job as JobRow));
  }

  async annotations(job: string): Promise<readonly AnnotationRecord[]> {
    return this.list('annotation', `${job}/`);
  }

  async annotated(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#query(
      `SELECT asked.id FROM unnest($1::text[]) AS asked(id) WHERE EXISTS
         (SELECT FROM ${this.#parts.schema}.annotation a WHERE a.id >= asked.id || '/' AND a.id < asked.id || '0')`,
      [jobs],
    );
    return new Set(rows.map((row) => String(row.id)));
  }

  async due(since: number): Promise<number | null> {
    const { schema } = this.#parts;
    const [row] = await this.#query(
      `SELECT min(begin_after) AS at FROM ${schema}.job WHERE line = 'held' AND lane IS NOT NULL AND begin_after > $1`,
      [since],
    );
    return row?.at == null ? null : Number(row.at);
  }

  /** The queries of all stores, on the jobs of a condition. */
  async #among(
    condition: string,
    values: readonly unknown[],
    where: 'live' | 'both' = 'live',
    proxies: readonly Records['proxy'][] = [],
  ): Promise<TableQueries> {
    return new TableQueries(this.#setOf(await this.#jobs(condition, values, where), proxies).tables);
  }

  #queriesOf(rows: Rows): TableQueries {
    return new TableQueries(this.#setOf(rows).tables);
  }

  #setOf(rows: Rows, proxies: readonly Records['proxy'][] = []): WorkingSet {
    const set = new WorkingSet();
    const settings = {
      proxy: proxies.map(({ id, rev, lastSeq, ...body }) => ({ id, rev, last_seq: lastSeq, body })),
    };
    set.load({ jobs: rows, settings });
    return set;
  }

  #jobs(condition: string, values: readonly unknown[], where: 'live' | 'both'): Promise<Rows> {
    const { schema } = this.#parts;
    const from = (table: string): string =>
      `SELECT row_to_json(j) AS job FROM ${schema}.${table} j WHERE ${condition}`;
    const text = where === 'live' ? from('job') : `${from('job')} UNION ALL ${from('done')}`;
    return this.#query(text, values);
  }

  async #settings<K extends Kind>(
    kind: K,
    condition: string,
    values: readonly unknown[],
    way: 'read' | 'inOrder' = 'read',
  ): Promise<readonly Records[K][]> {
    const { schema, clock, transactions } = this.#parts;
    // Whether a dispatcher is dead is asked of its representation, so the time must be as fresh.
    const columns = `id, rev, last_seq, body${kind === 'representation' ? `, ${clock.question}` : ''}`;
    const text = `SELECT ${columns} FROM ${schema}.${kind} WHERE ${condition} ORDER BY id`;
    const keepTime = clock.asking();
    const rows = await transactions[way]('a read', (connection) => connection.query(text, values));
    keepTime(rows[0]);
    return rows.map((row) => loaded(kind, recordOf(row)) as Records[K]);
  }

  #query(text: string, values: readonly unknown[]): Promise<Rows> {
    return this.#parts.transactions.read('a read', (connection) => connection.query(text, values));
  }
}

/** Reads in a transaction of the program. */
async function readWithin(
  client: unknown,
  read: (connection: SqlConnection) => Promise<Rows>,
): Promise<Rows> {
  try {
    return await read(await borrowed(client));
  } catch (error) {
    throw storeError(error, 'a read in a transaction of the program', 'not committed');
  }
}

/** The first jobs of each line of each lane: the first of the queue are among them. Lanes are found one after the other. */
function heads(job: string): string {
  return `WITH RECURSIVE lanes AS (
      (SELECT lane FROM ${job} WHERE queue = $1 AND lane IS NOT NULL ORDER BY lane LIMIT 1)
      UNION ALL
      SELECT (SELECT lane FROM ${job} WHERE queue = $1 AND lane > lanes.lane ORDER BY lane LIMIT 1)
      FROM lanes WHERE lanes.lane IS NOT NULL
    )
    SELECT row_to_json(heads) AS job FROM lanes CROSS JOIN (VALUES ('putBack'), ('now'), ('held')) AS k(line)
    CROSS JOIN LATERAL (
      SELECT * FROM ${job} j WHERE j.queue = $1 AND j.lane = lanes.lane AND j.line = k.line AND j.state = ANY($3)
      ORDER BY j.turn, j.id LIMIT $2
    ) AS heads
    WHERE lanes.lane IS NOT NULL`;
}
