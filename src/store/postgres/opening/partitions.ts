import { codeOf } from './failures.ts';
import { jobColumns } from './job-rows.ts';
import { lockKey } from './migrating.ts';
import { lineSettings, settledSettings } from './migrations.ts';
import { beginText, type Scheduled, type SqlConnection, type SqlPort } from './sql-port.ts';
import type { Transactions } from './transactions.ts';

/** What days are kept with. */
export interface PartitionsParts {
  /** Quoted. */
  readonly schema: string;
  readonly schemaName: string;
  readonly port: SqlPort;
  readonly transactions: Transactions;
  /** How long a statement may take. Milliseconds. */
  readonly queryTimeoutMs: number;
  /** Whole days for which jobs that are done with are kept, besides today. */
  readonly completedDays: number;
  /** Whole days for which the journal is kept, besides today. */
  readonly historyDays: number;
  report(message: string): void;
}

/** How many days ahead there is a partition. */
const daysAhead = 2;
const hourMs = 60 * 60 * 1000;
/** No transaction waits longer than this for a partition to be made or dropped; it is tried again. */
const lockTimeoutMs = 500;
const tries = 5;

/**
 * The days of what only grows: made ahead, and dropped whole when their time is over, so nothing has to be cleaned up
 * behind deletes. One process at a time does it. Rows of a day without a partition are in the default one.
 */
