import { Client } from 'pg';
import type { Store } from 'signalbox';
import { type PostgresStoreSettings, postgresStore } from 'signalbox/postgres';
import { Audit } from '../../../src/testing/simulate/audit/audit.ts';
import { openByHand } from '../open-by-hand.ts';
import { serverUrl } from './server.ts';

const made: string[] = [];
let count = 0;

/** The name of a schema that no other test has: `removeSchemas` drops it. */
export function newSchema(): string {
  count += 1;
  const schema = `test_${process.pid}_${count}`;
  made.push(schema);
  return schema;
}

/**
 * A store in a schema of its own, on the real server of this run and the clock of the box. The server is started by the
 * first store that is opened.
 */
export function newPostgresStore(settings: PostgresStoreSettings & { readonly url?: string } = {}): Store {
  const { url, ...others } = settings;
  const schema = settings.schema ?? newSchema();
  return {
    name: settings.name ?? 'main',
    async open(ports) {
      const connectionString = url ?? (await serverUrl());
      return postgresStore({ clock: 'box', ...others, connectionString, schema }).open(ports);
    },
  };
}

/** A connection of a test's own. */
export async function connected(): Promise<Client> {
  const client = new Client({ connectionString: await serverUrl() });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Cuts a connection. Resolves when the server has no connection with this number any more. */
export async function cut(admin: Client, pid: number): Promise<void> {
  await admin.query('SELECT pg_terminate_backend($1)', [pid]);
  while ((await admin.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount !== 0);
}

/** Returns the differences between the records that the tests of this file have left and their journal, in words. */
export async function differingRecords(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const schema of made) {
    const store = await openByHand(newPostgresStore({ schema }), () => Date.now());
    const audit = new Audit({ boxPrefix: '', hasPeers: true });
    for await (const entry of store.entries(1)) audit.follow(entry);
    // Tests write lines into a journal that need not be legal paths.
    audit.problems.length = 0;
    await audit.compare(store);
    found.push(...audit.problems.map((problem) => `${schema}: ${problem}`));
    await store.close();
  }
  return found;
}

/** Drops what the tests of this file have made. */
export async function removeSchemas(): Promise<void> {
  const schemas = made.splice(0);
  if (schemas.length === 0) return;
  const client = await connected();
  await client.query('SET client_min_messages = warning');
  for (const schema of schemas) await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await client.end();
}
