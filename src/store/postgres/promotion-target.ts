import { SignalboxError } from '../../errors.ts';
import type { JobRecord, PromotionRecord } from '../../model/records/records.ts';
import type { Kind, Line, Records } from '../entry.ts';
import { loaded } from '../rules/record-change.ts';
import { codeOf, kindOfError, storeError } from './failures.ts';
import { isDone, type JobRow, jobColumnNames, jobColumns, jobOf, rowOf } from './job-rows.ts';
import { quoted, versionOf } from './opening/migrating.ts';
import { prepared } from './opening/preparing.ts';
import { PromotionDays } from './promotion-days.ts';
import { beginText, type Rows, type SqlConnection, type SqlPort } from './sql-port.ts';
import { recordOf } from './working-set.ts';

/** The content of a schema before a promotion. */
export type FoundTarget =
  | { readonly is: 'empty' }
  | { readonly is: 'promoted'; readonly promotion: PromotionRecord }
  | { readonly is: 'used'; readonly by: string };

/** Rows that are read at a time: any of them may have arguments of a megabyte. */
const pageRows = 200;

/**
 * A schema that a whole store is written to, in one transaction on one connection: it holds everything or nothing of it.
 * Numbers of entries, revisions and epochs stay what they are, so that the journal continues as one.
 */
export class PromotionTarget {
  readonly #port: SqlPort;
  readonly #name: string;
  readonly #schema: string;
  readonly #isUnsafe: boolean;
  readonly #patienceMs: number;
  #connection: SqlConnection | null = null;
  #days: PromotionDays | null = null;
  #newestAt = 0;

  /** `patienceMs`: how long the begin waits for the end of another promotion. */
  constructor(port: SqlPort, name: string, isUnsafe: boolean, patienceMs = 60_000) {
    this.#port = port;
    this.#name = name;
    this.#schema = quoted(name);
    this.#isUnsafe = isUnsafe;
    this.#patienceMs = patienceMs;
  }

  /**
   * Reads the present content; nothing is changed. @throws SignalboxError `STORE_VERSION` and what a connection
   * fails with.
   */
  async found(): Promise<FoundTarget> {
    return this.#explained('a look at the schema', async () => {
      const connection = await this.#connected();
      if ((await versionOf(connection, this.#name)) === 0) return { is: 'empty' };
      return this.#foundIn(connection);
    });
  }

  async #foundIn(connection: SqlConnection, lock = ''): Promise<FoundTarget> {
    const schema = this.#schema;
    const [store] = await connection.query(
      `SELECT rev, body FROM ${schema}.store WHERE id = 'store' ${lock}`,
    );
    const { promotion } = (store?.body ?? {}) as { readonly promotion?: PromotionRecord };
    if (promotion !== undefined) return { is: 'promoted', promotion };
    for (const table of [
      'line',
      'job',
      'done',
      'queue',
      'quota',
      'representation',
      'agent',
      'proxy',
      'annotation',
    ]) {
      const rows = await connection.query(`SELECT 1 FROM ${schema}.${table} LIMIT 1`);
      if (rows.length > 0) return { is: 'used', by: `rows in ${table}` };
    }
    // An opening may be all that ever was, or all that is left: its process believes in the epoch and the numbers here.
    return Number(store?.rev) > 0 ? { is: 'used', by: 'a store that was opened' } : { is: 'empty' };
  }

