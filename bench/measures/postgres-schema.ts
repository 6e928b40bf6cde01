import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Settings } from './contestant.ts';
import { serverCpuUs } from './postgres-server.ts';

/** The contents of tables, according to the statistics that autovacuum uses. */
export interface Remains {
  readonly liveTuples: number;
  readonly deadTuples: number;
  readonly tableBytes: number;
  readonly indexBytes: number;
}

/** The contents of one table. */
export interface TableRemains extends Remains {
  readonly autovacuums: number;
}

/** The schema of one contestant, and its server. */
export interface Schema {
  readonly url: string;
  readonly name: string;
  /** Processor time of the server, in microseconds. */
  serverCpuUs(): Promise<number>;
  /**
   * Returns the contents of all its tables. A connection reports its writes when it ends, or after a second
   * or two.
   */
  remains(): Promise<Remains>;
  /** Returns the contents of each of its tables that is not empty. */
  tables(): Promise<Record<string, TableRemains>>;
  /** Has the server do now what a large put leaves to be done, and would do at some time: vacuum and checkpoint. */
  tidyUp(): Promise<void>;
  /** Drops the schema when all connections have ended. Returns what its tables held. */
  clear(): Promise<Remains>;
}

/** Returns the schema that belongs to the folder of a contestant. */
export function schemaOf({ dir, postgres }: Settings): Schema {
  if (postgres === undefined) throw new Error('Expected a PostgreSQL server in the settings, got none.');
  const { url, pid } = postgres;
  const name = `bench_${basename(dirname(dir))}_${basename(dir)}`.replaceAll(/\W/g, '_').toLowerCase();
  return {
    url,
    name,
    serverCpuUs: async () => serverCpuUs(pid),
    remains: () => connected(url, (client) => remainsOf(client, name)),
    tables: () => connected(url, (client) => tablesOf(client, name)),
    tidyUp: () => connected(url, (client) => tidyUp(client, name)),
    clear: () =>
      connected(url, async (client) => {
        await othersHaveEnded(client);
        const remains = await remainsOf(client, name);
        await client.query('SET client_min_messages = warning');
        await client.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
        return remains;
      }),
  };
}

async function remainsOf(client: Client, schema: string): Promise<Remains> {
  const tables = Object.values(await tablesOf(client, schema));
  const sum = (key: keyof Remains) => tables.reduce((total, table) => total + table[key], 0);
  return {
    liveTuples: sum('liveTuples'),
    deadTuples: sum('deadTuples'),
    tableBytes: sum('tableBytes'),
    indexBytes: sum('indexBytes'),
  };
}

async function tablesOf(client: Client, schema: string): Promise<Record<string, TableRemains>> {
  const { rows } = await client.query(
    `SELECT relname AS name,
            n_live_tup::float8 AS "liveTuples",
            n_dead_tup::float8 AS "deadTuples",
            pg_table_size(relid)::float8 AS "tableBytes",
            pg_indexes_size(relid)::float8 AS "indexBytes",
            autovacuum_count::float8 AS autovacuums
       FROM pg_stat_user_tables
      WHERE schemaname = $1 AND pg_table_size(relid) > 0
      ORDER BY pg_table_size(relid) DESC`,
    [schema],
  );
  return Object.fromEntries(rows.map(({ name, ...table }) => [name, table]));
}

async function tidyUp(client: Client, schema: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') AS tables FROM pg_tables WHERE schemaname = $1`,
    [schema],
  );
  await client.query(`VACUUM ${rows[0].tables}`);
  // Only an administrator may ask for it.
  await client.query('CHECKPOINT').catch(() => {});
}

async function othersHaveEnded(client: Client): Promise<void> {
  for (let waitedMs = 0; waitedMs < 2_000; waitedMs += 20) {
    const { rowCount } = await client.query(
      `SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    if (rowCount === 0) return;
    await delay(20);
  }
}

async function connected<Result>(url: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
