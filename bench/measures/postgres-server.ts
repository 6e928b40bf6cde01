import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { removeServer, startServer } from '../../test/store/postgres/server.ts';
import { isOpenToAll } from './place.ts';

/** A PostgreSQL for all contenders of a run. */
export interface PostgresServer {
  readonly url: string;
  /** Its first process, where this run has started it. */
  readonly pid: number | null;
}

/**
 * Does something while a PostgreSQL runs: the server that SIGNALBOX_TEST_DATABASE_URL names, else one of its own with the
 * settings it comes with, whose files are in the folder.
 */
export async function withPostgres<Result>(
  folder: string,
  work: (server: PostgresServer) => Promise<Result>,
): Promise<Result> {
  const given = process.env.SIGNALBOX_TEST_DATABASE_URL;
  if (given !== undefined) return work({ url: given, pid: null });
  const place = join(placeFor(folder), 'postgres');
  mkdirSync(place);
  const end = () => {
    removeServer(place);
    if (dirname(place) !== folder) rmSync(dirname(place), { recursive: true, force: true });
  };
  // Also when the command is interrupted.
  process.once('exit', end);
  try {
    // The default of PostgreSQL; tests have it smaller.
    const url = await startServer(place, ['shared_buffers=128MB']);
    const [pid] = readFileSync(join(place, 'data', 'postmaster.pid'), 'utf8').split('\n');
    return await work({ url, pid: Number(pid) });
  } finally {
    process.off('exit', end);
    end();
  }
}

/** A server that root starts runs as a user who may not look into folders of others. */
function placeFor(folder: string): string {
  chmodSync(folder, 0o755);
  if (process.getuid?.() !== 0 || isOpenToAll(folder)) return folder;
  const other = mkdtempSync(join(tmpdir(), 'signalbox-bench-'));
  console.error(`The user of PostgreSQL may not look into ${folder}: its files are in ${other}.`);
  chmodSync(other, 0o755);
  return other;
}

/** What the server promises, for people. */
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

/** Ticks of a processor's accounting on Linux. */
const tickUs = 10_000;

/** Processor time of all processes of a server, in microseconds; NaN where nobody can tell. */
export function serverCpuUs(pid: number | null): number {
  if (pid === null || process.platform !== 'linux') return Number.NaN;
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(name);
    const isFirst = Number(name) === pid;
    if (!isFirst && Number(fields[1]) !== pid) continue;
    // Those that have ended count with the first, which has waited for them.
    const counted = fields.slice(11, isFirst ? 15 : 13);
    ticks += counted.reduce((sum, field) => sum + Number(field), 0);
  }
  return ticks * tickUs;
}

/** Fields of a process from its state on; none when it has ended meanwhile. */
function statOf(pid: string): readonly string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
