import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { removeServer, runServer, startServer } from '../../store/postgres/server.ts';

/** A real server, and what may be done to it. */
export interface TortureServer {
  readonly url: string;
  /** Ends every process of the server at once and starts it again on its data; null for a server that is not ours. */
  readonly crash: (() => Promise<void>) | null;
  remove(): void;
}

/** The server that `SIGNALBOX_TEST_DATABASE_URL` names, which is left alone, else one of our own that may be crashed. */
export async function tortureServer(): Promise<TortureServer> {
  const given = process.env.SIGNALBOX_TEST_DATABASE_URL;
  return given === undefined ? ownServer() : { url: given, crash: null, remove: () => {} };
}

// What no commit waits for is written late, so a crash takes as much with it as it can.
const settings = ['wal_writer_delay=10s', 'wal_writer_flush_after=1GB'];

/** A server of our own. */
export async function ownServer(): Promise<TortureServer> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-torture-postgres-'));
  const url = await startServer(folder, settings);
  return { url, crash: () => crash(folder, Number(new URL(url).port)), remove: () => removeServer(folder) };
}

async function crash(folder: string, port: number): Promise<void> {
  const pid = Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGQUIT');
  while (isAlive(pid)) await pause(10);
  await runServer(folder, port, settings);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Connects past the proxy, so that no fault meets the connection. A crash ends it. */
export async function connectedTo(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'torture' });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Drops schemas, which may be gone already. */
export async function dropSchemas(url: string, schemas: readonly string[]): Promise<void> {
  const client = await connectedTo(url);
  await client.query(
    `SET client_min_messages = warning; DROP SCHEMA IF EXISTS ${schemas.join(', ')} CASCADE`,
  );
  await client.end();
}