export class Partitions {
  readonly #parts: PartitionsParts;
  #timer: Scheduled | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: PartitionsParts) {
    this.#parts = parts;
  }

  /** Makes the days that are needed now, then looks after them every hour. */
  async begin(): Promise<void> {
    await this.#makeDays();
    this.#running = this.#dropDays();
    this.#schedule();
  }

  async end(): Promise<void> {
    this.#timer?.cancel();
    await this.#running;
  }

  #schedule(): void {
    this.#timer = this.#parts.port.callLater(hourMs, () => {
      this.#running = this.#makeDays().then(() => this.#dropDays());
      void this.#running.then(() => this.#schedule());
    });
  }

  async #makeDays(): Promise<void> {
    const { schema } = this.#parts;
    await this.#alone('make the days ahead', async (connection) => {
      const days = await connection.query(
        `SELECT to_char(today + ahead, 'YYYYMMDD') AS name, (today + ahead)::text AS first, (today + ahead + 1)::text AS next
         FROM (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS today) AS t, generate_series(0, $1::int) AS ahead`,
        [daysAhead],
      );
      for (const [table, settings] of [
        ['line', lineSettings],
        ['done', settledSettings],
      ]) {
        for (const { name, first, next } of days) {
          await connection.query('SAVEPOINT day');
          try {
            await connection.query(
              `CREATE TABLE IF NOT EXISTS ${schema}.${table}_${name} PARTITION OF ${schema}.${table}
               FOR VALUES FROM ('${first}') TO ('${next}') WITH (${settings})`,
            );
          } catch (error) {
            // Rows of that day are in the default partition already: they stay there.
            if (codeOf(error) !== '23514') throw error;
            await connection.query('ROLLBACK TO SAVEPOINT day');
          }
        }
      }
    });
  }

  async #dropDays(): Promise<void> {
    const { schema, schemaName, historyDays, completedDays } = this.#parts;
    for (const [table, days] of [
      ['line', historyDays],
      ['done', completedDays],
    ] as const) {
      await this.#alone(`drop old days of ${table}`, async (connection) => {
        const old = await connection.query(
          `SELECT relname AS name FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
           WHERE nspname = $1 AND relname ~ ('^' || $2 || '_[0-9]{8}$')
             AND to_date(right(relname, 8), 'YYYYMMDD') < (clock_timestamp() AT TIME ZONE 'UTC')::date - $3::int
           ORDER BY relname`,
          [schemaName, table, days],
        );
        for (const { name } of old) {
          if (table === 'done') await this.#rescue(connection, `${schema}.${name}`, 'true');
          await connection.query(`DROP TABLE ${schema}.${name}`);
        }
        await this.#thinDefault(connection, table, days);
      });
    }
  }

  /**
   * Jobs that a waiting or running job refers to are kept, with today's. What belongs to the others goes with them.
   * @param isOld - which rows of the table are to go, as SQL.
   */
  async #rescue(connection: SqlConnection, day: string, isOld: string): Promise<void> {
    const { schema } = this.#parts;
    const [parent, isReadable] = [
      `p.body #>> '{parent,job}'`,
      `json_typeof(arg #> '{$coded,jobs}') = 'array'`,
    ];
    const referred = `
           SELECT (regexp_matches(args::text, '"\\$job"\\s*:\\s*"([^"]+)"', 'g'))[1] FROM ${schema}.job
             WHERE state <> 'completed' AND args::text LIKE '%"$job"%'
           UNION SELECT json_array_elements_text(CASE WHEN ${isReadable} THEN arg #> '{$coded,jobs}' END)
             FROM ${schema}.job, json_array_elements(args) AS arg WHERE state <> 'completed' AND args::text LIKE '%"$coded"%'`;
    // Joined, and not asked for row by row: the tables have no statistics, and a list that is thought to be too
    // long to be hashed is gone through for each row of the day.
    await connection.query(
      `WITH referred (id) AS (${referred}
         UNION SELECT waiting_on FROM ${schema}.job WHERE waiting_on IS NOT NULL
         UNION SELECT parent_job FROM ${schema}.job WHERE parent_job IS NOT NULL
         UNION SELECT ${parent} FROM ${schema}.proxy p
           WHERE p.body ->> 'chosen' IS NULL OR EXISTS (SELECT FROM ${schema}.job c WHERE c.id = p.body ->> 'chosen')
       ), needed (id) AS (
         SELECT d.id FROM ${day} d JOIN referred ON referred.id = d.id WHERE ${isOld}
         UNION SELECT d.id FROM ${day} d JOIN ${schema}.job j ON j.id = d.parent_job WHERE ${isOld} AND j.state <> 'completed'
         UNION SELECT d.id FROM ${day} d JOIN ${schema}.proxy p ON p.id = d.parent_proxy JOIN ${schema}.job j ON j.id = ${parent}
           WHERE ${isOld} AND j.state <> 'completed'
       ), kept AS (
         DELETE FROM ${day} WHERE id IN (SELECT id FROM needed) RETURNING ${jobColumns}
       )
       INSERT INTO ${schema}.done (${jobColumns}) SELECT ${jobColumns} FROM kept`,
    );
    await connection.query(
      `DELETE FROM ${schema}.annotation a USING ${day} d
       WHERE ${isOld} AND a.id >= d.id || '/' AND a.id < d.id || '0'`,
    );
    // With their proxies go the branches that were not chosen, and what belongs to those: nothing else refers to them.
    await connection.query(
      `WITH RECURSIVE referred (id) AS (${referred}), spared AS (
         SELECT j.id FROM ${schema}.job j JOIN referred ON referred.id = j.id WHERE j.state = 'new'
       ), gone (kind, id) AS (
         SELECT 'proxy', p.id FROM ${schema}.proxy p JOIN ${day} d ON ${parent} = d.id WHERE ${isOld}
         UNION SELECT hung.kind, hung.id FROM gone CROSS JOIN LATERAL (
           SELECT 'job' AS kind, j.id FROM ${schema}.job j WHERE j.state = 'new'
             AND (gone.kind = 'proxy' AND j.parent_proxy = gone.id OR gone.kind = 'job' AND j.parent_job = gone.id)
             AND j.id NOT IN (SELECT id FROM spared)
           UNION ALL SELECT 'proxy', p.id FROM ${schema}.proxy p WHERE gone.kind = 'job' AND ${parent} = gone.id COLLATE "default"
         ) AS hung
       ), jobs AS (DELETE FROM ${schema}.job j USING gone WHERE gone.kind = 'job' AND j.id = gone.id),
       annotations AS (
         DELETE FROM ${schema}.annotation a USING gone
         WHERE gone.kind = 'job' AND a.id >= gone.id || '/' AND a.id < gone.id || '0'
       )
       DELETE FROM ${schema}.proxy p USING gone WHERE gone.kind = 'proxy' AND p.id = gone.id`,
    );
  }

  /** The default partition holds a day at most, so it is emptied row by row. */
  async #thinDefault(connection: SqlConnection, table: 'line' | 'done', days: number): Promise<void> {
    const rows = `${this.#parts.schema}.${table}_default`;
    const isOld = `day < (clock_timestamp() AT TIME ZONE 'UTC')::date - ${days}`;
    if (table === 'done') await this.#rescue(connection, rows, isOld);
    await connection.query(`DELETE FROM ${rows} WHERE ${isOld}`);
  }

  /** In a transaction, unless another process does it; made again after a conflict with others. */
  async #alone(what: string, work: (connection: SqlConnection) => Promise<void>): Promise<void> {
    const { transactions, schemaName, queryTimeoutMs, report } = this.#parts;
    // The server would notice only at the end of a statement that its caller has gone: until then it blocked
    // the days for everyone.
    const limits = `SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL statement_timeout = ${Math.ceil(queryTimeoutMs)}`;
    for (let count = 1; ; count += 1) {
      try {
        await transactions.read(what, async (connection) => {
          try {
            await connection.query(`${beginText}; ${limits}`);
            const [row] = await connection.query('SELECT pg_try_advisory_xact_lock($1::bigint) AS alone', [
              lockKey(`${schemaName} partitions`),
            ]);
            if (row?.alone === true) await work(connection);
            await connection.query('COMMIT');
          } catch (error) {
            await connection.query('ROLLBACK');
            throw error;
          }
        });
        return;
      } catch (error) {
        if (count < tries) continue;
        // Nothing is lost: rows go to the default partition, and old days stay an hour longer.
        report(`could not ${what}: ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
    }
  }
}
