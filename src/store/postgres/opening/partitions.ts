import { idBeginning } from '../../../model/values/ids.ts';
import { codeOf } from '../failures.ts';
import { entriesOfCommit } from '../jobs/stored-job.ts';
import type { Parts } from '../parts.ts';
import { daySettings } from '../sql/tables.ts';
import { beginText, type Scheduled, type SqlConnection } from '../sql-port.ts';
import { inTransaction } from '../transactions.ts';
import { lockKey } from './migrating.ts';
import {
  dayMs,
  dropActors,
  dropJobs,
  dropLines,
  dropMail,
  dropNames,
  dropRooms,
  nameOfDay,
  partitionsOf,
  tablesOfDays,
} from './retention.ts';

export interface PartitionsParts
  extends Pick<Parts, 'schema' | 'schemaName' | 'port' | 'transactions' | 'queryTimeoutMs' | 'report'> {
  /** Whole days for which jobs that are over are kept, besides today. */
  readonly completedDays: number;
  /** Likewise, of those that failed, were aborted or have expired. */
  readonly failedDays: number;
  /** Whole days for which actors that have ended are kept, besides today. */
  readonly finishedDays: number;
  /** Whole days for which the journal is kept, besides today; what is dropped with a partition may stay a day longer. */
  readonly historyDays: number;
}

/** How many days ahead there is a partition of jobs. */
const daysAhead = 2;
const lookMs = 10 * 60 * 1000;
/** No transaction waits longer than this for a partition to be made or dropped; it is tried again. */
const lockTimeoutMs = 500;
/** How many commits a partition of the journal is for: a quarter of a day, but so many that no burst outruns those made ahead. */
const [leastStep, greatestStep] = [2 ** 21, 2 ** 27];

/**
 * Partitions of what only grows: made ahead, and dropped whole when their time is over, so nothing has to be cleaned up behind
 * deletes. Jobs have one for each day by the time in their ids. How many commits a day will have is not known before it is over:
 * the journal has one for so many commits as a quarter of a day had lately. The table `day` tells at which entry each day began.
 * One process at a time does it. Rows without a partition are in the default one.
 */
export class Partitions {
  readonly #parts: PartitionsParts;
  #dropMore: ((today: number) => Promise<void>) | null = null;
  #timer: Scheduled | null = null;
  #running: Promise<void> = Promise.resolve();
  /** Midnight; 0: it is not known. */
  #today = 0;
  /** The day on which old days were dropped last. */
  #droppedOn = 0;

  constructor(parts: PartitionsParts) {
    this.#parts = parts;
  }

  /** Makes the partitions that are needed now, then looks after them. */
  async begin(): Promise<void> {
    await this.#make();
    this.#running = this.#drop();
    this.#schedule();
  }

