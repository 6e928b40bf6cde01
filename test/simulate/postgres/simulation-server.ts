import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeServer, startServer } from '../../store/postgres/server.ts';
import { Sessions } from './sessions.ts';

let started: Promise<Sessions> | null = null;
let folder: string | null = null;

/** Background work of the server must not change the result of a seed, and its data is not kept. */
const settings = ['autovacuum=off', 'fsync=off', 'full_page_writes=off', 'deadlock_timeout=60s', 'jit=off'];

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
  return new Sessions(await startServer(made, settings));
}
