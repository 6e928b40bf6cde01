import type { AgentPlace } from '../../../../machines/job.context.ts';
import { SignalboxError } from '../../../errors.ts';
import type { JobRecord, PromotionRecord } from '../../../model/records/records.ts';
import type { Kind, Line, Records } from '../../entry.ts';
import { recordKinds } from '../../kinds.ts';
import { lineOf, promotedShift, ungrouped } from '../commits/entries.ts';
import { recordOf } from '../commits/working-set.ts';
import { codeOf, kindOfError, storeError } from '../failures.ts';
import { type Lane, Lanes, laneKeyOf } from '../jobs/lanes.ts';
import { entriesOfCommit, type Home, parentKey, storedJobOf } from '../jobs/stored-job.ts';
import { quoted, versionOf } from '../opening/migrating.ts';
import { prepared } from '../opening/preparing.ts';
import { beginText, type Rows, type SqlConnection, type SqlPort } from '../sql-port.ts';
import { homeOf, PromotedPlaces, type TableRows } from './promoted-places.ts';

export type FoundTarget =
  | { readonly is: 'empty' }
  | { readonly is: 'promoted'; readonly promotion: PromotionRecord }
  | { readonly is: 'used'; readonly by: string };

/** What has rows in a store that is used, beside its own record. */
const usedTables = ['line', 'done', ...recordKinds.filter((kind) => kind !== 'store')];
/** What may be there before. */
const conflicts = new Map([
  // Since the schema was made.
  [
    'store',
    'ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, last_seq = excluded.last_seq, body = excluded.body',
  ],
  // An opening that waits for the end of the promotion may have noted when today began.
  ['day', 'ON CONFLICT DO NOTHING'],
]);
/** Rows that are read at a time: any of them may have arguments of a megabyte. */
const pageRows = 200;
/** Rows of places that are written at a time. */
const writtenRows = 1000;

/**
 * A schema that a whole store is written to, in one transaction on one connection: it holds everything or nothing of it.
 * Numbers of entries, revisions and epochs stay what they are, so that the journal continues as one.
 */
export class PromotionTarget {
  readonly #port: SqlPort;
  readonly #name: string;
  readonly #schema: string;
  readonly #patienceMs: number;
  readonly #lanes: Lanes;
  #connection: SqlConnection | null = null;
  #places = new PromotedPlaces(0);
  #newestAt = 0;

  /** `patienceMs`: how long the begin waits for the end of another promotion. */
  constructor(port: SqlPort, name: string, patienceMs = 60_000) {
    this.#port = port;
    this.#name = name;
    this.#schema = quoted(name);
    this.#patienceMs = patienceMs;
    this.#lanes = new Lanes(this.#schema, (text, values) => this.#query(text, values));
  }

  /**
   * Reads the present content; nothing is changed. @throws SignalboxError `STORE_VERSION` and what a connection
   * fails with.
   */
  async found(): Promise<FoundTarget> {
    const query = (text: string, values?: readonly unknown[]): Promise<Rows> => this.#query(text, values);
    return (await versionOf({ query }, this.#name)) === 0 ? { is: 'empty' } : this.#found();
  }

  async #found(lock = ''): Promise<FoundTarget> {
    const schema = this.#schema;
    const [store] = await this.#query(`SELECT rev, body FROM ${schema}.store WHERE id = 'store' ${lock}`);
    const { promotion } = (store?.body ?? {}) as { readonly promotion?: PromotionRecord };
    if (promotion !== undefined) return { is: 'promoted', promotion };
    for (const table of usedTables) {
      const rows = await this.#query(`SELECT 1 FROM ${schema}.${table} LIMIT 1`);
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
    await prepared({ port: this.#port, schema: this.#name, isUnsafe: false });
    await this.#query(
      `${beginText}; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
       SET LOCAL lock_timeout = ${this.#patienceMs}`,
    );
    try {
      // Also waits for the end of an earlier promotion whose process was killed.
      const found = await this.#found('FOR UPDATE');
      const [row] = await this.#query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
      this.#places = new PromotedPlaces(Number(row?.now));
      return found;
    } catch (error) {
      if (codeOf((error as Error).cause) !== '55P03') throw error;
      const reason = `another promotion, or an opening, that held schema ${this.#name} for ${this.#patienceMs / 1000} s: call again when that is over`;
      throw new SignalboxError(
        'STORE_STATEMENT',
        { call: 'the begin of the promotion', reason },
        { cause: error },
      );
    }
  }

  async putRecords<K extends Kind>(kind: K, records: readonly Records[K][]): Promise<void> {
    if (kind === 'job') return this.#putJobs(records as readonly JobRecord[]);
    if (kind === 'quota') for (const { id } of records) this.#places.addSlots(id, 0);
    const rows = records.map(({ id, rev, lastSeq, ...body }) => ({ id, rev, last_seq: lastSeq, body }));
    await this.#insert([[kind, rows]]);
  }

  async #putJobs(jobs: readonly JobRecord[]): Promise<void> {
    const lanes = jobs.map((job) => this.#laneOf(job));
    await this.#lanes.make([...new Set(lanes)].filter((lane) => lane !== null));
    for (const [index, job] of jobs.entries()) this.#places.add(job, lanes[index]?.number ?? null);
    await this.#insert(this.#places.take());
  }

  #laneOf(job: JobRecord): Lane | null {
    const queue = queueOf(job);
    return queue === null ? null : this.#lanes.in(queue, laneKeyOf(job));
  }

  async #insert(tables: TableRows): Promise<void> {
    for (const [table, rows] of tables) {
      const [target, columns] = [`${this.#schema}.${table}`, Object.keys(rows[0] ?? {}).join()];
      const onConflict = conflicts.get(table) ?? '';
      for (let from = 0; from < rows.length; from += writtenRows)
        await this.#query(
          `INSERT INTO ${target} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${target}, $1) ${onConflict}`,
          [JSON.stringify(rows.slice(from, from + writtenRows))],
        );
    }
  }