  /** Also drops what goes by commits, from when the store is open. */
  dropWith(dropMore: (today: number) => Promise<void>): void {
    this.#dropMore = dropMore;
    if (this.#today === 0) return;
    this.#droppedOn = 0;
    this.#running = this.#running.then(() => this.#drop());
  }

  async end(): Promise<void> {
    this.#timer?.cancel();
    await this.#running;
  }

  #schedule(): void {
    this.#timer = this.#parts.port.callLater(lookMs, () => {
      this.#running = this.#make().then(() => this.#drop());
      void this.#running.then(() => this.#schedule());
    });
  }

  async #make(): Promise<void> {
    const { schema, schemaName } = this.#parts;
    const isMade = await this.#tried('make partitions ahead', async (connection) => {
      // Who has waited for another process finds everything made.
      const key = lockKey(`${schemaName} partitions`);
      await connection.query('SELECT pg_advisory_xact_lock($1::bigint)', [key]);
      const [row] = await connection.query(
        `SELECT extract(epoch FROM date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC')) * 1000 AS today,
           last_value + is_called::int AS next FROM ${schema}.commits`,
      );
      const [today, next] = [Number(row?.today), Number(row?.next)];
      this.#today = today;
      const dayBefore = await this.#enterDay(connection, next * entriesOfCommit);
      for (let from = today; from <= today + daysAhead * dayMs; from += dayMs) {
        const range = [idBeginning(from), idBeginning(from + dayMs)];
        for (const table of tablesOfDays) await this.#makeOne(connection, table, nameOfDay(from), range);
      }
      await this.#makeLines(connection, next, next - Math.floor(dayBefore / entriesOfCommit));
    });
    if (!isMade) this.#today = 0;
  }

  /** Notes at which entry the day has begun, if it is not known yet. Gives that of the newest day before. */
  async #enterDay(connection: SqlConnection, next: number): Promise<number> {
    const day = `${this.#parts.schema}.day`;
    const today = this.#today;
    const days = Math.max(this.#parts.completedDays, this.#parts.failedDays);
    const [row] = await connection.query(
      `INSERT INTO ${day} (at, seq) VALUES (${today}, ${next}) ON CONFLICT DO NOTHING;
       DELETE FROM ${day} WHERE at < ${today - (days + 1) * dayMs};
       SELECT max(seq) AS seq FROM ${day} WHERE at < ${today}`,
    );
    return Number(row?.seq ?? 0);
  }

  async #makeLines(connection: SqlConnection, next: number, lately: number): Promise<void> {
    const made = await partitionsOf(connection, this.#parts.schema, 'line');
    const end = Math.max(...made.map((partition) => Number(partition.end)));
    const step = Math.min(greatestStep, Math.max(leastStep, Math.ceil(lately / 4)));
    // Where all are used up, those that are under way get numbers before the next one.
    const afterGap = next + (next === 1 ? 0 : 1000);
    for (let from = end > next ? end : afterGap; from < next + 2 * step; from += step)
      await this.#makeOne(connection, 'line', String(from), [from, from + step]);
  }

  async #makeOne(
    connection: SqlConnection,
    table: string,
    name: string,
    [from, to]: readonly unknown[],
  ): Promise<void> {
    const { schema } = this.#parts;
    await connection.query('SAVEPOINT made');
    try {
      await connection.query(
        `CREATE TABLE IF NOT EXISTS ${schema}.${table}_${name} PARTITION OF ${schema}.${table}
         FOR VALUES FROM ('${from}') TO ('${to}') WITH (${daySettings[table]})`,
      );
    } catch (error) {
      // Rows of that range are in the default partition already: they stay there.
      if (codeOf(error) !== '23514') throw error;
      await connection.query('ROLLBACK TO SAVEPOINT made');
    }
  }

  /** Once a day is enough: what is old begins to be so at midnight. */
  async #drop(): Promise<void> {
    const { schema, historyDays, completedDays, failedDays, finishedDays } = this.#parts;
    const today = this.#today;
    if (this.#droppedOn === today) return;
    const areLinesGone = await this.#emptied('drop old lines of the journal', (connection) =>
      dropLines(connection, schema, today - historyDays * dayMs),
    );
    const areJobsGone = await this.#emptied('drop old jobs', (connection) =>
      dropJobs(connection, schema, {
        completed: today - completedDays * dayMs,
        failed: today - failedDays * dayMs,
      }),
    );
    let name: string | null = '';
    const areNamesGone = await this.#emptied('drop unique names', async (connection) => {
      name = await dropNames(connection, schema, name ?? '');
      return name !== null;
    });
    const areRoomsGone = await this.#emptied('drop rooms of keys', (connection) =>
      dropRooms(connection, schema),
    );
    const areActorsGone = await this.#emptied('drop actors', (connection) =>
      dropActors(connection, schema, today - finishedDays * dayMs),
    );
    const isMailGone = await this.#emptied('drop messages', (connection) =>
      dropMail(connection, schema, { taken: today - dayMs, dead: today - 30 * dayMs }),
    );
    await this.#dropMore?.(today);
    const areGone = [areLinesGone, areJobsGone, areNamesGone, areRoomsGone, areActorsGone, isMailGone];
    if (areGone.every(Boolean)) this.#droppedOn = today;
  }

  /** Bounded work in each transaction, until there is none left, or another process is at it. Gives whether all were made. */
  async #emptied(what: string, work: (connection: SqlConnection) => Promise<boolean>): Promise<boolean> {
    const values = [lockKey(`${this.#parts.schemaName} retention`)];
    for (let isMore = true; isMore; ) {
      const isDone = await this.#tried(what, async (connection) => {
        const [row] = await connection.query('SELECT pg_try_advisory_xact_lock($1::bigint) AS alone', values);
        isMore = row?.alone === true && (await work(connection));
      });
      if (!isDone) return false;
    }
    return true;
  }

  /** In a transaction, made again after a conflict with others. Gives whether it was made. */
  async #tried(what: string, work: (connection: SqlConnection) => Promise<void>): Promise<boolean> {
    const { transactions, queryTimeoutMs, report } = this.#parts;
    // The server would notice only at the end of a statement that its caller has gone: until then it blocked
    // the days for everyone.
    const limits = `SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL statement_timeout = ${Math.ceil(queryTimeoutMs)}`;
    try {
      await transactions.read(what, (connection) =>
        inTransaction(connection, `${beginText}; ${limits}`, () => work(connection)),
      );
      return true;
    } catch (error) {
      // Nothing is lost: rows go to the default partition, and old days stay longer.
      report(`could not ${what}: ${(error as Error).message}`);
      return false;
    }
  }
}
