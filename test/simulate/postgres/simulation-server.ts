import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeServer, startServer } from '../../store/postgres/server.ts';
import { Sessions } from './sessions.ts';

let started: Promise<Sessions> | null = null;
let folder: string | null = null;

/**
 * Background work of the server must not change the result of a seed. Its data outlives a crash of the server, and no more: what it
 * has passed to the system counts as synced.
 */
const settings = [
  'autovacuum=off',
  'fsync=off',
  'full_page_writes=off',
  'deadlock_timeout=60s',
  'jit=off',
  // Nothing in the background writes to the log: a position of it is that of the last statement.
  'wal_level=minimal',
  'max_wal_senders=0',
  // Only a sync writes the log, and nothing else makes it written.
  'wal_buffers=16MB',
  'checkpoint_timeout=1d',
  'max_wal_size=8GB',
  'bgwriter_lru_maxpages=0',
];

/** The server of this process, started by the first seed that needs one: transactions of others would be seen in it. */
export function simulationServer(): Promise<Sessions> {
  started ??= start();
  return started;
}

/** Ends the server, if there is one. */
export async function endSimulationServer(): Promise<void> {
  await (await started)?.close();
  started = null;
  if (folder !== null) removeServer(folder);
  folder = null;
}

async function start(): Promise<Sessions> {
  const made = mkdtempSync(join(tmpdir(), 'signalbox-simulate-'));
  folder = made;
  process.once('exit', () => {
    if (folder !== null) removeServer(folder);
  });
  // With checksums a read may write to the log: that a hint was set on a page.
  const sessions = new Sessions(await startServer(made, settings, { hasChecksums: false }));
  await sessions.syncNothing();
  return sessions;
}