  /** Writes lines of the journal under their own numbers. */
  async putLines(lines: readonly Line[]): Promise<void> {
    const rows = lines.map(({ s, at, by, mv, entries }) => {
      // The clock of the host may have moved back: days begin in the order of numbers.
      this.#newestAt = Math.max(this.#newestAt, at);
      this.#places.addDay(this.#newestAt, s);
      const key = { c: s - promotedShift, epoch: Number(by.split('#')[1] ?? 0), n: 0 };
      return { ...key, at, by, mv, count: entries.length, entries: ungrouped(entries) };
    });
    await this.#insert([['line', rows]]);
  }

  /** Writes where jobs stand. The entries of the next commit come after this one: that outlives a rollback, where it does no harm. */
  async finish(seq: number): Promise<void> {
    const schema = this.#schema;
    await this.#insert(this.#places.rest());
    await this.#query(
      `UPDATE ${schema}.job SET doc = doc || ',{"${parentKey}":true}'
       WHERE id IN (SELECT parent FROM ${schema}.job UNION SELECT job FROM ${schema}.proxy)`,
    );
    await this.#query('SELECT setval($1, $2)', [`${schema}.commits`, Math.floor(seq / entriesOfCommit) + 1]);
  }

  /** Every record of a kind, as a store reads it. */
  async *records<K extends Kind>(kind: K): AsyncGenerator<Records[K]> {
    for await (const rows of this.#pages(kind, 'id', kind === 'job' ? 'id' : 'id, rev, last_seq, body'))
      if (kind !== 'job') for (const row of rows) yield recordOf(kind, row);
      else
        for (const row of await this.#query(`SELECT * FROM ${this.#schema}.read($1)`, [
          rows.map(({ id }) => id),
        ]))
          yield this.#jobOf(row) as Records[K];
  }

  /** The job of a row, with what of its place is not as a store gives it to that job. */
  #jobOf(row: Rows[number]): JobRecord {
    const found = storedJobOf(row);
    if (found === null) return { id: String(row.id), unsound: [['place', null]] } as unknown as JobRecord;
    const { record } = found;
    const wanted = homeOf(record, this.#laneOf(record)?.number ?? null);
    const isRight =
      placeText(found.home) === placeText(wanted) && (wanted.in !== 'lease' || isHolder(row, record));
    return isRight ? record : { ...record, unsound: [['place', null]] };
  }

  /** The whole journal, oldest line first. */
  async *lines(): AsyncGenerator<Line> {
    for await (const rows of this.#pages('line', 'c', 'c, at, by, mv, entries')) yield* rows.map(lineOf);
  }

  async *#pages(table: string, key: 'id' | 'c', columns: string): AsyncGenerator<Rows> {
    const [start, end] = [
      `SELECT ${columns} FROM ${this.#schema}.${table}`,
      `ORDER BY ${key} LIMIT ${pageRows}`,
    ];
    // An id may be empty: that of the default queue.
    let rows = await this.#query(`${start} ${end}`);
    while (rows.length > 0) {
      yield rows;
      rows = await this.#query(`${start} WHERE ${key} > $1 ${end}`, [rows.at(-1)?.[key]]);
    }
  }

  /** Ends the transaction. @throws SignalboxError `STORE_DISCONNECTED` when it is unknown whether it was committed. */
  async commit(): Promise<void> {
    try {
      await this.#connection?.query('COMMIT');
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

  async #query(text: string, values?: readonly unknown[]): Promise<Rows> {
    try {
      this.#connection ??= await this.#port.connect();
      return await this.#connection.query(text, values);
    } catch (error) {
      throw storeError(error, 'the promotion', 'not committed');
    }
  }
}

function queueOf({ parent }: JobRecord): string | null {
  return parent !== null && 'queue' in parent ? parent.queue : null;
}

/** Two places are one and the same when these texts are; a lease is known by who holds it. */
function placeText({ in: kind, ...home }: Home): string {
  return JSON.stringify([kind, Object.entries({ ...home, token: 0 }).sort()]);
}

function isHolder(row: Rows[number], { parent }: JobRecord): boolean {
  const { queue, dispatcher, agent } = parent as AgentPlace;
  return row.queue === queue && row.dispatcher === dispatcher && row.agent === agent;
}