  /**
   * Brings the schema up to date and begins the transaction. From here on no process opens the store until it
   * is over; what was found before is looked at again.
   */
  async begin(): Promise<FoundTarget> {
    return this.#explained('the begin of the promotion', async () => {
      await prepared({ port: this.#port, schema: this.#name, isUnsafe: this.#isUnsafe });
      const connection = await this.#connected();
      await connection.query(
        `${beginText}; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = ${this.#patienceMs}`,
      );
      // Also waits for the end of an earlier promotion whose process was killed.
      const found = await this.#foundIn(connection, 'FOR UPDATE').catch((error: unknown) => {
        throw codeOf(error) === '55P03' ? this.#heldElsewhere(error) : error;
      });
      this.#days = await PromotionDays.today(connection, this.#schema);
      return found;
    });
  }

  #heldElsewhere(cause: unknown): SignalboxError {
    const [call, seconds] = ['the begin of the promotion', this.#patienceMs / 1000];
    const reason = `another promotion, or an opening, that held schema ${this.#name} for ${seconds} s: call again when that is over`;
    return new SignalboxError('STORE_STATEMENT', { call, reason }, { cause });
  }

  /** Writes records of one kind as they are. */
  async putRecords<K extends Kind>(kind: K, records: readonly Records[K][]): Promise<void> {
    await this.#explained('the promotion', async () => {
      if (kind === 'job') await this.#putJobs(records as readonly JobRecord[]);
      else await this.#putSettings(kind, records);
    });
  }

  async #putJobs(jobs: readonly JobRecord[]): Promise<void> {
    const [schema, days] = [this.#schema, this.#openDays()];
    const live = jobs.filter((job) => !isDone(job)).map(rowOf);
    const done: unknown[] = [];
    for (const job of jobs.filter(isDone)) {
      const day = await days.make('done', job.callbacksEnd ?? job.activeEnd);
      done.push({ ...rowOf(job), day });
    }
    for (const [table, columns, rows] of [
      ['job', jobColumns, live],
      ['done', `${jobColumns}, day`, done],
    ] as const) {
      if (rows.length === 0) continue;
      const target = `${schema}.${table}`;
      await this.#query(
        `INSERT INTO ${target} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${target}, $1)`,
        [JSON.stringify(rows)],
      );
    }
  }

  async #putSettings<K extends Kind>(kind: K, records: readonly Records[K][]): Promise<void> {
    const target = `${this.#schema}.${kind}`;
    const rows = records.map(({ id, rev, lastSeq, ...body }) => ({ id, rev, last_seq: lastSeq, body }));
    // The record of the store is there since the schema was made.
    await this.#query(
      `INSERT INTO ${target} (id, rev, last_seq, body)
       SELECT id, rev, last_seq, body FROM json_populate_recordset(NULL::${target}, $1)
       ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, last_seq = excluded.last_seq, body = excluded.body`,
      [JSON.stringify(rows)],
    );
  }

  /** Writes lines of the journal under their own numbers, each on the day of its commit. */
  async putLines(lines: readonly Line[]): Promise<void> {
    await this.#explained('the promotion', async () => {
      const days = this.#openDays();
      const rows: unknown[] = [];
      for (const line of lines) {
        const entries = JSON.stringify(line.entries);
        // Days are dropped oldest first: a line on an earlier day than a line before it would leave a hole.
        this.#newestAt = Math.max(this.#newestAt, line.at);
        rows.push({ ...line, entries, n: line.entries.length, day: await days.make('line', this.#newestAt) });
      }
      const target = `${this.#schema}.line`;
      await this.#query(
        `INSERT INTO ${target} (s, n, at, by, mv, entries, day)
         SELECT s, n, at, by, mv, entries, day FROM json_populate_recordset(NULL::${target}, $1)`,
        [JSON.stringify(rows)],
      );
    });
  }

  /** The next entry gets the number after this one. Outlives a rollback, where it does no harm. */
  async setSeq(seq: number): Promise<void> {
    await this.#explained('the promotion', () =>
      this.#query('SELECT setval($1, $2)', [`${this.#schema}.seq`, seq]),
    );
  }

  /** Every record of a kind, as a store reads it. */
  async *records<K extends Kind>(kind: K): AsyncGenerator<Records[K]> {
    if (kind !== 'job') {
      for await (const row of this.#rows(kind, 'id, rev, last_seq, body'))
        yield loaded(kind, recordOf(row)) as Records[K];
      return;
    }
    for (const table of ['job', 'done']) {
      for await (const { job } of this.#rows(table, 'row_to_json(r) AS job')) {
        yield this.#jobIn(table, job as JobRow) as Records[K];
      }
    }
  }

  /** The job of a row, with what of the row is not as a store writes that job. */
  #jobIn(table: string, row: JobRow): JobRecord {
    const job = jobOf(row);
    const wanted = rowOf(job) as unknown as Record<string, unknown>;
    const found = row as unknown as Record<string, unknown>;
    const strange = jobColumnNames.filter((column) => text(found[column]) !== text(wanted[column]));
    if (isDone(job) !== (table === 'done')) strange.push(table);
    return strange.length === 0 ? job : { ...job, unsound: strange.map((column) => [column, null] as const) };
  }

  async *#rows(table: string, columns: string): AsyncGenerator<Rows[number]> {
    const [start, end] = [
      `SELECT r.id AS at, ${columns} FROM ${this.#schema}.${table} r`,
      `ORDER BY id LIMIT ${pageRows}`,
    ];
    // An id may be empty: that of the default queue.
    let rows = await this.#page(`${start} ${end}`, []);
    while (rows.length > 0) {
      yield* rows;
      rows = await this.#page(`${start} WHERE id > $1 ${end}`, [rows.at(-1)?.at]);
    }
  }

  #page(statement: string, values: readonly unknown[]): Promise<Rows> {
    return this.#explained('the comparison', () => this.#query(statement, values));
  }

  /** The whole journal, oldest line first. */
  async *lines(): AsyncGenerator<Line> {
    for (let after = 0; ; ) {
      const rows = await this.#page(
        `SELECT s, at, by, mv, entries FROM ${this.#schema}.line WHERE s > $1 ORDER BY s LIMIT ${pageRows}`,
        [after],
      );
      for (const { s, at, by, mv, entries } of rows) {
        yield {
          s: Number(s),
          at: Number(at),
          by: String(by),
          mv: String(mv),
          entries: JSON.parse(String(entries)) as Line['entries'],
        };
      }
      if (rows.length === 0) return;
      after = Number(rows.at(-1)?.s);
    }
  }

  /** Ends the transaction. @throws SignalboxError `STORE_DISCONNECTED` when it is unknown whether it was committed. */
  async commit(): Promise<void> {
    try {
      await this.#query('COMMIT', []);
    } catch (error) {
      throw storeError(error, 'the promotion', kindOfError(error) === 'lost' ? 'unknown' : 'not committed');
    }
  }

  /** Lets everything go. A transaction that was not committed never was. */
  async end(): Promise<void> {
    await this.#connection?.query('ROLLBACK').catch(() => {});
    this.#connection?.release();
    this.#connection = null;
    await this.#port.end();
  }

  async #connected(): Promise<SqlConnection> {
    this.#connection ??= await this.#port.connect();
    return this.#connection;
  }

  #openDays(): PromotionDays {
    if (this.#days === null) throw new Error('The promotion has not begun.');
    return this.#days;
  }

  async #query(statement: string, values: readonly unknown[]): Promise<Rows> {
    return (await this.#connected()).query(statement, values);
  }

  async #explained<Result>(call: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw storeError(error, call, 'not committed');
    }
  }
}

function text(value: unknown): string {
  return JSON.stringify(value ?? null);
}
