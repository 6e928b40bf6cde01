import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { removeServer, startServer } from '../../test/store/postgres/server.ts';
import { isOpenToAll } from './place.ts';

/** A PostgreSQL server for all contenders of a run. */
export interface PostgresServer {
  readonly url: string;
  /** The id of its first process, if this run started the server. */
  readonly pid: number | null;
  /** The folder of its files, if this run started the server. */
  readonly folder: string | null;
}

/**
 * Runs `work` with a PostgreSQL server: the one that SIGNALBOX_TEST_DATABASE_URL names, or its own one with default
 * settings and its files in the folder.
 */
export async function withPostgres<Result>(
  folder: string,
  work: (server: PostgresServer) => Promise<Result>,
): Promise<Result> {
  const given = process.env.SIGNALBOX_TEST_DATABASE_URL;
  if (given !== undefined) return work({ url: given, pid: null, folder: null });
  const place = join(placeFor(folder), 'postgres');
  mkdirSync(place);
  const end = () => {
    removeServer(place);
    if (dirname(place) !== folder) rmSync(dirname(place), { recursive: true, force: true });
  };
  // Also runs when the command is interrupted.
  process.once('exit', end);
  try {
    // The default of PostgreSQL; the tests use less.
    const url = await startServer(place, ['shared_buffers=128MB']);
    const [pid] = readFileSync(join(place, 'data', 'postmaster.pid'), 'utf8').split('\n');
    return await work({ url, pid: Number(pid), folder: place });
  } finally {
    process.off('exit', end);
    end();
  }
}

/** As it is at the start: a browser that is measured before sets another one for this process, within the repository. */
const temporary = tmpdir();

/** If root starts the server, it runs as a user who may not enter the folders of other users. */
function placeFor(folder: string): string {
  chmodSync(folder, 0o755);
  if (process.getuid?.() !== 0 || isOpenToAll(folder)) return folder;
  const other = mkdtempSync(join(temporary, 'signalbox-bench-'));
  console.error(`The user of PostgreSQL may not enter ${folder}: its files are in ${other}.`);
  chmodSync(other, 0o755);
  return other;
}

/** Returns the guarantees of the server as readable text. */
export async function serverFacts(
  url: string,
): Promise<{ versions: string; settings: string; fsync: string }> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const asked = [
    'server_version',
    'shared_buffers',
    'max_wal_size',
    'autovacuum',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'wal_sync_method',
  ];
  const { rows } = await client.query(
    'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
    [asked],
  );
  await client.end();
  const told = (...names: string[]) =>
    rows
      .filter(({ name }) => names.includes(name))
      .map(({ name, value }) => `${name} ${value}`)
      .join(', ');
  return {
    versions: told('server_version').replace('server_version', 'PostgreSQL'),
    settings: told('shared_buffers', 'max_wal_size', 'autovacuum'),
    fsync: told('fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method'),
  };
}

/** The length of a tick in the processor accounting of Linux. */
const tickUs = 10_000;

/** Returns the processor time of all processes of a server, in microseconds; NaN where it is not known. */
export function serverCpuUs(pid: number | null): number {
  if (pid === null || process.platform !== 'linux') return Number.NaN;
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(name);
    const isFirst = Number(name) === pid;
    if (!isFirst && Number(fields[1]) !== pid) continue;
    // The first process includes the time of ended processes, because it has waited for them.
    const counted = fields.slice(11, isFirst ? 15 : 13);
    ticks += counted.reduce((sum, field) => sum + Number(field), 0);
  }
  return ticks * tickUs;
}

/** Returns the fields of a process from its state on; an empty list when it has ended meanwhile. */
function statOf(pid: string): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
