import { lineSettings, settledSettings } from './migrations.ts';
import type { SqlConnection } from './sql-port.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** What is older is on the oldest of these days: a wrong clock must not make thousands of tables. */
const oldestDays = 366;

/**
 * The days of promoted rows: those of their own instants, so that they are dropped when their time is over, as
 * if they had always been here.
 */
export class PromotionDays {
  readonly #connection: SqlConnection;
  readonly #schema: string;
  readonly #now: number;
  readonly #made = new Set<string>();

  private constructor(connection: SqlConnection, schema: string, now: number) {
    this.#connection = connection;
    this.#schema = schema;
    this.#now = now;
  }

  /** By the clock of the database. */
  static async today(connection: SqlConnection, schema: string): Promise<PromotionDays> {
    const [row] = await connection.query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now');
    return new PromotionDays(connection, schema, Number(row?.now));
  }

  /** The day of an instant, with a partition for it; without an instant today. */
  async make(table: 'line' | 'done', at: number | null): Promise<string> {
    const within = Math.min(this.#now, Math.max(at ?? this.#now, this.#now - oldestDays * dayMs));
    const [day, next] = [dayOf(within), dayOf(within + dayMs)];
    const name = `${table}_${day.replaceAll('-', '')}`;
    if (!this.#made.has(name)) {
      await this.#connection.query(
        `CREATE TABLE IF NOT EXISTS ${this.#schema}.${name} PARTITION OF ${this.#schema}.${table}
         FOR VALUES FROM ('${day}') TO ('${next}') WITH (${table === 'line' ? lineSettings : settledSettings})`,
      );
      this.#made.add(name);
    }
    return day;
  }
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
