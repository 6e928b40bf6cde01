import type { JobRecord } from '../../../model/records/records.ts';
import type { Kind, Records as RecordsByKind } from '../../entry.ts';
import { TableQueries } from '../../rules/table-queries.ts';
import type { Tables } from '../../rules/tables.ts';
import type { DatabaseClock } from '../clock.ts';
import { recordOf, WorkingSet } from '../commits/working-set.ts';
import { type LaneKey, partsOfLane } from '../jobs/lanes.ts';
import { type StoredJob, storedJobOf } from '../jobs/stored-job.ts';
import type { Rows, SqlConnection } from '../sql-port.ts';
import type { Transactions } from '../transactions.ts';

export interface RecordsParts {
  readonly schema: string;
  readonly clock: Pick<DatabaseClock, 'asking' | 'now'> & { readonly question: string };
  readonly transactions: Pick<Transactions, 'read' | 'inOrder'>;
}

export interface NumberedLane extends LaneKey {
  readonly id: number;
  readonly queue: string;
}

/** Columns of a job whose document says all: it is neither held nor over. */
export const writtenColumns = `j.id, j.rev, j.seq, j.lane, j.doc, 'aside' AS place`;

/** Columns of a job that a lease `h` holds. */
export const heldColumns = `j.id, j.rev, j.seq, j.lane, j.doc, 'lease' AS place, h.token, h.seq AS held_seq, h.claim, h.own`;

/** The job `j` of each of these ids, found by its key: without statistics the planner would read all of them. */
export function eachJob(schema: string, id: string): string {
  return `CROSS JOIN LATERAL (SELECT * FROM ${schema}.job o WHERE o.id = ${id} OFFSET 0) AS j`;
}

/** The last state that a text sets: of patches, or of the changes of a claim. */
export function lastState(list: string): string {
  return `(SELECT coalesce(p ->> 'to', p ->> 'state') FROM json_array_elements(${list}::json) WITH ORDINALITY AS p (p, n)
      WHERE coalesce(p ->> 'to', p ->> 'state') IS NOT NULL ORDER BY n DESC LIMIT 1)`;
}

/** The id of each job that waits in lanes. `lanes`: the parameter with their numbers. */
export function waitingIn(schema: string, lanes: string): string {
  return `(SELECT unnest(ids) AS id FROM ${schema}.ready WHERE lane = ANY (${lanes})
      UNION ALL SELECT id FROM ${schema}.due WHERE lane = ANY (${lanes}))`;
}

/** The id of each job of leases: with the columns of the lease, and the entry by which it came into it. */
export function heldIdsIn(schema: string): string {
  return `(SELECT l.*, u.id, u.seq FROM ${schema}.lease l CROSS JOIN LATERAL unnest(l.ids, l.seqs) AS u (id, seq))`;
}

/** The same with what was set since the document of each. */
export function heldIn(schema: string): string {
  return `(SELECT o.token, o.queue, o.dispatcher, o.agent, o.claim, e.value AS own, o.id, o.seq
      FROM ${heldIdsIn(schema)} o LEFT JOIN LATERAL json_each_text(o.own) e ON e.key = o.id)`;
}

/**
 * Jobs `j` of a condition, wherever they stand: what was set since their document is in `done`, or in a lease. One statement sees
 * one moment, so none is on its way. `isOne`: leases are searched for each, which is less for one than to look at all that is held.
 */
function composed(schema: string, condition: string, isOne = false): string {
  const held = isOne
    ? `LATERAL (SELECT l.token, l.claim, l.own ->> j.id AS own, j.id, l.seqs[array_position(l.ids, j.id)] AS seq
        FROM ${schema}.lease l WHERE d.id IS NULL AND l.ids @> ARRAY[j.id] LIMIT 1)`
    : heldIn(schema);
  return `SELECT j.id, j.rev, j.seq, j.lane, j.doc,
      CASE WHEN d.id IS NOT NULL THEN 'done' WHEN h.id IS NOT NULL THEN 'lease' ELSE 'aside' END AS place,
      d.seq AS done_seq, d.patch, h.token, h.seq AS held_seq, h.claim, h.own
    FROM ${schema}.job j
    LEFT JOIN LATERAL (SELECT o.* FROM ${schema}.done o WHERE o.id = j.id OFFSET 0) d ON true
    LEFT JOIN ${held} h ON ${isOne ? 'true' : 'h.id = j.id'}
    WHERE ${condition}`;
}

export function idsOf(rows: Rows): readonly string[] {
  return rows.map(({ id }) => String(id));
}

export function jobsOf(rows: Rows): readonly StoredJob[] {
  return rows.flatMap((row) => storedJobOf(row) ?? []);
}

export function recordsOf(jobs: readonly StoredJob[]): readonly JobRecord[] {
  return jobs.map(({ record }) => record);
}

