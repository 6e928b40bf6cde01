import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Settings } from './contestant.ts';
import { serverCpuUs } from './postgres-server.ts';

/** What a contestant's tables hold when it has closed. */
export interface Remains {
  readonly liveTuples: number;
  readonly deadTuples: number;
  readonly tableBytes: number;
}

/** The schema of one contestant, and the server that it is on. */
export interface Schema {
  readonly url: string;
  readonly name: string;
  /** Processor time of the server, in microseconds. */
  serverCpuUs(): Promise<number>;
  /** Drops it. Tells what its tables held. */
  clear(): Promise<Remains>;
}

/** The schema that belongs to the folder that a contestant is given. */
export function schemaOf({ dir, postgres }: Settings): Schema {
  if (postgres === undefined) throw new Error('Expected the server to be told, got none.');
  const { url, pid } = postgres;
  const name = `bench_${basename(dirname(dir))}_${basename(dir)}`.replaceAll(/\W/g, '_').toLowerCase();
  return {
    url,
    name,
    serverCpuUs: async () => serverCpuUs(pid),
    clear: () =>
      connected(url, async (client) => {
        const remains = await tuplesOf(client, name);
        await client.query('SET client_min_messages = warning');
        await client.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
        return remains;
      }),
  };
}

/** Counts as autovacuum does: by the statistics of the server. */
async function tuplesOf(client: Client, schema: string): Promise<Remains> {
  await othersHaveEnded(client);
  const { rows } = await client.query(
    `SELECT coalesce(sum(n_live_tup), 0)::float8 AS "liveTuples",
            coalesce(sum(n_dead_tup), 0)::float8 AS "deadTuples",
            coalesce(sum(pg_total_relation_size(relid)), 0)::float8 AS "tableBytes"
       FROM pg_stat_user_tables WHERE schemaname = $1`,
    [schema],
  );
  return rows[0];
}

// A connection tells what it has counted when it ends; one that goes on, every second at most.
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