/** These records in tables. */
export function tablesOf(jobs: readonly StoredJob[], proxies: Rows = []): Tables {
  const set = new WorkingSet();
  set.load(jobs);
  set.loadSettings('proxy', proxies);
  return set.tables;
}

/** The queries of all stores on these records: so the order of a queue, for one, is defined in one place. */
export function queriesOf(jobs: readonly StoredJob[], proxies?: Rows): TableQueries {
  return new TableQueries(tablesOf(jobs, proxies));
}

/** Who waits for a job that is read next. */
interface Asked {
  readonly resolve: (rows: Rows) => void;
  readonly reject: (error: unknown) => void;
}

export class Records {
  readonly schema: string;
  readonly #parts: RecordsParts;
  /** By the ids of jobs. */
  #asked = new Map<string, Asked[]>();
  #isAsking = false;

  constructor(parts: RecordsParts) {
    this.schema = parts.schema;
    this.#parts = parts;
  }

  readonly query = (text: string, values: readonly unknown[] = []): Promise<Rows> =>
    this.#parts.transactions.read('a read', (connection) => connection.query(text, values));

  async jobs(condition: string, values: readonly unknown[]): Promise<readonly StoredJob[]> {
    return jobsOf(await this.query(composed(this.schema, condition), values));
  }

  now(): number {
    return this.#parts.clock.now();
  }

  /** Jobs by id, in no order. */
  async byId(ids: readonly string[]): Promise<readonly StoredJob[]> {
    return ids.length === 0 ? [] : this.jobs('j.id = ANY ($1)', [ids]);
  }

  /** Jobs under any of these jobs and proxies. */
  async under(parents: readonly string[]): Promise<readonly StoredJob[]> {
    return this.byId(
      idsOf(await this.query(`SELECT id FROM ${this.schema}.job WHERE parent = ANY ($1)`, [parents])),
    );
  }

  /** One job. Those that are asked for in one tick, or while such a read is under way, share a statement. */
  one(id: string, connection?: SqlConnection): Promise<Rows> {
    if (connection !== undefined) return this.#among(connection, [id]);
    return new Promise((resolve, reject) => {
      const asked = this.#asked.get(id);
      if (asked === undefined) this.#asked.set(id, [{ resolve, reject }]);
      else asked.push({ resolve, reject });
      if (!this.#isAsking) void this.#askAll();
    });
  }

  #among(connection: SqlConnection, ids: readonly string[]): Promise<Rows> {
    return connection.query(composed(this.schema, 'j.id = ANY ($1)', true), [ids]);
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    // Those of this tick go together.
    await null;
    while (this.#asked.size > 0) {
      const asked = this.#asked;
      this.#asked = new Map();
      const read = (on: SqlConnection): Promise<Rows> => this.#among(on, [...asked.keys()]);
      await this.#parts.transactions.inOrder('a read', read).then(
        (rows) => {
          const found = new Map(rows.map((row) => [String(row.id), [row]]));
          for (const [id, each] of asked) for (const { resolve } of each) resolve(found.get(id) ?? []);
        },
        (error: unknown) => {
          for (const { reject } of [...asked.values()].flat()) reject(error);
        },
      );
    }
    this.#isAsking = false;
  }

  /** Rows of records of other kinds. */
  async rows(
    kind: Kind,
    condition: string,
    values: readonly unknown[],
    within?: SqlConnection,
  ): Promise<Rows> {
    const { schema, clock, transactions } = this.#parts;
    // Whether a dispatcher is dead is asked of its representation, so the time must be as fresh.
    const columns = `id, rev, last_seq, body${kind === 'representation' ? `, ${clock.question}` : ''}`;
    const text = `SELECT ${columns} FROM ${schema}.${kind} WHERE ${condition} ORDER BY id`;
    const keepTime = clock.asking();
    const read = (on: SqlConnection): Promise<Rows> => on.query(text, values);
    const rows = await (within === undefined ? transactions.inOrder('a read', read) : read(within));
    keepTime(rows[0]);
    return rows;
  }

  async settings<K extends Kind>(
    kind: K,
    condition: string,
    values: readonly unknown[],
    within?: SqlConnection,
  ): Promise<readonly RecordsByKind[K][]> {
    return (await this.rows(kind, condition, values, within)).map((row) => recordOf(kind, row));
  }

  /** All lanes, or those of a queue. */
  async lanes(queue?: string): Promise<readonly NumberedLane[]> {
    const text = `SELECT id, queue, key FROM ${this.schema}.lane WHERE $1::text IS NULL OR queue = $1`;
    return (await this.query(text, [queue ?? null])).map((row) => ({
      id: Number(row.id),
      queue: String(row.queue),
      ...partsOfLane(String(row.key)),
    }));
  }
}
